"""From a tree to conditions that can be evaluated, with the metrics that they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, sources, tree
from antiphon.rules.accumulators import ACCUMULATORS
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
)
from antiphon.rules.known import KnownAt, known_from
from antiphon.rules.metrics import Metric, metric_key
from antiphon.rules.selectors import normal
from antiphon.rules.state import SubjectView
from antiphon.rules.values import number
from antiphon.rules.windows import EverFrame, Frame, SlidingFrame, frame
from antiphon.rules.zones import LocalDays


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
        self.metrics: dict[str, Metric] = {}
        self._selectors, self._days = selectors, days
        self._rows, self._operators = aggregates.by_key(), operators.by_key()
        self._dates = {row.key: row for row in dates.DATE_OPERATORS}
        self._accumulators = {row.key: row for row in ACCUMULATORS}

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
        if isinstance(node, tree.Measure):
            return self._measure(node)
        raise InvalidInput(f"The condition {type(node).__name__} is not supported yet.")

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
        row = self._rows[node.aggregate.kind]
        window = frame(node.window, self._days)
        known_at = known_from(node, window)
        target = self.target(node.value)
        if row.gives == "value":
            test = self._operators[node.op].test(node.value)
            return Comparison(self._source(node, row, window), lambda value, _target: test(value), target, known_at, 3)
        compare = comparison(self._operators[node.op])
        if row.gives == "age":
            return Age(self._source(node, row, window), compare, target, known_at)
        if row.key == "count":
            count = self._count(node, window, known_at)
            if count is not None:
                return count
        cost = 1 if isinstance(window, EverFrame) else 3
        return Comparison(self._source(node, row, window), compare, target, known_at, cost)

    def _count(self, node: tree.Measure, window: Frame, known_at: KnownAt | None) -> Compiled | None:
        """A count in the form made for it, if there is one."""
        key, least = self.metric(node.aggregate, "count", window), number(node.value)
        if node.op == ">=" and least is not None and least > 0 and known_at is None:
            if isinstance(window, EverFrame):
                return CountAtLeast(key, least)
            if isinstance(window, SlidingFrame):
                return SlidingCountAtLeast(key, window, least)
        if not isinstance(window, SlidingFrame):
            return None
        return SlidingCount(key, window, comparison(self._operators[node.op]), self.target(node.value), known_at)

    def _source(self, node: tree.Measure, row: aggregates.Aggregate, window: Frame) -> sources.Source:
        key, *others = self.keys(node)
        ever = isinstance(window, EverFrame)
        if others:
            return sources.RatioSource(key, others[0], row, None if ever else window)
        if ever:
            return sources.EverSource(key, row)
        return sources.RingSource(key, row, window, self._accumulators[row.accumulator].merge)

    def measured(self, node: tree.Measure) -> Callable[[SubjectView, int], sources.Timeline]:
        """What a condition measures of a subject at an instant (ms), and the values to come."""
        source = self._source(node, self._rows[node.aggregate.kind], frame(node.window, self._days))
        return lambda view, now: source.timeline(view.state.metrics, now)

    def keys(self, node: tree.Measure) -> list[str]:
        """The keys of the metrics that a condition reads."""
        row, window = self._rows[node.aggregate.kind], frame(node.window, self._days)
        found = [self.metric(node.aggregate, row.accumulator, window)]
        if node.aggregate.to is not None:
            found.append(self.metric(tree.Aggregate("count", node.aggregate.to), row.accumulator, window))
        return found

    def asks_known(self, node: tree.Measure) -> bool:
        """Whether a condition's truth depends on how long the subject has been known."""
        return known_from(node, frame(node.window, self._days)) is not None

    def metric(self, aggregate: tree.Aggregate, accumulator: str, window: Frame) -> str:
        """The key of the metric that an aggregate reads; the metric is made, or made to reach as far back as needed."""
        zone = self._days.name if accumulator == "days" else ""
        key = metric_key(aggregate.selector, accumulator, aggregate.property, window.step, zone)
        metric = self.metrics.get(key)
        if metric is None:
            self.metrics[key] = Metric(
                key,
                self._selectors.number(aggregate.selector),
                self._accumulators[accumulator],
                aggregate.property,
                window,
                self._days,
            )
        else:
            metric.limit = max(metric.limit, window.limit)
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
    if isinstance(value, tree.Baseline):
        raise InvalidInput("A baseline is not supported yet.")
    return number(value)


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
