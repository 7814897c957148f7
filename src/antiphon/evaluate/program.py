"""The program in force: compiled once per change of a rule or a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EventTrigger, WorkflowDefinition
from antiphon.rules import tree
from antiphon.rules.live import Program, RuleSpec, WatchSpec, compile_program
from antiphon.rules.state import SubjectState, SubjectView, seen
from antiphon.rules.text import parse_selector
from antiphon.store import program as store
from antiphon.store import workflow_runs
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow


class InForce:
    """A compiled program and what evaluation asks of its rules."""

    def __init__(self, rows: Sequence[RuleRow], watches: Sequence[WatchSpec], time_zone: str, now: int) -> None:
        """Compile `rows`; raises InvalidInput for a rule that cannot be evaluated (saving one is refused)."""
        specs = [
            RuleSpec(
                id=row.id,
                version=row.version,
                subject_kind=row.subject_kind,
                tree=msgspec.convert(row.tree, tree.Tree),
                name=row.name,
            )
            for row in rows
        ]
        self.program: Program = compile_program(specs, watches, time_zone=time_zone)
        self.rules = {spec.id: spec for spec in specs}
        self._rank = self._ranks()
        self.layered = any(self._rank.values())  # whether any rule reads another's segment
        self._initial = {kind: self._possible_at_first(kind, now) for kind in ("user", "company")}

    def initial(self, kind: str) -> list[int]:
        """The rules that may hold, or come to hold by time alone, for somebody who has done nothing yet.

        All others are false until an event or a trait touches them, so a newcomer need not be judged by them.
        """
        return self._initial.get(kind, [])

    def in_order(self, kind: str, rule_ids: Iterable[int]) -> list[int]:
        """Those of `rule_ids` that are about `kind`, a rule that reads another's segment after that one."""
        rules = self.rules
        chosen = [r for r in rule_ids if r in rules and rules[r].subject_kind == kind]
        return sorted(chosen, key=self._rank.__getitem__) if self.layered else chosen

    def rank(self, rule_id: int) -> int:
        """How many segments lie below a rule, one upon the other."""
        return self._rank[rule_id]

    def _ranks(self) -> dict[int, int]:
        ranks = dict.fromkeys(self.rules, 0)
        for _ in self.rules:  # there are no rings, so no path is longer than there are rules
            changed = False
            for rule_id in self.rules:
                for reader in self.program.rules_for_segment(rule_id):
                    if ranks[reader] <= ranks[rule_id]:
                        ranks[reader] = ranks[rule_id] + 1
                        changed = True
            if not changed:
                break
        return ranks

    def _possible_at_first(self, kind: SubjectKind, now: int) -> list[int]:
        state = SubjectState()
        seen(state, now)
        view = SubjectView(state=state, traits={})
        verdicts = ((r, self.program.evaluate(r, view, now)) for r in self.program.rules_for_kind(kind))
        return [r for r, verdict in verdicts if verdict.truth or verdict.recheck_at is not None]


def watches(conn: Connection) -> list[WatchSpec]:
    """The event triggers of the active workflows."""
    found: list[WatchSpec] = []
    for row in workflow_runs.published(conn):
        definition = msgspec.convert(row.definition, WorkflowDefinition)
        if row.status == "active" and isinstance(definition.trigger, EventTrigger):
            key = f"workflow:{row.workflow_id}:{row.version}"
            found.append(WatchSpec(key=key, selector=parse_selector(definition.trigger.selector)))
    return found


def active_rules(conn: Connection) -> list[RuleRow]:
    """The rules that are switched on."""
    return store.active_rules(conn)
