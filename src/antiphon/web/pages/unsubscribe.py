"""Unsubscribing by the signed link in a mail (RFC 8058): GET shows a page, POST acts; no sign-in, no cookie."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import NotFound
from antiphon.model.event import INTERNAL, Event
from antiphon.store.engine import Connection
from antiphon.store.messages import find_recipient
from antiphon.store.signals import emit
from antiphon.store.suppressions import suppress
from antiphon.templates.links import UnsubscribeLink, read_unsubscribe
from antiphon.web.access import PUBLIC
from antiphon.web.context import Context, WebContext
from antiphon.web.pages.layout import page

SOURCE = "antiphon"
"""The source of events of our own."""


class UnsubscribeController(Controller):
    """The unsubscribe page."""

    path = "/unsubscribe/{token:str}"
    include_in_schema = False

    @get(access=PUBLIC, sync_to_thread=True)
    def show_unsubscribe(self, context: Context, token: FromPath[str]) -> Response[str]:
        """Ask, and change nothing: scanners open every link."""
        link = _read(context, token)
        name = context.workspace().name
        if link is None:
            return _broken(name)
        body = (
            f"<h1>Unsubscribe?</h1><p>{escape(link.address)} will get no more {_what(link)} from {escape(name)}.</p>"
            f'<form method="post" action="/unsubscribe/{quote(token)}"><button type="submit">Unsubscribe</button></form>'
        )
        return page("Unsubscribe", body, brand=name)

    @post(access=PUBLIC, status_code=HTTP_200_OK, sync_to_thread=True)
    def unsubscribe(self, context: Context, token: FromPath[str]) -> Response[str]:
        """Unsubscribe, at once; this answers only when it is on disk."""
        link = _read(context, token)
        name = context.workspace().name
        if link is None:
            return _broken(name)
        with context.store.state.write() as conn:
            _unsubscribe(conn, link, context.clock())
        context.wake.notify("emissions")
        body = (
            "<h1>You are unsubscribed</h1>"
            f"<p>{escape(link.address)} will get no more {_what(link)} from {escape(name)}.</p>"
        )
        return page("Unsubscribed", body, brand=name)


def _unsubscribe(conn: Connection, link: UnsubscribeLink, now: int) -> None:
    fresh = suppress(conn, link.address, topic=link.topic, reason="unsubscribed", message_id=link.message_id, now=now)
    sent = find_recipient(conn, link.message_id) if link.message_id is not None else None
    if not fresh or sent is None:
        return  # said before, or a test mail that belongs to no user
    properties = {
        "message_id": link.message_id,
        "topic": link.topic,
        "template_id": sent.template_id,
        "workflow_id": sent.workflow_id,
    }
    event = Event(
        id=f"unsubscribed:{link.message_id}:{link.topic}",
        type="track",
        name="unsubscribed",
        timestamp=now,
        received_at=now,
        source=SOURCE,
        user_id=sent.user_id,
        properties=properties,
        flags=INTERNAL,
    )
    emit(conn, [event])


def _read(context: WebContext, token: str) -> UnsubscribeLink | None:
    return read_unsubscribe(context.workspace().secret, token)


def _what(link: UnsubscribeLink) -> str:
    return f"emails about {escape(link.topic)}" if link.topic else "emails"


def _broken(name: str) -> Response[str]:
    body = (
        "<h1>This link does not work</h1><p>It may have been cut off when it was copied. "
        "Open it from the email again, or answer the email and ask to be taken off the list.</p>"
    )
    return page("Unsubscribe", body, status=NotFound.status, brand=name)
