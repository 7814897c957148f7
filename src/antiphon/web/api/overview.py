"""The first screen: what arrives, what is sent, how fast."""

from __future__ import annotations

import msgspec
from litestar import Controller, get

from antiphon.web.api.messages import MessageOut


class MinuteCount(msgspec.Struct, kw_only=True):
    """Events received in the minute that starts at `minute` (ms)."""

    minute: int
    count: int


class DayCount(msgspec.Struct, kw_only=True):
    """Messages sent on `day` (YYYY-MM-DD in the workspace's time zone)."""

    day: str
    sent: int


class MessageCounts(msgspec.Struct, kw_only=True):
    """Messages by what became of them."""

    sent: int
    queued: int
    failed: int
    suppressed: int
    uncertain: int


class TimeToMessage(msgspec.Struct, kw_only=True):
    """From receipt of the call that caused a message to its sending, in ms, over the last 1,000; None without any."""

    p50_ms: int | None
    p99_ms: int | None
    count: int


class Snippets(msgspec.Struct, kw_only=True):
    """Code that sends a first event; `YOUR_WRITE_KEY` stands for the key."""

    curl: str
    python: str
    node: str


class Overview(msgspec.Struct, kw_only=True):
    """The figures of the first screen; times in ms since the epoch."""

    events_total: int
    events_per_minute: list[MinuteCount]
    first_event_at: int | None
    users: int
    companies: int
    active_rules: int
    active_workflows: int
    messages: MessageCounts
    messages_per_day: list[DayCount]
    time_to_message: TimeToMessage
    recent_messages: list[MessageOut]
    snippets: Snippets


class OverviewController(Controller):
    """The overview."""

    path = "/api/overview"
    tags = ("Overview",)

    @get(access="view", sync_to_thread=True)
    def get_overview(self) -> Overview:
        """The figures of the first screen."""
        raise NotImplementedError
