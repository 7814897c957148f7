"""The first screen: what arrives, what is sent, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Request, get

from antiphon.model.clock import DAY, SECOND
from antiphon.store.engine import Connection
from antiphon.store.messages import list_messages
from antiphon.store.overview import (
    count_active_rules,
    count_active_workflows,
    count_events,
    count_sent_quarters,
    count_statuses,
    first_segment_at,
    list_times_to_message,
)
from antiphon.store.people import count_profiles
from antiphon.store.settings import read_workspace
from antiphon.web.api.messages import MessageOut, message_out
from antiphon.web.context import Context, WebContext
from antiphon.web.snippets import Snippets, snippets

if TYPE_CHECKING:
    from antiphon.web.rates import EventRate

RECENT = 10
DAYS = 30


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
    def get_overview(self, request: Request[Any, Any, Any], context: Context) -> Overview:
        """The figures of the first screen."""
        rate: EventRate = request.app.state.rate
        minutes = [MinuteCount(minute=found.minute, count=found.count) for found in rate.last_hour()]
        with context.store.log.read() as conn:
            first_event_at = first_segment_at(conn)
        with context.store.state.read() as conn:
            return Overview(
                events_total=count_events(conn),
                events_per_minute=minutes,
                first_event_at=first_event_at,
                users=count_profiles(conn, "user"),
                companies=count_profiles(conn, "company"),
                active_rules=count_active_rules(conn),
                active_workflows=count_active_workflows(conn),
                messages=_message_counts(conn),
                messages_per_day=_per_day(context, conn),
                time_to_message=_time_to_message(conn),
                recent_messages=[message_out(message) for message in list_messages(conn, limit=RECENT).items],
                snippets=snippets(context.settings.public_url),
            )


def _message_counts(conn: Connection) -> MessageCounts:
    counts = count_statuses(conn)
    return MessageCounts(
        sent=counts.get("sent", 0),
        queued=sum(counts.get(status, 0) for status in ("queued", "claimed", "at_data", "deferred")),
        failed=counts.get("failed", 0),
        suppressed=counts.get("suppressed", 0),
        uncertain=counts.get("uncertain", 0),
    )


def _per_day(context: WebContext, conn: Connection) -> list[DayCount]:
    """The last 30 days in the workspace's zone, today last; quarters of an hour are folded into days."""
    zone = ZoneInfo(read_workspace(conn).time_zone)
    today = datetime.fromtimestamp(context.clock() / SECOND, zone).date()
    days = {today - timedelta(days=back): 0 for back in range(DAYS - 1, -1, -1)}
    for quarter, count in count_sent_quarters(conn, context.clock() - (DAYS + 1) * DAY):
        day = datetime.fromtimestamp(quarter / SECOND, zone).date()
        if day in days:
            days[day] += count
    return [DayCount(day=day.isoformat(), sent=sent) for day, sent in days.items()]


def _time_to_message(conn: Connection) -> TimeToMessage:
    times = list_times_to_message(conn)
    return TimeToMessage(p50_ms=_percentile(times, 50), p99_ms=_percentile(times, 99), count=len(times))


def _percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The nearest rank: the smallest value that at least `percent` of them do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None
