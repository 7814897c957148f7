"""How far the filling of new rules is, and from which moment on each is in force.

Computed traits have rows too, under the numbers by which programs know them (beyond all ids of rules).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, select, update

from antiphon.store import tables as t
from antiphon.store.dialect import upsert

Phase = Literal["counting", "judging"]


class Fill(msgspec.Struct, frozen=True):
    """A rule that is being filled: `counting` its metrics over history, or `judging` everybody; `done` of `total`.

    `error` says in plain words why it stands still, until it begins anew at `retry_at` (ms).
    """

    phase: Phase
    done: int
    total: int
    error: str | None = None
    retry_at: int | None = None


class Moment(msgspec.Struct, frozen=True):
    """When a rule was switched on: the log offset up to which evaluation had come, and the instant (ms)."""

    offset: int
    at: int


def begin(conn: Connection, rule_id: int, version: int, moment: Moment) -> Moment:
    """Begin to fill a version of a rule; gives the moment of its first beginning, should this be another one."""
    f = t.fills.c
    known = conn.execute(select(f.since_offset, f.since).where(f.rule_id == rule_id, f.version == version)).first()
    first = moment if known is None else Moment(*known)
    row = {"rule_id": rule_id, "version": version, "since_offset": first.offset, "since": first.at}
    upsert(conn, t.fills, [{**row, "phase": "counting", "done": 0, "total": 0, "error": None, "retry_at": None}])
    return first


def tell(conn: Connection, rule_ids: Iterable[int], phase: Phase, done: int, total: int) -> None:
    """Say how far rules are that have begun."""
    values = {"phase": phase, "done": done, "total": total, "error": None, "retry_at": None}
    conn.execute(update(t.fills).where(t.fills.c.rule_id.in_(list(rule_ids))).values(values))


def tell_failed(conn: Connection, rule_ids: Iterable[int], error: str, retry_at: int) -> None:
    """Say why rules that have begun stand still, and until when (ms)."""
    conn.execute(
        update(t.fills).where(t.fills.c.rule_id.in_(list(rule_ids))).values({"error": error, "retry_at": retry_at})
    )


def drop(conn: Connection, rule_ids: Iterable[int]) -> None:
    """Rules are filled, or no longer wanted."""
    conn.execute(delete(t.fills).where(t.fills.c.rule_id.in_(list(rule_ids))))


def drop_others(conn: Connection, rule_ids: Iterable[int]) -> None:
    """No rule but these is wanted."""
    conn.execute(delete(t.fills).where(t.fills.c.rule_id.not_in(list(rule_ids))))


def of(conn: Connection, rule_ids: Sequence[int]) -> dict[int, Fill]:
    """How far these rules are; those that are not being filled are left out."""
    rows = conn.execute(select(t.fills).where(t.fills.c.rule_id.in_(rule_ids)))
    return {row.rule_id: Fill(row.phase, row.done, row.total, row.error, row.retry_at) for row in rows}
