"""From a tree to conditions that can be evaluated, with the metrics that they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, sources, tree
from antiphon.rules.accumulators import ACCUMULATORS, Accumulator
from antiphon.rules.baselines import ADDED_UP, BaselineComparison
from antiphon.rules.conditions import (
    Age,
    AtLeastOf,
    Compare,
    Comparison,
    Compiled,
    CountAtLeast,
    DateTest,
    SegmentTest,
    SlidingCount,
    SlidingCountAtLeast,
    Target,
    TraitTest,
    TraitWindowTest,
)
from antiphon.rules.follow_ups import FollowUpMetric, FollowUpTest
from antiphon.rules.known import KnownAt, known_from
from antiphon.rules.metrics import Buckets, Kept, Metric, metric_key, steps_key
from antiphon.rules.selectors import normal
from antiphon.rules.sequences import SequenceTest, StepsMetric
from antiphon.rules.state import SubjectView
from antiphon.rules.trait_windows import TraitRead, trait_window
from antiphon.rules.values import number
from antiphon.rules.windows import EverFrame, Frame, SlidingFrame, frame
from antiphon.rules.zones import LocalDays


@lru_cache(maxsize=1)
def _rows() -> tuple[
    Mapping[str, aggregates.Aggregate],
    Mapping[str, operators.Operator],
    Mapping[str, dates.DateOperator],
    Mapping[str, Accumulator],
]:
    """The tables that everything is compiled by, by key."""
    return (
        aggregates.by_key(),
        operators.by_key(),
        {row.key: row for row in dates.DATE_OPERATORS},
        {row.key: row for row in ACCUMULATORS},
    )


class Selectors:
    """The distinct selectors of a program, numbered."""

    def __init__(self) -> None:
        """Start with none."""
        self._numbers: dict[bytes, int] = {}
        self.items: list[tree.Selector] = []

    def number(self, selector: tree.Selector) -> int:
        """The selector's number; the same for selectors that mean the same."""
        key = tree.canonical(normal(selector))
        found = self._numbers.setdefault(key, len(self.items))
        if found == len(self.items):
            self.items.append(selector)
        return found


