"""Transactional messages: a customer's server asks for one mail to one user."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, post
from litestar.params import Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from antiphon.model.message import Channel, DeliveryStatus

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

    @post(access="server", status_code=HTTP_202_ACCEPTED, sync_to_thread=True)
    def send_message(
        self,
        data: MessageRequest,
        idempotency_key: Annotated[str | None, Parameter(header="Idempotency-Key", max_length=255)] = None,
    ) -> MessageAccepted:
        """Send a transactional message; authenticate with a server key (Bearer, or Basic with an empty password)."""
        raise NotImplementedError
