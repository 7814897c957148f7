"""The program in force: compiled once per change of a rule or a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EventTrigger, WorkflowDefinition
from antiphon.rules import tree
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.live import Program, RuleSpec, WatchSpec
from antiphon.rules.pieces import Pieces
from antiphon.rules.state import SubjectState, trait_values
from antiphon.rules.text import parse_selector
from antiphon.store import program as store
from antiphon.store import workflow_runs
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow

_decoder: msgspec.json.Decoder[tree.Tree] = msgspec.json.Decoder(tree.Tree)


class InForce:
    """A compiled program and what evaluation asks of its rules."""

    def __init__(
        self,
        rows: Sequence[RuleRow],
        watches: Sequence[WatchSpec],
        now: int,
        pieces: Pieces,
        computed: Sequence[ComputedSpec] = (),
    ) -> None:
        """Compile `rows` and computed traits, but for what `pieces` has of the program before.

        Raises InvalidInput for a rule that cannot be evaluated (saving one is refused).
        """
        specs = [
            RuleSpec(
                id=row.id,
                version=row.version,
                subject_kind=row.subject_kind,
                tree=msgspec.convert(row.tree, tree.Tree) if type(row.tree) is dict else row.tree,
                name=row.name,
            )
            for row in rows
        ]
        self.program = Program(specs, watches, pieces, computed)
        self.rules = {spec.id: spec for spec in specs}
        self.computed = {spec.key: spec for spec in computed}
        self._kinds = {number: spec.subject_kind for number, spec in (self.rules | self.computed).items()}
        self._rank = self._ranks()
        self.layered = bool(self._rank)  # whether any reads another's segment or computed trait
        self._initial: dict[SubjectKind, list[int]] = {"user": [], "company": []}
        for number, piece in self.program.pieces.items():
            if piece.possible_at_first(now):
                self._initial[piece.reads.kind].append(number)

    def initial(self, kind: SubjectKind) -> list[int]:
        """The rules that may hold, or come to hold by time alone, for somebody who has done nothing yet.

        All others are false until an event or a trait touches them, so a newcomer need not be judged by them.
        """
        return self._initial[kind]

    def in_order(self, kind: str, rule_ids: Iterable[int]) -> list[int]:
        """Those of `rule_ids` that are about `kind`; what reads another's segment or computed trait comes after it."""
        kinds = self._kinds
        chosen = [r for r in rule_ids if kinds.get(r) == kind]
        return sorted(chosen, key=self.rank) if self.layered else chosen

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
        return self._rank.get(rule_id, 0)

    def _ranks(self) -> dict[int, int]:
        """The ranks that are not 0."""
        ranks: dict[int, int] = {}
        below = [*self.program.rules_with_readers, *self.computed]
        for _ in range(len(self._kinds)):  # there are no rings, so no path is longer than there are rules
            changed = False
            for number in below:
                for reader in self.readers(number):
                    if ranks.get(reader, 0) <= ranks.get(number, 0):
                        ranks[reader] = ranks.get(number, 0) + 1
                        changed = True
            if not changed:
                break
        return ranks


def watches(conn: Connection) -> list[WatchSpec]:
    """The event triggers of the active workflows."""
    found: list[WatchSpec] = []
    for row in workflow_runs.published(conn):
        definition = msgspec.convert(row.definition, WorkflowDefinition)
        if row.status == "active" and isinstance(definition.trigger, EventTrigger):
            key = f"workflow:{row.workflow_id}:{row.version}"
            found.append(WatchSpec(key=key, selector=parse_selector(definition.trigger.selector)))
    return found


def active_rules(conn: Connection, trees: dict[str, tree.Tree]) -> list[RuleRow]:
    """The rules that are switched on; `trees` has those decoded before by their JSON text, and is brought up to date."""
    found: dict[str, tree.Tree] = {}

    def decode(text: str) -> tree.Tree:
        known = trees.get(text)
        found[text] = known = _decoder.decode(text) if known is None else known
        return known

    rows = store.active_rules(conn, decode=decode)
    trees.clear()
    trees.update(found)
    return rows
