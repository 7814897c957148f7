"""Messages: what was sent to whom, and how that went."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, FromQuery, QueryParameter

from antiphon.model.message import Channel, DeliveryStatus, Lane
from antiphon.store.messages import Message, Messages, get_message, list_messages
from antiphon.web.api.people import email_of, name_of
from antiphon.web.context import Context


class MessageOut(msgspec.Struct, kw_only=True):
    """A message; times in ms since the epoch, `caused_at` is the receipt of the call that led to it."""

    id: int
    lane: Lane
    channel: Channel
    user_id: str
    user_name: str | None
    user_email: str | None
    recipient: str | None
    template_id: int
    template_name: str | None
    template_version: int | None
    workflow_id: int | None
    workflow_name: str | None
    enrollment_id: int | None
    step_id: str | None
    rule_id: int | None
    rule_name: str | None
    variables: dict[str, Any]
    status: DeliveryStatus
    reason: str | None
    detail: str | None
    provider: str | None
    message_id: str | None
    subject: str | None
    inbox_id: int | None
    attempts: int
    due_at: int
    created_at: int
    caused_at: int | None
    sent_at: int | None
    updated_at: int


class MessagePage(msgspec.Struct, kw_only=True):
    """Messages, the newest first."""

    items: list[MessageOut]
    next_cursor: str | None


def message_out(stored: Message) -> MessageOut:
    """A message as the page shows it."""
    fields = msgspec.structs.asdict(stored)
    traits = fields.pop("traits")
    return MessageOut(**fields, user_name=name_of(traits), user_email=email_of(traits))


def messages_out(found: Messages) -> MessagePage:
    """A page of messages as the page shows it."""
    return MessagePage(items=[message_out(stored) for stored in found.items], next_cursor=found.next_cursor)


class MessageController(Controller):
    """Messages."""

    path = "/api/messages"
    tags = ("Messages",)

    @get(access="view", sync_to_thread=True)
    def list_messages(
        self,
        context: Context,
        status: FromQuery[DeliveryStatus | None] = None,
        user_id: FromQuery[str | None] = None,
        workflow_id: FromQuery[int | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> MessagePage:
        """Messages, the newest first."""
        with context.store.state.read() as conn:
            found = list_messages(
                conn, status=status, user_id=user_id, workflow_id=workflow_id, limit=limit, cursor=cursor
            )
        return messages_out(found)

    @get("/{message_id:int}", access="view", sync_to_thread=True)
    def get_message(self, context: Context, message_id: FromPath[int]) -> MessageOut:
        """One message."""
        with context.store.state.read() as conn:
            return message_out(get_message(conn, message_id))
