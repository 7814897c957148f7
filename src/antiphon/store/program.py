"""The rules in force and the watches of workflows: what evaluation compiles its program from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, select, type_coerce, update

from antiphon.model.subject import SubjectKind
from antiphon.store import tables as t

RULES_CHANGED = "rules:changed"
"""The counter of changes of rules, so that none is overlooked and none costs a look at all rules."""


class RuleRow(msgspec.Struct, frozen=True):
    """A rule as evaluation needs it; `filled_version` is the version whose state evaluation has filled."""

    id: int
    name: str
    subject_kind: SubjectKind
    status: str
    version: int
    filled_version: int
    tree: Any
    greets: bool = False

    @property
    def quiet(self) -> bool:
        """Whether those who match when it is switched on are only counted, and not messaged."""
        return not self.greets


def active_rules(
    conn: Connection, only: Collection[int] | None = None, *, decode: Callable[[str], Any] = msgspec.json.decode
) -> list[RuleRow]:
    """The rules that are switched on, by id, or `only` those of them; `decode` makes a tree of its JSON text."""
    r = t.rules.c
    text = type_coerce(r.tree, Text)
    query = select(r.id, r.name, r.subject_kind, r.status, r.version, r.filled_version, text, r.greets)
    query = query.where(r.status == "active").order_by(r.id)
    if only is not None:
        query = query.where(r.id.in_(only))
    return [RuleRow(*row[:6], decode(row[6]), row[7]) for row in conn.execute(query).all()]


def mark_filled(conn: Connection, rule_id: int, version: int) -> None:
    """Remember that evaluation has filled the state of this version."""
    conn.execute(update(t.rules).where(t.rules.c.id == rule_id).values(filled_version=version, greets=False))


def reopen(conn: Connection, rule_ids: Iterable[int]) -> None:
    """Have rules in force filled anew; who enters by that is messaged, as by any event."""
    conn.execute(update(t.rules).where(t.rules.c.id.in_(list(rule_ids))).values(filled_version=0, greets=True))


def rules_with_members(conn: Connection) -> set[int]:
    """Ids of the rules that somebody is a member of, switched on or not."""
    return set(conn.execute(select(t.memberships.c.rule_id).where(t.memberships.c.member).distinct()).scalars())
