"""Rules compiled one by one, so that a program of many is put together anew without compiling those that did not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.compile import Compiler, Selectors
from antiphon.rules.computed import ComputedSpec, Reads, compile_computed, reads_of
from antiphon.rules.conditions import Compiled
from antiphon.rules.formula import rule_traits
from antiphon.rules.formula_values import Evaluate
from antiphon.rules.metrics import Kept
from antiphon.rules.state import SubjectState, SubjectView, seen
from antiphon.rules.zones import LocalDays

SPARE = 1_000
"""Selectors that nothing uses any more are kept up to as many as are in use, and these beside."""


class RuleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to evaluate; `name` is what other rules call its segment by."""

    id: int
    version: int
    subject_kind: SubjectKind
    tree: tree.Tree
    name: str


class Piece:
    """A rule, or a computed trait, compiled by itself: its condition or formula, what it reads, and the metrics that it needs.

    Nothing of it changes with the rules around it, so programs share it.
    """

    __slots__ = ("_possible", "condition", "evaluate", "metrics", "reads", "tree")

    def __init__(
        self,
        tree: tree.Tree | None,
        reads: Reads,
        metrics: Mapping[str, Kept],
        condition: Compiled | None = None,
        evaluate: Evaluate | None = None,
    ) -> None:
        """Keep what it was made of, and what it became."""
        self.tree, self.reads, self.metrics = tree, reads, metrics
        self.condition, self.evaluate = condition, evaluate
        self._possible: bool | None = None

    def possible_at_first(self, now: int) -> bool:
        """Whether it may hold, or come to hold by time alone, for somebody first seen `now` who has done nothing yet.

        What was possible once is taken to be so ever after; what was not does not become it.
        """
        if self._possible is None:
            state = SubjectState()
            seen(state, now)
            view = SubjectView(state=state, traits={})
            found: tuple[Any, int | None]
            if self.condition is not None:
                truth, recheck_at = self.condition.verdict(view, now)
                found = truth or None, recheck_at
            elif self.evaluate is not None:
                found = self.evaluate(view, now)
            else:
                found = None, None
            self._possible = found != (None, None)
        return self._possible


class Pieces:
    """Compiles rules, and keeps what it made for the next program; one for each time zone."""

    def __init__(self, days: LocalDays) -> None:
        """Take the days of the workspace's time zone."""
        self.days = days
        self._selectors = Selectors()
        self._rules: dict[int, Piece] = {}

    def rules(self, specs: Iterable[RuleSpec]) -> dict[int, Piece]:
        """The pieces of rules, by id; raises InvalidInput for a rule that cannot be evaluated. Those of others are forgotten."""
        before, found = self._rules, dict[int, Piece]()
        for spec in specs:
            piece = before.get(spec.id)
            if piece is None or piece.tree is not spec.tree or piece.reads.kind != spec.subject_kind:
                piece = self._rule(spec)
            found[spec.id] = piece
        self._rules = found
        return found

    def computed(self, spec: ComputedSpec) -> Piece:
        """The piece of a computed trait; raises InvalidInput for one that cannot be evaluated."""
        compiler = Compiler(spec.subject_kind, self._selectors, self.days)
        compiled = compile_computed(spec, compiler, self.days)
        return Piece(None, compiled.reads, compiler.metrics, evaluate=compiled.evaluate)

    def compiler(self, kind: SubjectKind, pieces: Iterable[Piece]) -> Compiler:
        """A compiler that has the metrics of pieces, each as far back as any of them needs it."""
        compiler = Compiler(kind, self._selectors, self.days)
        metrics = compiler.metrics
        for piece in pieces:
            for key, metric in piece.metrics.items():
                other = metrics.get(key)
                if other is None or other.limit < metric.limit:
                    metrics[key] = metric
        return compiler

    def number(self, selector: tree.Selector) -> int:
        """A selector's number."""
        return self._selectors.number(selector)

    def selectors(self, numbers: Iterable[int]) -> dict[int, tree.Selector]:
        """The selectors that are in use, by number; when most are not, all is compiled anew the next time."""
        items = self._selectors.items
        found = {number: items[number] for number in numbers}
        if len(items) > 2 * len(found) + SPARE:
            self._selectors, self._rules = Selectors(), {}
        return found

    def _rule(self, spec: RuleSpec) -> Piece:
        compiler = Compiler(spec.subject_kind, self._selectors, self.days)
        leaves = [leaf for _, leaf in tree.leaves(spec.tree)]
        reads = reads_of(spec.subject_kind, compiler, leaves, rule_traits(spec.tree), tree.segments(spec.tree))
        condition = compiler.condition(spec.tree)
        return Piece(spec.tree, reads, compiler.metrics, condition)
