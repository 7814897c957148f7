"""The figures of the first screen."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from antiphon.store.log_tables import log_segments
from antiphon.store.tables import cursors, log_duplicates, messages, rules, workflows

QUARTER = 15 * 60_000
"""Every time zone's offset is a multiple of 15 minutes: counts by quarter can be folded into anyone's days."""

TIMED = 1_000
"""How many of the last messages the time to message is taken of."""


class LogCount(msgspec.Struct, kw_only=True, frozen=True):
    """Events committed to the log in the minute that starts at `minute` (ms)."""

    minute: int
    count: int


def count_events(conn: Connection) -> int:
    """Events taken in so far, duplicates left out: what evaluation has read, less what it found twice."""
    read = conn.execute(
        select(func.coalesce(func.sum(cursors.c.position), 0)).where(cursors.c.name.like("evaluate:%"))
    ).scalar_one()
    twice = conn.execute(select(func.count()).select_from(log_duplicates)).scalar_one()
    return max(0, int(read) - twice)


def first_segment_at(conn: Connection) -> int | None:
    """When the log's first events were committed (ms)."""
    query = select(log_segments.c.committed_at).order_by(log_segments.c.partition, log_segments.c.first_offset)
    return conn.execute(query.limit(1)).scalar_one_or_none()


def offset_at(conn: Connection, partition: int, at: int) -> int:
    """The first offset committed at or after `at` (ms), by bisection: offsets and commit times grow together."""
    s = log_segments
    newest = conn.execute(
        select(s.c.first_offset, s.c.committed_at)
        .where(s.c.partition == partition)
        .order_by(s.c.first_offset.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        return 0
    low, high = 0, newest.first_offset + 1
    while low < high:
        middle = (low + high) // 2
        segment = conn.execute(
            select(s.c.first_offset, s.c.count, s.c.committed_at)
            .where(s.c.partition == partition, s.c.first_offset >= middle)
            .order_by(s.c.first_offset)
            .limit(1)
        ).one_or_none()
        if segment is None or segment.committed_at >= at:
            high = middle
        else:
            low = segment.first_offset + segment.count
    return low


def count_minutes(conn: Connection, partition: int, from_offset: int) -> tuple[list[LogCount], int]:
    """Events by minute from `from_offset` on, and the offset to go on from; duplicates are not known here yet."""
    s = log_segments
    minute = s.c.committed_at - s.c.committed_at % 60_000
    query = (
        select(minute.label("minute"), func.sum(s.c.count), func.max(s.c.first_offset + s.c.count))
        .where(s.c.partition == partition, s.c.first_offset >= from_offset)
        .group_by(minute)
        .order_by(minute)
    )
    rows = conn.execute(query).all()
    counts = [LogCount(minute=row[0], count=int(row[1])) for row in rows]
    return counts, max((int(row[2]) for row in rows), default=from_offset)


def count_active_rules(conn: Connection) -> int:
    """Rules that are switched on."""
    return conn.execute(select(func.count()).where(rules.c.status == "active")).scalar_one()


def count_active_workflows(conn: Connection) -> int:
    """Workflows that are published and not paused."""
    return conn.execute(select(func.count()).where(workflows.c.status == "active")).scalar_one()


def count_statuses(conn: Connection) -> dict[str, int]:
    """Messages by status."""
    query = select(messages.c.status, func.count()).group_by(messages.c.status)
    return {row[0]: row[1] for row in conn.execute(query)}


def count_sent_quarters(conn: Connection, since: int) -> list[tuple[int, int]]:
    """Messages sent since `since` (ms) as (start of the quarter of an hour in ms, count)."""
    m = messages
    quarter = m.c.sent_at - m.c.sent_at % QUARTER
    query = select(quarter, func.count()).where(m.c.status == "sent", m.c.sent_at >= since).group_by(quarter)
    return [(row[0], row[1]) for row in conn.execute(query)]


def list_times_to_message(conn: Connection) -> list[int]:
    """From receipt of the causing call to sending, in ms, ascending, of the last `TIMED` messages that a call caused."""
    m = messages
    query = select(m.c.sent_at - m.c.caused_at).where(m.c.caused_at.is_not(None), m.c.sent_at.is_not(None))
    return sorted(conn.execute(query.order_by(m.c.id.desc()).limit(TIMED)).scalars())
