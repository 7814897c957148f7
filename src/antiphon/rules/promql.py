"""A rule as PromQL, where it has one: counts and shares of API calls, for those who compare us with their Prometheus.

Derived from the `promql` of the rows of operators and aggregates. The two never mean quite the same: PromQL counts between
scrapes and extrapolates, and knows nobody who has no series.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.model.event import API_CALL
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, operators, render, tree

METRIC = "http_requests_total"
LABELS: dict[str, str] = {"status": "status", "route": "route", "method": "method"}
SUBJECTS: dict[SubjectKind, str] = {"user": "user", "company": "company"}

_COMPARE = {"=": "=="}
_UNITS: dict[tree.Unit, tuple[int, str]] = {
    "minutes": (1, "m"),
    "hours": (1, "h"),
    "days": (1, "d"),
    "weeks": (1, "w"),
    "months": (30, "d"),
}
EXTRAPOLATES = "increase() extrapolates between scrapes, so a count may be off by some, and the first call of a new series is missed."
NO_SERIES = "Prometheus knows only those who have a series: whoever never called is not found."


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What things are called in a Prometheus: the counter of requests, and the labels of properties and subjects."""

    metric: str = METRIC
    labels: Mapping[str, str] = msgspec.field(default_factory=LABELS.copy)
    subjects: Mapping[SubjectKind, str] = msgspec.field(default_factory=SUBJECTS.copy)


class Promql(msgspec.Struct, frozen=True, kw_only=True):
    """An expression, or the reason why there is none; notes tell where it does not mean quite the same."""

    expression: str | None
    reason: str | None
    notes: list[str]


class _NoneSuch(Exception):  # noqa: N818 - it ends a walk, and is no error
    """This part has no PromQL; the text says why."""


def promql(rule: tree.Tree, kind: SubjectKind, names: Names | None = None) -> Promql:
    """The rule as PromQL; a series of the result is a subject that matches."""
    writer = _Writer(kind, names or Names())
    try:
        expression = writer.condition(rule)
    except _NoneSuch as error:
        return Promql(expression=None, reason=str(error), notes=[])
    return Promql(expression=expression, reason=None, notes=writer.notes())


class _Writer:
    def __init__(self, kind: SubjectKind, names: Names) -> None:
        self._names = names
        self._by = names.subjects[kind]
        self._of_none = False

    def notes(self) -> list[str]:
        return [EXTRAPOLATES, *([NO_SERIES] if self._of_none else [])]

    def condition(self, node: tree.Condition) -> str:
        if isinstance(node, tree.Measure):
            return self._measure(node)
        if isinstance(node, tree.AllOf):
            return self._all(node)
        if isinstance(node, tree.AnyOf):
            return f" or on ({self._by}) ".join(f"({self.condition(child)})" for child in node.of)
        if isinstance(node, tree.GROUPS):
            word = "at least N of" if isinstance(node, tree.AtLeast) else "none of, alone,"
            raise _NoneSuch(f"{word} has no PromQL: whoever has no series would be left out.")
        what = "A trait" if isinstance(node, tree.TraitCondition) else "This condition"
        raise _NoneSuch(f"{what} is known here, not in Prometheus: {render.render(node)}.")

    def _all(self, node: tree.AllOf) -> str:
        wanted = [child for child in node.of if not isinstance(child, tree.NoneOf)]
        unwanted = [inner for child in node.of if isinstance(child, tree.NoneOf) for inner in child.of]
        if not wanted:
            raise _NoneSuch("none of, alone, has no PromQL: whoever has no series would be left out.")
        found = f" and on ({self._by}) ".join(f"({self.condition(child)})" for child in wanted)
        for child in unwanted:
            found = f"{found} unless on ({self._by}) ({self.condition(child)})"
        return found

    def _measure(self, node: tree.Measure) -> str:
        row = aggregates.by_key()[node.aggregate.kind]
        if row.promql is None:
            raise _NoneSuch(f"{row.text!r} has no PromQL over a counter of requests.")
        if not isinstance(node.window, tree.Last):
            raise _NoneSuch(f"PromQL has only sliding windows, not {render.window(node.window)!r}.")
        if node.known_for is not None:
            raise _NoneSuch("How long somebody has been known is not in Prometheus.")
        times, unit = _UNITS[node.window.unit]
        written = row.promql.format(
            by=self._by,
            range=f"{node.window.amount * times}{unit}",
            selector=self._selector(node.aggregate.selector),
            to="" if node.aggregate.to is None else self._selector(node.aggregate.to),
        )
        value = self._target(node.value)
        operator = operators.by_key()[node.op]
        self._of_none = self._of_none or bool(operator.compare and operator.compare(0, value))
        return f"{written} {_COMPARE.get(node.op, node.op)} {value:g}"

    def _target(self, value: tree.Target) -> float:
        if isinstance(value, tree.Percent):
            return value.value / 100
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        raise _NoneSuch(f"PromQL compares with a number here, not with {render.target(value)}.")

    def _selector(self, node: tree.Selector) -> str:
        if node.match != "exact" or node.event != API_CALL:
            raise _NoneSuch(f"Prometheus counts API calls ({API_CALL}), not {node.event!r}.")
        matchers = [self._matcher(test) for test in node.where]
        return f"{self._names.metric}{{{','.join(matchers)}}}" if matchers else self._names.metric

    def _matcher(self, test: tree.Predicate) -> str:
        label = self._names.labels.get(test.property)
        if label is None:
            raise _NoneSuch(f"No label is known for the property {test.property!r}; say which.")
        row = operators.by_key()[test.op]
        if row.promql is None:
            raise _NoneSuch(f"A label is a text, which PromQL cannot test with {row.text!r}; try 'matches', as in 5*.")
        operator, pattern = row.promql(test.value)
        return f"{label}{operator}{render.quoted(pattern)}"
