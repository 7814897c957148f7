"""Who matched already when a rule was switched on: they are counted, and whoever comes to match after it is messaged.

A rule is judged for the first time when its filling ends, minutes later perhaps. Its truth at the moment of switching on is asked
of history: of the events before that moment, and of people as they were stored then. What somebody's first judgement says is news
only where it differs from that. What came and went again in between is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from antiphon.rules import tree
from antiphon.rules.engines import duckdb_sql
from antiphon.rules.history import members
from antiphon.rules.history_rows import history_tables
from antiphon.rules.live import RuleSpec
from antiphon.store.fills import Moment
from antiphon.store.program import RuleRow

Connect = Callable[[int, Mapping[str, Any]], AbstractContextManager[Any]]
"""A connection to DuckDB with the events before a log offset, and these people."""


class People(Protocol):
    """Everybody as they were stored at one moment, see `store.people_tables.HeldPeople`."""

    def read(self) -> Mapping[str, Any]:
        """The tables."""
        ...

    def close(self) -> None:
        """Hold them no longer."""
        ...


class FirstJudgements:
    """By rule, who is still to be judged for the first time, and whether that is news."""

    def __init__(self, rows: Collection[RuleRow]) -> None:
        """Start with nobody; of rules that greet everybody, all is news."""
        self._quiet = {row.id for row in rows if row.quiet}
        self._there: dict[int, frozenset[str]] = {}
        self._moved: dict[int, set[str]] = {row.id: set() for row in rows}
        self.pending: dict[int, dict[str, None]] = {
            row.id: {} for row in rows
        }  # a set in the order in which states are stored

    def know(self, rule_id: int, there: frozenset[str]) -> None:
        """Take in who matched when a rule was switched on; until then, and without it, whoever matches did."""
        self._there[rule_id] = there

    def old_news(self, rule_id: int, subject_id: str, *, member: bool) -> bool:
        """Whether a rule's move of somebody only says what was so when it was switched on; asked once for each move."""
        if rule_id not in self._quiet or subject_id not in self.pending[rule_id]:
            return False
        moved = self._moved[rule_id]
        if subject_id in moved:  # between the first judgement, by an event, and the turn of theirs
            return False
        moved.add(subject_id)
        return self.was_there(rule_id, subject_id) in {None, member}

    def follows(self, rule_id: int, subject_id: str) -> bool:
        """Whether what other rules make of somebody's first judgement is old news too."""
        return rule_id in self._quiet and self.was_there(rule_id, subject_id) is not False

    def was_there(self, rule_id: int, subject_id: str) -> bool | None:
        """Whether somebody matched when the rule was switched on; None when that is not known."""
        there = self._there.get(rule_id)
        return None if there is None else subject_id in there


class First:
    """A slice of one rule's first judgements, with what other rules make of them."""

    def __init__(self, judgements: FirstJudgements, rule_id: int) -> None:
        """Ask `judgements` of this rule."""
        self._judgements, self._rule_id = judgements, rule_id

    def old_news(self, rule_id: int, subject_id: str, *, member: bool) -> bool:
        """See `FirstJudgements`."""
        if rule_id == self._rule_id:
            return self._judgements.old_news(rule_id, subject_id, member=member)
        return self._judgements.follows(self._rule_id, subject_id)


def matching(
    rule: RuleSpec,
    moment: Moment,
    rules: Collection[RuleSpec],
    time_zone: str,
    connect: Connect,
    people: Mapping[str, Any],
    *,
    reads_events: bool,
) -> frozenset[str]:
    """The subjects for whom a rule held at a moment; `rules` are those whose segments it may refer to."""
    bare = history_tables()
    segments: dict[str, tree.Tree] = {one.name: one.tree for one in rules}
    found = members(
        rule.tree,
        rule.subject_kind,
        bare.events,
        bare.profiles,
        bare.identities,
        now=moment.at,
        time_zone=time_zone,
        segments=segments,
    )
    asked = found.rows.filter(found.rows.matched).select("subject_id")
    with connect(moment.offset if reads_events else 0, people) as db:
        return frozenset(row[0] for row in db.execute(duckdb_sql(asked)).fetchall())
