"""The program: all active rules compiled together, so that an event costs only what its own rules cost.

`touch` finds by one dictionary lookup, per distinct event signature (name, and the values of properties that rules
mention), what an event means to the rules; `fold` brings it into a subject's state; `evaluate` answers
(truth, recheck_at). Folding is commutative; that an event is folded once is the caller's part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from antiphon.model.event import LATE, Event
from antiphon.model.subject import SubjectKind
from antiphon.rules import buckets, tree
from antiphon.rules.accumulators import exact_weight
from antiphon.rules.compile import Compiler
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.conditions import Compiled
from antiphon.rules.explain import ConditionReport, report
from antiphon.rules.metrics import Kept, Metric
from antiphon.rules.pieces import Piece, Pieces, RuleSpec
from antiphon.rules.readers import Readers
from antiphon.rules.state import SubjectState, SubjectView, merge_traits, seen
from antiphon.rules.touch import Plan, Touch, Toucher
from antiphon.rules.zones import LocalDays


class WatchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A selector that something outside the rules waits for, under the caller's own key."""

    key: str
    selector: tree.Selector


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A rule's truth, and when to evaluate it again if no event comes until then (ms; None: no need)."""

    truth: bool
    recheck_at: int | None


class Program:
    """Compiled rules and computed traits; made by `compile_program`.

    Where rules to evaluate are named by their ids, computed traits are among them by their keys (see `ComputedSpec.key`).
    """

    def __init__(
        self,
        rules: Sequence[RuleSpec],
        watches: Sequence[WatchSpec],
        pieces: Pieces,
        computed: Sequence[ComputedSpec] = (),
    ) -> None:
        """Compile what `pieces` has not; raises InvalidInput for a rule that cannot be evaluated."""
        self.specs = {rule.id: rule for rule in rules}
        self.days = pieces.days
        self.computed = {trait.key: trait for trait in computed}
        self.pieces = {**pieces.rules(rules), **{trait.key: pieces.computed(trait) for trait in computed}}
        of_kind: dict[SubjectKind, list[Piece]] = {"user": [], "company": []}
        for piece in self.pieces.values():
            of_kind[piece.reads.kind].append(piece)
        self.compilers: dict[SubjectKind, Compiler] = {kind: pieces.compiler(kind, of_kind[kind]) for kind in of_kind}
        self._verdicts = {
            number: piece.condition.verdict for number, piece in self.pieces.items() if piece.condition is not None
        }
        names = [(trait.subject_kind, trait.name) for trait in computed]
        self._computed_names = {kind: frozenset(name for k, name in names if k == kind) for kind in self.compilers}
        self._readers = Readers({number: piece.reads for number, piece in self.pieces.items()})
        watched = [(pieces.number(watch.selector), watch.key) for watch in watches]
        metrics: dict[SubjectKind, list[Kept]] = {
            kind: list(compiler.metrics.values()) for kind, compiler in self.compilers.items()
        }
        used = {number for some in metrics.values() for metric in some for number, _ in metric.parts()}
        self._selectors = pieces.selectors(used.union(number for number, _ in watched))
        self._toucher = Toucher(
            self._selectors,
            metrics,
            [(piece.reads.kind, number, piece.reads.keys) for number, piece in self.pieces.items()],
            watched,
        )
        self.touch = self._toucher.touch
        self.touch_all = self._toucher.touch_all

    @property
    def met(self) -> list[Touch]:
        """What `touch_all` numbers: see `Toucher.touch_all`."""
        return self._toucher.met

    @property
    def selectors(self) -> Sequence[tree.Selector]:
        """The selectors of all events that rules, computed traits and watches are about."""
        return list(self._selectors.values())

    # -- events --------------------------------------------------------------------------------------------------

    def fold(self, state: SubjectState, event: Event, plan: Plan) -> bool:
        """Bring an event into the state in place; `plan` is `touch(event).user` or `.company`.

        Late events are ignored. Tells whether the subject's first_seen moved back (or was set): then the rules of
        `rules_for_first_seen` need evaluating too, and all rules of its kind if it is new.
        """
        if event.flags & LATE:
            return False
        timestamp = event.timestamp
        metrics = state.metrics
        weight = event.weight
        if type(weight) is not int:
            weight = exact_weight(weight)
        totals, counts, others = plan.folding
        for key in totals:
            metrics[key] = metrics.get(key, 0) + weight
        for key, width, limit in counts:
            bucket = timestamp // width
            ring = metrics.get(key)
            if ring is None:
                metrics[key] = [[bucket], [weight]]
            elif ring[0][-1] == bucket:  # what is usual, without a call
                ring[1][-1] += weight
            else:
                buckets.count(ring, bucket, limit, weight)
        for metric in others:
            metric.fold(metrics, event, weight)
        return seen(state, timestamp)

    def merge(self, left: SubjectState, right: SubjectState, kind: SubjectKind = "user") -> SubjectState:
        """The state of two ids that turn out to be one subject; commutative and associative."""
        first = [state.first_seen for state in (left, right) if state.first_seen is not None]
        last = [state.last_seen for state in (left, right) if state.last_seen is not None]
        merged = SubjectState(
            first_seen=min(first) if first else None,
            last_seen=max(last) if last else None,
            traits=merge_traits(left, right),
        )
        metrics = self.compilers[kind].metrics
        for key in {**left.metrics, **right.metrics}:
            if key in metrics:
                merged.metrics[key] = metrics[key].merge(left.metrics.get(key), right.metrics.get(key))
        return merged

    def prune(self, state: SubjectState, kind: SubjectKind) -> None:
        """Drop, in place, what no rule uses any more."""
        metrics = self.compilers[kind].metrics
        for key in [key for key in state.metrics if key not in metrics]:
            del state.metrics[key]
        for metric in metrics.values():
            metric.prune(state.metrics)

    # -- which rules ---------------------------------------------------------------------------------------------

    def rules_for_kind(self, kind: SubjectKind) -> list[int]:
        """All rules about a kind: those to evaluate for a subject that is new."""
        return self._readers.about(kind)

    def rules_for_traits(self, kind: SubjectKind, names: Iterable[str]) -> list[int]:
        """The rules to evaluate for a subject whose own traits `names` changed."""
        return self._readers.of_traits(kind, names)

    def rules_for_company_traits(self, names: Iterable[str] | None = None) -> list[int]:
        """The rules about users that read these traits of their company (None: any, as when the company changed)."""
        return self._readers.of_company_traits(names)

    def rules_for_first_seen(self, kind: SubjectKind) -> list[int]:
        """The rules that depend on how long a subject has been known."""
        return self._readers.of_first_seen(kind)

    def rules_for_segment(self, rule_id: int) -> list[int]:
        """The rules to evaluate for a subject that entered or left this rule's segment."""
        spec = self.specs[rule_id]
        return self._readers.of_segment(spec.subject_kind, spec.name)

    @property
    def rules_with_readers(self) -> list[int]:
        """The rules whose segments rules or computed traits read."""
        read = self._readers.segments
        return [spec.id for spec in self.specs.values() if (spec.subject_kind, spec.name) in read] if read else []

    # -- metrics -------------------------------------------------------------------------------------------------

    @property
    def metric_keys(self) -> dict[SubjectKind, frozenset[str]]:
        """The keys of the metrics kept, by subject kind."""
        return {kind: frozenset(compiler.metrics) for kind, compiler in self.compilers.items()}

    def new_metrics(self, new: Collection[int]) -> dict[SubjectKind, frozenset[str]]:
        """The metrics that only the `new` rules need, or further back than all others: those to fill from history."""
        wanted: dict[SubjectKind, dict[str, int]] = {kind: {} for kind in self.compilers}
        for number in new:
            piece = self.pieces[number]
            limits = wanted[piece.reads.kind]
            for key, metric in piece.metrics.items():
                limits[key] = max(limits.get(key, 0), metric.limit)
        if any(wanted.values()):
            for number, piece in self.pieces.items():
                limits = wanted[piece.reads.kind]
                for key, metric in piece.metrics.items():
                    if key in limits and number not in new and limits[key] <= metric.limit:
                        del limits[key]
        return {kind: frozenset(limits) for kind, limits in wanted.items()}

    def metric(self, kind: SubjectKind, key: str) -> tuple[Metric, tree.Selector] | None:
        """A metric that is kept for a kind, and the selector of its events; None when it has several (a sequence)."""
        found = self.compilers[kind].metrics[key]
        return (found, self._selectors[found.selector_id]) if isinstance(found, Metric) else None

    def selectors_of(self, keys: Mapping[SubjectKind, Collection[str]]) -> list[tree.Selector]:
        """The selectors of the events that these metrics, by kind and key, are made of."""
        return [
            self._selectors[number]
            for kind, some in keys.items()
            for key in some
            for number, _ in self.compilers[kind].metrics[key].parts()
        ]

    def keys_of(self, rules: Iterable[int]) -> frozenset[str]:
        """The keys of the metrics that rules read."""
        return frozenset(key for rule in rules for key in self.pieces[rule].reads.keys)

    def rules_using(self, keys: Iterable[str]) -> list[int]:
        """The rules that read any of these metrics."""
        wanted = frozenset(keys)
        return [number for number, piece in self.pieces.items() if not wanted.isdisjoint(piece.reads.keys)]

    # -- truth ---------------------------------------------------------------------------------------------------

    def evaluate(self, rule_id: int, view: SubjectView, now: int) -> Verdict:
        """A rule's truth for a subject at `now` (ms), and when to look again."""
        truth, recheck_at = self._verdicts[rule_id](view, now)
        return Verdict(truth, recheck_at)

    def evaluate_all(self, rule_ids: Iterable[int], view: SubjectView, now: int) -> list[tuple[int, bool, int | None]]:
        """The same for many rules: (rule id, truth, recheck_at) of each, in the order given."""
        verdicts = self._verdicts
        return [(rule_id, *verdicts[rule_id](view, now)) for rule_id in rule_ids]

    def conditions(self, rule_id: int) -> list[tuple[str, Compiled]]:
        """Each condition of a rule by its path, ready for use; the rule itself first."""
        spec = self.specs[rule_id]
        compiler = self.compilers[spec.subject_kind]
        return [(path, compiler.condition(node)) for path, node in tree.walk(spec.tree)]

    def compute(self, key: int, view: SubjectView, now: int) -> tuple[Any, int | None]:
        """A computed trait's value for a subject at `now` (None: it has none), and when to look again (ms)."""
        evaluate = self.pieces[key].evaluate
        return (None, None) if evaluate is None else evaluate(view, now)

    def computed_names(self, kind: SubjectKind) -> frozenset[str]:
        """The computed traits of a kind."""
        return self._computed_names[kind]

    def reads_computed(self, number: int) -> bool:
        """Whether a rule (or a computed trait) reads a computed trait, the company's or its own."""
        if not self.computed:
            return False
        reads = self.pieces[number].reads
        own, company = self._computed_names[reads.kind], self._computed_names["company"]
        return not (own.isdisjoint(reads.own_traits) and company.isdisjoint(reads.company_traits))

    def explain(self, rule_id: int, view: SubjectView, now: int) -> list[ConditionReport]:
        """Each condition of a rule for a subject at `now`: its sides, its truth, when it will be looked at again."""
        spec = self.specs[rule_id]
        return report(spec.tree, self.compilers[spec.subject_kind], view, now)


def compile_program(
    rules: Sequence[RuleSpec],
    watches: Sequence[WatchSpec],
    *,
    time_zone: str,
    computed: Sequence[ComputedSpec] = (),
) -> Program:
    """Compile rules, watches and computed traits; `time_zone` is the workspace's (an IANA name).

    Raises InvalidInput for a rule or formula that cannot be evaluated.
    """
    return Program(rules, watches, Pieces(LocalDays(time_zone)), computed)


__all__ = [
    "ComputedSpec",
    "ConditionReport",
    "Plan",
    "Program",
    "RuleSpec",
    "SubjectState",
    "SubjectView",
    "Touch",
    "Verdict",
    "WatchSpec",
    "compile_program",
]
