"""Replays: past events in order of receipt, and what a temporary store holds at the end of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection, func, select

from antiphon.model.event import INTERNAL, Event
from antiphon.store.history import HistoryReader
from antiphon.store.history_schema import COLUMNS, to_events
from antiphon.store.tables import enrollments, messages, signals, step_runs

_EVENT_COLUMNS = ", ".join(COLUMNS[:16])  # those that make up an event again
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 20_000


class Queued(msgspec.Struct, frozen=True):
    """A message in the outbox, as a replay left it."""

    user_id: str
    created_at: int
    step_id: str | None
    template_id: int
    recipient: str | None


class Unsent(msgspec.Struct, frozen=True):
    """A step that did not do its work, and why."""

    user_id: str
    at: int
    step_id: str
    reason: str | None


def count_between(reader: HistoryReader, since: int, until: int) -> int:
    """How many events were received from `since` on and before `until` (ms)."""
    with reader.connect() as db:
        row = db.execute(
            "SELECT count(*) FROM events WHERE received_at >= ? AND received_at < ?", [_moment(since), _moment(until)]
        ).fetchone()
    return int(row[0]) if row else 0


def events_between(reader: HistoryReader, since: int, until: int) -> Iterator[Event]:
    """The events received from `since` on and before `until` (ms), in the order of the log."""
    yield from _events(
        reader, "received_at >= ? AND received_at < ? ORDER BY log_offset", [_moment(since), _moment(until)]
    )


def events_before(reader: HistoryReader, instant: int) -> Iterator[Event]:
    """The events received before `instant` (ms), in no particular order."""
    yield from _events(reader, "received_at < ?", [_moment(instant)])


def calls_before(reader: HistoryReader, instant: int) -> Iterator[Event]:
    """Of the events received before `instant` (ms) those that say who somebody is, and everybody's first, in log order.

    First is by the time from which an event makes its subject known: its own, or its receipt when it was late.
    """
    first = (
        "SELECT min_by(log_offset, if(late, received_at, timestamp)) FROM events WHERE received_at < ?"  # noqa: S608
        f" AND flags & {INTERNAL} = 0 GROUP BY user_id, if(user_id IS NULL, anonymous_id, NULL), company_id"
    )
    where = f"received_at < ? AND (type <> 'track' OR log_offset IN ({first})) ORDER BY log_offset"
    yield from _events(reader, where, [_moment(instant)] * 2)


def group_calls(reader: HistoryReader, company_ids: Sequence[str]) -> list[tuple[int, Event]]:
    """(log offset, event) of the group calls that name these companies."""
    marks = ", ".join("?" * len(company_ids))
    query = f"SELECT {_EVENT_COLUMNS} FROM events WHERE type = 'group' AND company_id IN ({marks})"  # noqa: S608
    with reader.connect() as db:
        return list(to_events(db.sql(query, params=list(company_ids)).to_arrow_reader(_BATCH)))


def _moment(instant: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=instant)


def _events(reader: HistoryReader, where: str, values: list[object]) -> Iterator[Event]:
    with reader.connect() as db:
        rows = db.sql(f"SELECT {_EVENT_COLUMNS} FROM events WHERE {where}", params=values)  # noqa: S608 - our own names
        for _, event in to_events(rows.to_arrow_reader(_BATCH)):
            yield event


def entered_quietly(conn: Connection, rule_id: int) -> int:
    """How many entered a rule's segment without anybody being messaged for it: as it was switched on."""
    s = signals.c
    query = select(func.count()).where(s.rule_id == rule_id, s.kind == "entered", s.quiet)
    return conn.execute(query).scalar_one()


def queued_messages(conn: Connection) -> list[Queued]:
    """Everything in the outbox, oldest first."""
    m = messages.c
    query = select(m.user_id, m.created_at, m.step_id, m.template_id, m.recipient).order_by(m.created_at, m.id)
    return [Queued(*row) for row in conn.execute(query)]


def unsent_steps(conn: Connection) -> list[Unsent]:
    """The send steps that were skipped or failed, oldest first."""
    s, e = step_runs, enrollments
    query = (
        select(e.c.user_id, s.c.at, s.c.step_id, s.c.reason)
        .select_from(s.join(e, e.c.id == s.c.enrollment_id))
        .where(s.c.kind == "send", s.c.outcome != "done")
        .order_by(s.c.at, e.c.id)
    )
    return [Unsent(*row) for row in conn.execute(query)]
