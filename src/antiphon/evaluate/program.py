"""The program in force: compiled once per change of a rule or a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EventTrigger, WorkflowDefinition
from antiphon.rules import tree
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.live import Program, RuleSpec, WatchSpec, compile_program
from antiphon.rules.state import SubjectState, SubjectView, seen, trait_values
from antiphon.rules.text import parse_selector
from antiphon.store import program as store
from antiphon.store import workflow_runs
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow


class InForce:
    """A compiled program and what evaluation asks of its rules."""

    def __init__(
        self,
        rows: Sequence[RuleRow],
        watches: Sequence[WatchSpec],
        time_zone: str,
        now: int,
        computed: Sequence[ComputedSpec] = (),
    ) -> None:
        """Compile `rows` and computed traits; raises InvalidInput for a rule that cannot be evaluated (saving one is refused)."""
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
        self.program: Program = compile_program(specs, watches, time_zone=time_zone, computed=computed)
        self.rules = {spec.id: spec for spec in specs}
        self.computed = {spec.key: spec for spec in computed}
        self._kinds = {number: spec.subject_kind for number, spec in (self.rules | self.computed).items()}
        self._rank = self._ranks()
        self.layered = any(self._rank.values())  # whether any reads another's segment or computed trait
        self._initial = {kind: self._possible_at_first(kind, now) for kind in ("user", "company")}

    def initial(self, kind: str) -> list[int]:
        """The rules that may hold, or come to hold by time alone, for somebody who has done nothing yet.

        All others are false until an event or a trait touches them, so a newcomer need not be judged by them.
        """
        return self._initial.get(kind, [])

    def in_order(self, kind: str, rule_ids: Iterable[int]) -> list[int]:
        """Those of `rule_ids` that are about `kind`; what reads another's segment or computed trait comes after it."""
        kinds = self._kinds
        chosen = [r for r in rule_ids if kinds.get(r) == kind]
        return sorted(chosen, key=self._rank.__getitem__) if self.layered else chosen

    def everything(self, kind: str) -> list[int]:
        """All rules and computed traits about a kind, in order."""
        return self.in_order(kind, self._kinds)

    def traits(self, kind: SubjectKind, computed: Mapping[int, Any], state: SubjectState) -> dict[str, Any]:
        """A subject's traits as rules and people see them; a computed one (`computed`: values by key) hides one that was set."""
        traits = trait_values(state)
        if self.computed:
            for name in self.program.computed_names(kind):
                traits.pop(name, None)
            for number, value in computed.items():
                spec = self.computed.get(number)
                if spec is not None:
                    traits[spec.name] = value
        return traits

    def readers(self, number: int) -> list[int]:
        """The rules and computed traits that read a rule's segment or a computed trait."""
        spec = self.computed.get(number)
        if spec is None:
            return self.program.rules_for_segment(number)
        readers = self.program.rules_for_traits(spec.subject_kind, (spec.name,))
        return (
            [*readers, *self.program.rules_for_company_traits((spec.name,))]
            if spec.subject_kind == "company"
            else readers
        )

    def rank(self, rule_id: int) -> int:
        """How many segments and computed traits lie below a rule, one upon the other."""
        return self._rank[rule_id]

    def _ranks(self) -> dict[int, int]:
        ranks = dict.fromkeys(self._kinds, 0)
        for _ in self._kinds:  # there are no rings, so no path is longer than there are rules
            changed = False
            for rule_id in self._kinds:
                for reader in self.readers(rule_id):
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
        found: list[int] = []
        for number in self.program.rules_for_kind(kind):
            if number in self.computed:
                value, recheck_at = self.program.compute(number, view, now)
                possible = value is not None or recheck_at is not None
            else:
                verdict = self.program.evaluate(number, view, now)
                possible = verdict.truth or verdict.recheck_at is not None
            if possible:
                found.append(number)
        return found


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
