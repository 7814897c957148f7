"""The conditions of a rule as columns over history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, tree
from antiphon.rules.baselines import ADDED_UP
from antiphon.rules.columns import Column, Flags, Numbers, Table, tested
from antiphon.rules.compile import fixed_target, of_company
from antiphon.rules.history_ordered import follow_up_rows, sequence_rows
from antiphon.rules.history_rows import Needed, local_day
from antiphon.rules.history_spread import percentile_rows, picked_rows
from antiphon.rules.history_windows import Edges, Make, WindowEdges
from antiphon.rules.known import depends_on_known
from antiphon.rules.patterns import wildcard_regex
from antiphon.rules.windows import SlidingFrame
from antiphon.rules.zones import LocalDays


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
        self._sides: dict[bytes, tuple[str, Callable[[Table, str], Table]]] = {}
        self._hits: dict[bytes, tuple[str, Make]] = {}
        self._needed = Needed()
        self._edges = WindowEdges(days, now, self._column)
        self.reads_company = False

    def needed(self, events: Table) -> Table:
        """The events, of the table as it is stored, among which are all that the conditions look at."""
        return self._needed.of(events)

    def joined(self, subjects: Table, events: Table) -> Table:
        """Subjects with a column for each aggregate."""
        edges = self._edges.columns
        if edges:
            subjects = subjects.mutate(**{name: make(subjects) for name, make in edges.items()})
            windows = subjects.select(*edges, edge_id=subjects.subject_id)
            events = events.inner_join(windows, events.subject_id == windows.edge_id)
        for name, side in self._sides.values():
            found = side(events, name)
            subjects = subjects.left_join(found, subjects.subject_id == found.side_id).drop("side_id")
        if not self._columns:
            return subjects
        flagged = events.mutate(**{name: hit(events) for name, hit in self._hits.values()})
        any_hit: Any = None
        for name, _ in self._hits.values():
            any_hit = flagged[name] if any_hit is None else any_hit | flagged[name]
        counted = flagged.filter(any_hit)
        made = {name: make(counted) for name, make in self._columns.values()}
        totals = counted.group_by(totals_id=counted.subject_id).aggregate(**made)
        return subjects.left_join(totals, subjects.subject_id == totals.totals_id)

    def leaf(self, node: tree.Leaf) -> Leaf:
        """Compile one condition; a segment stands for another rule, and is put in its place before."""
        if isinstance(node, tree.TraitCondition):
            return self._trait(node)
        if isinstance(node, tree.Measure):
            return self._measure(node)
        if isinstance(node, tree.Sequence):
            for step in node.steps:
                self._needed.add(step)
            name = self._side(tree.canonical(node), lambda events, name: sequence_rows(node, events, selected, name))
            done: Make = lambda rows: rows[name].notnull()  # noqa: E731
            return Leaf(done, done, lambda _: ibis.literal(True))
        if isinstance(node, tree.FollowUpMissing):
            self._needed.add(node.did)
            self._needed.add(node.then_not)
            name, wait = (
                self._side(tree.canonical(node), lambda events, name: follow_up_rows(node, events, selected, name)),
                node.wait.ms,
            )
            age: Make = lambda rows: self._now - rows[name]  # noqa: E731
            return Leaf(lambda rows: (age(rows) >= wait).fill_null(False), age, lambda _: ibis.literal(wait))
        raise InvalidInput(f"A segment {node.name!r} has no columns of its own.")

    def _side(self, key: bytes, make: Callable[[Table, str], Table]) -> str:
        """The column of a table of its own; `make` gives it from the events and the column's name, by `side_id`."""
        return self._sides.setdefault(key, (f"side_{len(self._sides)}", make))[0]

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
        row, edges = self._rows[node.aggregate.kind], self._edges.of(node.window)
        value = self._value(node.aggregate, row, edges)
        operator = self._operators[node.op]
        right = self._baseline(node, row) if isinstance(node.value, tree.Baseline) else self._right(node.value)
        if row.gives == "value":
            compared: Make = lambda rows: operator.column_test(Column(value(rows).cast("json")), node.value)  # noqa: E731
        else:
            compared = _compared(operator, value, right)
        if not depends_on_known(node):
            return Leaf(compared, value, right)
        latest = self._edges.latest_first_seen(node, edges)
        return Leaf(lambda rows: compared(rows) & (rows.first_seen <= latest(rows)).fill_null(False), value, right)

    def _value(self, aggregate: tree.Aggregate, row: aggregates.Aggregate, edges: Edges) -> Make:
        value, column = self._value_where_any(aggregate, row, edges), edges.column
        if column is None:
            return value
        return lambda rows: ibis.ifelse(rows[column].notnull(), value(rows), None)

    def _value_where_any(self, aggregate: tree.Aggregate, row: aggregates.Aggregate, edges: Edges) -> Make:
        name, now = self._aggregated(aggregate, row, edges), self._now
        if aggregate.to is not None:
            to = self._aggregated(tree.Aggregate(aggregate.kind, aggregate.to), row, edges)
            return lambda rows: rows[name].fill_null(0) / rows[to].nullif(0)
        if row.gives == "age":
            return lambda rows: now - rows[name]
        if row.empty is not None:
            return lambda rows: rows[name].cast("float64").fill_null(row.empty)
        return lambda rows: rows[name]

    def _baseline(self, node: tree.Measure, row: aggregates.Aggregate) -> Make:
        """The part of the mean over the windows before, see `baselines.py`."""
        assert isinstance(node.window, tree.Last), "validation asks for a window that slides"  # noqa: S101
        assert isinstance(node.value, tree.Baseline), "it is one"  # noqa: S101
        length, percent = node.window.length.ms, float(node.value.percent)
        current = SlidingFrame(length)
        start, periods = current.first(self._now) * current.width, node.value.over.ms // length
        if row.key in ADDED_UP:
            total = self._value(node.aggregate, row, Edges(start - periods * length, start))
            return lambda rows: total(rows).cast("float64") / periods * percent / 100.0
        values = [
            self._value(node.aggregate, row, Edges(start - back * length, start - (back - 1) * length))
            for back in range(1, periods + 1)
        ]

        def mean(rows: Table) -> Numbers:
            total: Any = ibis.literal(0.0)
            count: Any = ibis.literal(0)
            for value in values:
                total = total + value(rows).cast("float64").fill_null(0.0)
                count = count + value(rows).notnull().cast("int64")
            return total / count.nullif(0) * percent / 100.0

        return mean

    def _aggregated(self, aggregate: tree.Aggregate, row: aggregates.Aggregate, edges: Edges) -> str:
        key = repr((tree.canonical(aggregate), edges)).encode()
        if key in self._columns:
            return self._columns[key][0]

        self._needed.add(aggregate.selector, edges.start if isinstance(edges.start, int) else None)

        def hit(events: Table) -> Flags:
            chosen, covered = selected(aggregate.selector, events), edges.covers(events)
            return chosen if covered is None else chosen & covered

        if row.percent is not None:
            percent, of = row.percent, aggregate.property or ""
            return self._side(
                key,
                lambda events, name: percentile_rows(
                    events, hit(events), Column.of(events.properties, of).number, percent, name
                ),
            )
        if row.picks is not None:
            newest, of = row.picks == "newest", aggregate.property or ""
            return self._side(
                key,
                lambda events, name: picked_rows(
                    events, hit(events), Column.of(events.properties, of), name, newest=newest
                ),
            )
        history = row.history
        assert history is not None, "a row has one or the other"  # noqa: S101
        same = repr((aggregate.selector, edges)).encode()
        flag, _ = self._hits.setdefault(same, (f"hit_{len(self._hits)}", hit))

        def make(events: Table) -> Any:
            return history(
                aggregates.Selection(
                    hit=events[flag],
                    weight=events.weight,
                    at=events["at"],
                    day=local_day(events["at"], self._days, self._now) if row.accumulator == "days" else events["at"],
                    value=Column.of(events.properties, aggregate.property) if aggregate.property else None,
                )
            )

        name = f"made_{len(self._columns)}"
        self._columns[key] = (name, make)
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
