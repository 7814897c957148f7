"""Transactional messages: a customer's server asks for one mail to one user."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any

import msgspec
from litestar import Controller, post
from litestar.params import HeaderParameter, JSONBody
from litestar.status_codes import HTTP_202_ACCEPTED

from antiphon.errors import Conflict, InvalidInput, NotFound
from antiphon.model.message import Channel, DeliveryStatus
from antiphon.store.engine import Connection
from antiphon.store.messages import queue_transactional
from antiphon.store.people import get_profile, resolve_user
from antiphon.store.templates import Template, find_template, get_template
from antiphon.web.access import Actor
from antiphon.web.api.people import email_of
from antiphon.web.context import Context

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class MessageRequest(msgspec.Struct, kw_only=True):
    """One message to one known user; `template_id` is the number or the name of a published template."""

    user_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    template_id: int | Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    channel: Channel = "email"
    variables: dict[str, Any] = {}
    idempotency_key: Key | None = None


class MessageAccepted(msgspec.Struct, kw_only=True):
    """The message that will be sent; the same idempotency key gives the same answer again."""

    id: int
    status: DeliveryStatus


class SendingController(Controller):
    """Sending, for servers."""

    path = "/v1/messages"
    tags = ("Sending",)

    @post(access="send", status_code=HTTP_202_ACCEPTED, sync_to_thread=True)
    def send_message(
        self,
        context: Context,
        principal: Actor,
        data: JSONBody[MessageRequest],
        idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=255)] = None,
    ) -> MessageAccepted:
        """Send a transactional message; authenticate with a server key (Bearer, or Basic with an empty password)."""
        own = data.idempotency_key or idempotency_key
        now = context.clock()
        with context.store.state.write() as conn:
            user_id = resolve_user(conn, data.user_id)
            profile = get_profile(conn, "user", user_id) if user_id is not None else None
            if profile is None:
                raise NotFound(f"There is no user {data.user_id}: identify them first.", field="user_id")
            recipient = email_of(profile.traits)
            if recipient is None:
                raise InvalidInput(f"The user {data.user_id} has no `email` trait.", field="user_id")
            template = _template(conn, data.template_id)
            if template.published_version is None:
                raise Conflict(f"The template “{template.name}” is not published.", field="template_id")
            queued = queue_transactional(
                conn,
                idempotency_key=_key(principal.token.id, own),
                channel=data.channel,
                user_id=profile.id,
                recipient=recipient,
                template_id=template.id,
                template_version=template.published_version,
                variables=data.variables,
                now=now,
            )
        context.wake.notify("outbox")
        return MessageAccepted(id=queued.id, status=queued.status)


def _template(conn: Connection, template_id: int | str) -> Template:
    """By number, or by name; NotFound."""
    found = find_template(conn, template_id) if isinstance(template_id, str) else get_template(conn, template_id)
    if found is None:
        raise NotFound(f"There is no template called “{template_id}”.", field="template_id")
    return found


def _key(token_id: int, own: str | None) -> str:
    """What makes two requests one: the caller's key within the server key, or nothing."""
    parts = ("api", str(token_id), own) if own is not None else ("api", str(token_id), "", secrets.token_hex(16))
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=20).hexdigest()