class Compiler:
    """Compiles the rules about one subject kind, and collects what they need: metrics, selectors, traits, segments."""

    def __init__(self, kind: SubjectKind, selectors: Selectors, days: LocalDays) -> None:
        """Take the numbered selectors to add to, and the days of the workspace's time zone."""
        self.kind: SubjectKind = kind
        self.metrics: dict[str, Kept] = {}
        self._selectors, self._days = selectors, days
        self._rows, self._operators, self._dates, self._accumulators = _rows()

    def condition(self, node: tree.Condition) -> Compiled:
        """Compile a condition; raises InvalidInput for one that cannot be evaluated."""
        if isinstance(node, tree.GROUPS):
            children = [self.condition(child) for child in node.of]
            if isinstance(node, tree.NoneOf):
                return AtLeastOf(children, 1, negated=True)
            return AtLeastOf(children, needed(node))
        if isinstance(node, tree.TraitCondition):
            return self._trait(node)
        if isinstance(node, tree.InSegment):
            return SegmentTest(node.name, inside=node.inside)
        return self._measure(node) if isinstance(node, tree.Measure) else self._ordered(node)

    def _ordered(self, node: tree.Sequence | tree.FollowUpMissing) -> Compiled:
        if isinstance(node, tree.Sequence):
            return SequenceTest(self._steps(node))
        return FollowUpTest(self._follow_up(node), node.wait.ms)

    def _trait(self, node: tree.TraitCondition) -> Compiled:
        traits = self.traits(node.owner)
        if isinstance(node.value, tree.Duration):
            return DateTest(traits, node.name, self._dates[node.op], node.value.ms)
        return TraitTest(traits, node.name, self._operators[node.op].test(node.value), node.value)

    def traits(self, owner: tree.Owner) -> Callable[[SubjectView], Mapping[str, Any] | None]:
        """Whose traits: the subject's own, or its company's."""
        if of_company(owner, self.kind):
            return lambda view: view.company_traits
        return lambda view: view.traits

    def _measure(self, node: tree.Measure) -> Compiled:
        keys = self.keys(node)
        window = trait_window(node.window, self._days)
        if window is None:
            return self._over(node, keys, frame(node.window, self._days))
        read = window.reads
        return TraitWindowTest(
            self.traits(read.owner), read.name, window.at, lambda found: self._over(node, keys, found)
        )

    def _over(self, node: tree.Measure, keys: Sequence[str], window: Frame | None) -> Compiled:
        """A condition on an aggregate over a window; None: there is no window, and hence no value."""
        row = self._rows[node.aggregate.kind]
        known_at = known_from(node, window)
        source = sources.NoSource() if window is None else self._source(keys, row, window)
        if isinstance(node.value, tree.Baseline):
            return self._baseline(node.value, row, keys, window, known_at, comparison(self._operators[node.op]))
        target = self.target(node.value)
        if row.gives == "value":
            test = self._operators[node.op].test(node.value)
            return Comparison(source, lambda value, _target: test(value), target, known_at, 3)
        compare = comparison(self._operators[node.op])
        if row.gives == "age":
            return Age(source, compare, target, known_at)
        if row.key == "count" and window is not None:
            count = self._count(node, keys[0], window, known_at)
            if count is not None:
                return count
        return Comparison(source, compare, target, known_at, 1 if isinstance(window, EverFrame) else 3)

    def _count(self, node: tree.Measure, key: str, window: Frame, known_at: KnownAt | None) -> Compiled | None:
        """A count in the form made for it, if there is one."""
        least = number(node.value)
        if node.op == ">=" and least is not None and least > 0 and known_at is None:
            if isinstance(window, EverFrame):
                return CountAtLeast(key, least)
            if isinstance(window, SlidingFrame):
                return SlidingCountAtLeast(key, window, least)
        if not isinstance(window, SlidingFrame):
            return None
        return SlidingCount(key, window, comparison(self._operators[node.op]), self.target(node.value), known_at)

    def _baseline(
        self,
        value: tree.Baseline,
        row: aggregates.Aggregate,
        keys: Sequence[str],
        window: Frame | None,
        known_at: KnownAt | None,
        compare: Compare,
    ) -> Compiled:
        if not isinstance(window, SlidingFrame):
            raise InvalidInput("Its own average is for a window that slides.")
        return BaselineComparison(
            self._parts(keys, row, window),
            keys,
            window,
            compare,
            value.over.ms // window.length,
            value.percent,
            known_at,
            added_up=row.key in ADDED_UP,
        )

    def _source(self, keys: Sequence[str], row: aggregates.Aggregate, window: Frame) -> sources.Source:
        if isinstance(window, EverFrame):
            return (
                sources.EverSource(keys[0], row) if len(keys) == 1 else sources.RatioSource(keys[0], keys[1], row, None)
            )
        return self._parts(keys, row, window)

    def _parts(self, keys: Sequence[str], row: aggregates.Aggregate, window: Frame) -> sources.Parts:
        if len(keys) > 1:
            return sources.RatioSource(keys[0], keys[1], row, window)
        return sources.RingSource(keys[0], row, window, self._accumulators[row.accumulator].merge)

    def measured(self, node: tree.Measure) -> Callable[[SubjectView, int], sources.Timeline]:
        """What a condition measures of a subject at an instant (ms), and the values to come."""
        row, keys = self._rows[node.aggregate.kind], self.keys(node)
        window = trait_window(node.window, self._days)
        if window is None:
            source = self._source(keys, row, frame(node.window, self._days))
            return lambda view, now: source.timeline(view.state.metrics, now)
        traits, name, at = self.traits(window.reads.owner), window.reads.name, window.at

        def timeline(view: SubjectView, now: int) -> sources.Timeline:
            found = traits(view)
            own = at(None if found is None else found.get(name))
            source = sources.NoSource() if own is None else self._source(keys, row, own)
            return source.timeline(view.state.metrics, now)

        return timeline

    def keys(self, node: tree.Leaf) -> list[str]:
        """The keys of the metrics that a condition reads; the metrics are made."""
        if isinstance(node, tree.Sequence):
            return [self._steps(node)]
        if isinstance(node, tree.FollowUpMissing):
            return [self._follow_up(node)]
        if not isinstance(node, tree.Measure):
            return []
        row = self._rows[node.aggregate.kind]
        window: Buckets = trait_window(node.window, self._days) or frame(node.window, self._days)
        before = 0
        if isinstance(node.value, tree.Baseline) and isinstance(window, SlidingFrame):
            before = node.value.over.ms // window.width
        found = [self.metric(node.aggregate, row.accumulator, window, before)]
        if node.aggregate.to is not None:
            found.append(self.metric(tree.Aggregate("count", node.aggregate.to), row.accumulator, window, before))
        return found

    def trait_read(self, node: tree.Measure) -> TraitRead | None:
        """The trait that a condition's window depends on."""
        window = trait_window(node.window, self._days)
        return None if window is None else window.reads

    def metric(self, aggregate: tree.Aggregate, accumulator: str, window: Buckets, before: int = 0) -> str:
        """The key of the metric that an aggregate reads; the metric is made, or made to reach as far back as needed.

        `before` is how many buckets before the window are needed too.
        """
        zone = self._days.name if accumulator == "days" else ""
        key = metric_key(aggregate.selector, accumulator, aggregate.property, window.step, zone)
        metric = self.metrics.get(key)
        if metric is None:
            metric = self.metrics[key] = Metric(
                key,
                self._selectors.number(aggregate.selector),
                self._accumulators[accumulator],
                aggregate.property,
                window,
                self._days,
            )
        metric.limit = max(metric.limit, window.limit + before)
        return key

    def _steps(self, node: tree.Sequence) -> str:
        key = steps_key("sequence", node.steps, node.within.ms)
        if key not in self.metrics:
            self.metrics[key] = StepsMetric(key, [self._selectors.number(step) for step in node.steps], node.within.ms)
        return key

    def _follow_up(self, node: tree.FollowUpMissing) -> str:
        width = SlidingFrame(node.wait.ms).width
        key = steps_key("follow_up", (node.did, node.then_not), width)
        if key not in self.metrics:
            numbers = (self._selectors.number(node.did), self._selectors.number(node.then_not))
            self.metrics[key] = FollowUpMetric(key, *numbers, width)
        return key

    def target(self, value: tree.Target) -> Target:
        """The right-hand side, as a function of the subject; None when a trait is missing or no number."""
        if isinstance(value, tree.TraitValue):
            traits, name, percent = self.traits(value.owner), value.name, value.percent

            def from_trait(view: SubjectView) -> float | None:
                found = traits(view)
                limit = None if found is None else number(found.get(name))
                return None if limit is None else limit * percent / 100

            return from_trait
        fixed = fixed_target(value)
        return lambda _view: fixed


def fixed_target(value: tree.Target) -> float | None:
    """A right-hand side that is the same for all subjects; None for one that is no number."""
    if isinstance(value, tree.Duration):
        return value.ms
    if isinstance(value, tree.Percent):
        return value.value / 100
    return None if isinstance(value, tree.Baseline) else number(value)


def comparison(row: operators.Operator) -> Compare:
    """The comparison of an aggregate with its right-hand side; a side that is not there is unequal, and nothing else."""
    compare, missing = row.compare, row.if_missing
    if compare is None:
        raise InvalidInput(f"An aggregate cannot be compared with {row.text!r}.")

    def holds(value: Any, target: Any) -> bool:
        return missing if value is None or target is None else compare(value, target)

    return holds


def needed(node: tree.Group) -> int:
    """How many conditions of a group must hold (of none: so many must not)."""
    if isinstance(node, tree.AllOf):
        return len(node.of)
    return node.count if isinstance(node, tree.AtLeast) else 1


def of_company(owner: tree.Owner, kind: SubjectKind) -> bool:
    """Whether a trait is that of a user's company, seen from a rule about users."""
    return owner == "company" and kind == "user"
