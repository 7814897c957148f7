"""Messages: what was sent to whom, and how that went."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get
from litestar.params import Parameter

from antiphon.model.message import Channel, DeliveryStatus, Lane


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


class MessageController(Controller):
    """Messages."""

    path = "/api/messages"
    tags = ("Messages",)

    @get(access="view", sync_to_thread=True)
    def list_messages(
        self,
        status: DeliveryStatus | None = None,
        user_id: str | None = None,
        workflow_id: int | None = None,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> MessagePage:
        """Messages, the newest first."""
        raise NotImplementedError

    @get("/{message_id:int}", access="view", sync_to_thread=True)
    def get_message(self, message_id: int) -> MessageOut:
        """One message."""
        raise NotImplementedError
