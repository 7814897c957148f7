"""How far the filling of new rules is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, select

from antiphon.store import tables as t
from antiphon.store.dialect import upsert

Phase = Literal["counting", "judging"]


class Fill(msgspec.Struct, frozen=True):
    """A rule that is being filled: `counting` its metrics over history, or `judging` everybody; `done` of `total`."""

    phase: Phase
    done: int
    total: int


def save(conn: Connection, rule_id: int, phase: Phase, done: int, total: int) -> None:
    """Tell how far a rule is."""
    upsert(conn, t.fills, [{"rule_id": rule_id, "phase": phase, "done": done, "total": total}])


def drop(conn: Connection, rule_id: int) -> None:
    """A rule is filled, or no longer wanted."""
    conn.execute(delete(t.fills).where(t.fills.c.rule_id == rule_id))


def of(conn: Connection, rule_ids: Sequence[int]) -> dict[int, Fill]:
    """How far these rules are; those that are not being filled are left out."""
    rows = conn.execute(select(t.fills).where(t.fills.c.rule_id.in_(rule_ids)))
    return {row.rule_id: Fill(row.phase, row.done, row.total) for row in rows}
