"""The built-in inbox: what was "sent" with no mail account."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get
from litestar.params import Parameter


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
        limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> InboxPage:
        """Mails, the newest first."""
        raise NotImplementedError

    @get("/{mail_id:int}", access="view", sync_to_thread=True)
    def get_inbox_mail(self, mail_id: int) -> InboxMail:
        """One mail with headers, text and source."""
        raise NotImplementedError

    @get("/{mail_id:int}/html", access="view", media_type="text/html", sync_to_thread=True)
    def get_inbox_mail_html(self, mail_id: int) -> Response[Any]:
        """The mail's HTML part as a document of its own that can run nothing."""
        raise NotImplementedError
