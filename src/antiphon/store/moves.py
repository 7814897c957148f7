"""When a subject entered and left rules, as evaluation recorded it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from antiphon.model.subject import SubjectKind
from antiphon.store.tables import rules, signals


class SegmentMove(msgspec.Struct, frozen=True):
    """The subject entered (`inside`) or left a rule at `at` (ms)."""

    at: int
    rule: str
    inside: bool


def moves_of(conn: Connection, kind: SubjectKind, subject_id: str, names: Sequence[str]) -> list[SegmentMove]:
    """The moves of a subject in and out of these rules (by name), oldest first."""
    g = signals.c
    query = (
        select(g.at, rules.c.name, g.kind)
        .select_from(signals.join(rules, rules.c.id == g.rule_id))
        .where(g.subject_kind == kind, g.subject_id == subject_id, g.kind != "event", rules.c.name.in_(names))
        .order_by(g.seq)
    )
    return [SegmentMove(row.at, row.name, row.kind == "entered") for row in conn.execute(query)]
