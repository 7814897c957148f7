"""The built-in inbox: what was "sent" with no mail account."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, MediaType, Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from antiphon.channels.email.inbox import framed, read_mail, snippet
from antiphon.store.inbox import Mail, get_mail, list_mails
from antiphon.web.context import Context
from antiphon.web.headers import MAIL_POLICY


class InboxItem(msgspec.Struct, kw_only=True):
    """A mail in the list; `message_id` is the message's number, None for a test send."""

    id: int
    message_id: int | None
    sender: str
    recipient: str
    subject: str
    snippet: str
    received_at: int


class InboxPage(msgspec.Struct, kw_only=True):
    """Mails, the newest first."""

    items: list[InboxItem]
    next_cursor: str | None
    total: int


class Header(msgspec.Struct, kw_only=True):
    """A header as it stands in the mail."""

    name: str
    value: str


class InboxMail(msgspec.Struct, kw_only=True):
    """A whole mail; show `html_url` in a frame with sandbox="allow-popups allow-popups-to-escape-sandbox"."""

    id: int
    message_id: int | None
    sender: str
    recipient: str
    subject: str
    snippet: str
    received_at: int
    headers: list[Header]
    text: str
    source: str
    html_url: str


class InboxController(Controller):
    """The built-in inbox."""

    path = "/api/inbox"
    tags = ("Inbox",)

    @get(access="view", sync_to_thread=True)
    def list_inbox(
        self,
        context: Context,
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> InboxPage:
        """Mails, the newest first."""
        with context.store.state.read() as conn:
            found = list_mails(conn, limit=limit, cursor=cursor)
        return InboxPage(items=[_item(mail) for mail in found.items], next_cursor=found.next_cursor, total=found.total)

    @get("/{mail_id:int}", access="view", sync_to_thread=True)
    def get_inbox_mail(self, context: Context, mail_id: FromPath[int]) -> InboxMail:
        """One mail with headers, text and source."""
        with context.store.state.read() as conn:
            mail = get_mail(conn, mail_id)
        parts = read_mail(mail.raw)
        return InboxMail(
            id=mail.id,
            message_id=mail.message_id,
            sender=mail.sender,
            recipient=mail.recipient,
            subject=mail.subject,
            snippet=snippet(mail.raw),
            received_at=mail.received_at,
            headers=[Header(name=name, value=value) for name, value in parts.headers],
            text=parts.text,
            source=parts.source,
            html_url=f"/api/inbox/{mail.id}/html",
        )

    @get("/{mail_id:int}/html", access="view", media_type="text/html", sync_to_thread=True)
    def get_inbox_mail_html(self, context: Context, mail_id: FromPath[int]) -> Response[Any]:
        """The mail's HTML part as a document of its own that can run nothing."""
        with context.store.state.read() as conn:
            mail = get_mail(conn, mail_id)
        html = framed(read_mail(mail.raw).html)
        return Response(html, media_type=MediaType.HTML, headers={"content-security-policy": MAIL_POLICY})


def _item(mail: Mail) -> InboxItem:
    return InboxItem(
        id=mail.id,
        message_id=mail.message_id,
        sender=mail.sender,
        recipient=mail.recipient,
        subject=mail.subject,
        snippet=snippet(mail.raw),
        received_at=mail.received_at,
    )
