"""The conditions of a rule as columns over history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, tree
from antiphon.rules.columns import Column, Flags, Table, Values, tested
from antiphon.rules.compile import fixed_target, of_company
from antiphon.rules.history_rows import local_day
from antiphon.rules.known import latest_first_seen
from antiphon.rules.patterns import wildcard_regex
from antiphon.rules.windows import Frame, frame
from antiphon.rules.zones import LocalDays

Make = Callable[[Table], Any]
"""A column of the joined rows, made once they are there."""


class Leaf(msgspec.Struct, frozen=True):
    """One condition: its truth (never NULL) and its two sides, as columns of the joined rows."""

    truth: Make
    value: Make
    right: Make


class LeafCompiler:
    """Makes conditions into columns, and collects the aggregates of events that they need."""

    def __init__(self, kind: SubjectKind, days: LocalDays, now: int) -> None:
        """Take the subject kind, the days of the workspace's zone, and the instant (ms) to look from."""
        self._kind: SubjectKind = kind
        self._days, self._now = days, now
        self._rows, self._operators = aggregates.by_key(), operators.by_key()
        self._dates = {row.key: row for row in dates.DATE_OPERATORS}
        self._columns: dict[bytes, tuple[str, Make]] = {}
        self._hits: list[Make] = []
        self.reads_company = False

    def joined(self, subjects: Table, events: Table) -> Table:
        """Subjects with a column for each aggregate."""
        if not self._columns:
            return subjects
        needed = self._hits[0](events)
        for hit in self._hits[1:]:
            needed = needed | hit(events)
        counted = events.filter(needed)
        made = {name: make(counted) for name, make in self._columns.values()}
        totals = counted.group_by(totals_id=counted.subject_id).aggregate(**made)
        return subjects.left_join(totals, subjects.subject_id == totals.totals_id)

    def leaf(self, node: tree.Leaf) -> Leaf:
        """Compile one condition; raises InvalidInput for one that cannot be evaluated."""
        if isinstance(node, tree.TraitCondition):
            return self._trait(node)
        if isinstance(node, tree.Measure):
            return self._measure(node)
        raise InvalidInput(f"The condition {type(node).__name__} is not supported yet.")

    def _column(self, owner: tree.Owner, name: str) -> Callable[[Table], Column]:
        of = "company_traits" if of_company(owner, self._kind) else "traits"
        self.reads_company = self.reads_company or of == "company_traits"
        return lambda rows: Column.of(rows[of], name)

    def _trait(self, node: tree.TraitCondition) -> Leaf:
        column, now = self._column(node.owner, node.name), self._now
        if isinstance(node.value, tree.Duration):
            interval, length = self._dates[node.op].interval, node.value.ms

            def holds(rows: Table) -> Flags:
                start, end = interval(column(rows).date, length)
                return ((start <= now) if end is None else (start <= now) & (end >= now)).fill_null(False)

            return Leaf(holds, lambda rows: column(rows).json.cast("string"), lambda _: ibis.literal(length))
        row, operand = self._operators[node.op], node.value
        return Leaf(
            lambda rows: row.column_test(column(rows), operand),
            lambda rows: column(rows).json.cast("string"),
            lambda _: ibis.null("string"),
        )

    def _measure(self, node: tree.Measure) -> Leaf:
        row, window = self._rows[node.aggregate.kind], frame(node.window, self._days)
        value = self._value(node, row, window)
        operator = self._operators[node.op]
        right = self._right(node.value)
        if row.gives == "value":
            compared: Make = lambda rows: operator.column_test(Column(value(rows).cast("json")), node.value)  # noqa: E731
        else:
            compared = _compared(operator, value, right)
        latest = latest_first_seen(node, window, self._now)
        if latest is None:
            return Leaf(compared, value, right)
        return Leaf(lambda rows: compared(rows) & (rows.first_seen <= latest).fill_null(False), value, right)

    def _value(self, node: tree.Measure, row: aggregates.Aggregate, window: Frame) -> Make:
        name, now = self._aggregated(node.aggregate, row, window), self._now
        if node.aggregate.to is not None:
            to = self._aggregated(tree.Aggregate(node.aggregate.kind, node.aggregate.to), row, window)
            return lambda rows: rows[name].fill_null(0) / rows[to].nullif(0)
        if row.gives == "age":
            return lambda rows: now - rows[name]
        if row.empty is not None:
            return lambda rows: rows[name].cast("float64").fill_null(row.empty)
        return lambda rows: rows[name]

    def _aggregated(self, aggregate: tree.Aggregate, row: aggregates.Aggregate, window: Frame) -> str:
        start = window.start(self._now)
        key = repr((tree.canonical(aggregate), start)).encode()
        if key in self._columns:
            return self._columns[key][0]

        def hit(events: Table) -> Flags:
            chosen = selected(aggregate.selector, events)
            return chosen if start is None else chosen & (events.timestamp >= _instant(start))

        def make(events: Table) -> Any:
            return row.history(
                aggregates.Selection(
                    hit=hit(events),
                    weight=events.weight,
                    at=events["at"],
                    order=(events["at"], events.event_id, events.source),
                    day=local_day(events["at"], self._days, self._now) if row.accumulator == "days" else events["at"],
                    value=Column.of(events.properties, aggregate.property) if aggregate.property else None,
                )
            )

        name = f"made_{len(self._columns)}"
        self._columns[key] = (name, make)
        self._hits.append(hit)
        return name

    def _right(self, value: tree.Target) -> Make:
        if isinstance(value, tree.TraitValue):
            column, percent = self._column(value.owner, value.name), float(value.percent)
            return lambda rows: column(rows).number * percent / 100.0
        fixed = fixed_target(value)
        return lambda _: ibis.null("float64") if fixed is None else ibis.literal(float(fixed))


def selected(selector: tree.Selector, events: Table) -> Flags:
    """Whether each event meets a selector; never NULL."""
    if selector.match == "exact":
        chosen = events.name == selector.event
    else:
        regex = selector.event if selector.match == "regex" else wildcard_regex(selector.event)
        chosen = events.name.re_search(regex)
    rows = operators.by_key()
    for predicate in selector.where:
        row, operand = rows[predicate.op], predicate.value
        test: Callable[[Column], Flags] = lambda column, row=row, operand=operand: row.column_test(column, operand)  # noqa: E731
        chosen = chosen & tested(events, predicate.property, predicate.op, test)
    return chosen


def _compared(operator: operators.Operator, value: Make, right: Make) -> Make:
    compare, missing = operator.compare, operator.if_missing
    assert compare is not None, "validation asks for a comparison"  # noqa: S101

    def holds(rows: Table) -> Any:
        left: Any = value(rows).cast("float64")
        truth: Any = compare(left, right(rows))
        return truth.fill_null(missing)

    return holds


def _instant(ms: int) -> Values:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return ibis.literal(at, type="timestamp('UTC')")
