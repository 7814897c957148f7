"""Formulas over history: the same value as live, as one Ibis expression over the tables of `history.py`.

Computed traits that a formula reads are read as they stand on the profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis
import msgspec

from antiphon.model.clock import DAY, HOUR
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, tree
from antiphon.rules import formula as f
from antiphon.rules.columns import Column, Numbers, Table, Values
from antiphon.rules.compile import of_company
from antiphon.rules.formula_check import Gives, as_condition, gives
from antiphon.rules.formula_functions import DATE, by_key, rounded_column
from antiphon.rules.formula_values import EARLIEST_DATE, EXACT_BELOW, KEPT_DIGITS, SMALLEST_DIVISOR
from antiphon.rules.history import condition_truth
from antiphon.rules.history_leaves import LeafCompiler, Make
from antiphon.rules.history_rows import HistoryTables, event_rows, subject_rows
from antiphon.rules.values import LARGEST_DATE
from antiphon.rules.zones import EPOCH_DAY, LocalDays


class ComputedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One row per subject: `subject_id` and `value` (NULL: none).

    A number is a float, a date or text a text, a trait's or property's value JSON text, as `gives` says.
    """

    rows: Table
    gives: Gives


def computed_values(
    formula: f.Formula,
    subject_kind: SubjectKind,
    tables: HistoryTables,
    *,
    now: int,
    time_zone: str,
    segments: Mapping[str, tree.Tree] | None = None,
) -> ComputedColumn:
    """A formula's value for each subject at `now` (ms), which is not before any event's receipt.

    `segments` are the rules whose segments its conditions may refer to, by name.
    """
    days = LocalDays(time_zone)
    columns = _Columns(subject_kind, LeafCompiler(subject_kind, days, now), segments or {}, now, days)
    given = gives(formula)
    value = columns.part(formula, given)
    needed = HistoryTables(columns.compiler.needed(tables.events), tables.profiles, tables.identities)
    counted = event_rows(needed, subject_kind)
    subjects = subject_rows(tables.profiles, subject_kind, with_company=columns.reads_company)
    rows = columns.added(columns.compiler.joined(subjects, counted))
    shown = rows.select(subject_id=rows.subject_id, value=_SHOWN[given](rows[value]))
    return ComputedColumn(rows=shown, gives=given)


class _Columns:
    """Makes the parts of a formula into columns; aggregates and conditions are collected by the rules' compiler.

    Each part is a column of its own, made of those of its parts: written out in one another they would grow without bound.
    """

    def __init__(
        self,
        kind: SubjectKind,
        compiler: LeafCompiler,
        segments: Mapping[str, tree.Tree],
        now: int,
        days: LocalDays,
    ) -> None:
        self.compiler = compiler
        self._kind: SubjectKind = kind
        self._segments, self._now, self._days = segments, now, days
        self._reads_company = False
        self._steps: list[dict[str, Make]] = []
        self._heights: dict[str, int] = {}

    @property
    def reads_company(self) -> bool:
        """Whether a trait of the company is needed."""
        return self._reads_company or self.compiler.reads_company

    def added(self, rows: Table) -> Table:
        """The joined rows with a column for each part."""
        for step in self._steps:
            rows = rows.mutate(**{name: make(rows) for name, make in step.items()})
        return rows

    def part(self, node: f.Formula, wanted: Gives) -> str:  # noqa: PLR0911 - one line for each kind of node
        """The column of one part; see `formula_values`."""
        if isinstance(node, f.Words):
            return self._column(lambda _: ibis.literal(node.value))
        if isinstance(node, (f.Number, f.Duration)):
            number = float(node.value) if isinstance(node, f.Number) else node.ms / DAY
            # as a text, since a bare literal would be a decimal, whose products overflow
            return self._column(lambda _: ibis.literal(repr(number)).cast("float64"))
        if isinstance(node, f.TraitInput):
            of = "company_traits" if of_company(node.owner, self._kind) else "traits"
            self._reads_company = self._reads_company or of == "company_traits"
            return self._bounded(self._column(lambda rows: _taken(Column.of(rows[of], node.name), wanted)), wanted)
        if isinstance(node, f.Measured):
            return self._measured(node, wanted)
        if isinstance(node, (f.Now, f.Today)):
            hour, day = self._now // HOUR * HOUR, (self._days.day(self._now) - EPOCH_DAY) * DAY
            instant = float(hour if isinstance(node, f.Now) else day)
            return self._column(lambda _: ibis.literal(instant, type="float64"))
        if isinstance(node, f.Negative):
            of = self.part(node.of, "number")
            return self._column(lambda rows: -rows[of], of)
        if isinstance(node, f.Operation):
            return self._operation(node)
        if isinstance(node, f.Choice):
            return self._choice(node, wanted)
        return self._call(node)

    def _column(self, make: Make, *of: str) -> str:
        """Note a column that is made of others; its name."""
        height = max((self._heights[name] + 1 for name in of), default=0)
        name = f"part_{len(self._heights)}"
        self._heights[name] = height
        if height == len(self._steps):
            self._steps.append({})
        self._steps[height][name] = make
        return name

    def _bounded(self, of: str, given: Gives) -> str:
        """A column without what lies beyond the bounds of numbers or dates."""
        if given not in ("number", "date"):
            return of
        least, most = (EARLIEST_DATE, LARGEST_DATE) if given == "date" else (-f.LARGEST, f.LARGEST)
        return self._column(
            lambda rows: ibis.ifelse((rows[of] >= least) & (rows[of] <= most), rows[of], ibis.null("float64")), of
        )

    def _measured(self, node: f.Measured, wanted: Gives) -> str:
        value = self.compiler.leaf(as_condition(node)).value
        given = aggregates.by_key()[node.aggregate.kind].gives
        if given == "value":
            return self._bounded(self._column(lambda rows: _taken(Column(value(rows).cast("json")), wanted)), wanted)
        number = self._column(lambda rows: value(rows).cast("float64"))
        if given == "age":
            hours = self._column(lambda rows: (rows[number] / HOUR).floor().cast("float64"), number)
            return self._column(lambda rows: _positive(rows[hours]) / 24, hours)
        return self._bounded(number, "number")

    def _operation(self, node: f.Operation) -> str:
        dates = [gives(side) == "date" for side in (node.left, node.right)]
        left, right = (
            self.part(side, "date" if is_date else "number")
            for side, is_date in zip((node.left, node.right), dates, strict=True)
        )
        if not any(dates):
            reckon = _NUMBERS[node.sign]
            return self._bounded(self._column(lambda rows: reckon(rows[left], rows[right]), left, right), "number")
        if all(dates):
            return self._column(lambda rows: (rows[left] - rows[right]) / DAY, left, right)
        at, days = (right, left) if dates[1] else (left, right)
        sign = -1 if node.sign == "-" else 1
        moved = self._column(
            lambda rows: rows[at] + (sign * rows[days] * DAY + 0.5).floor().cast("float64"), left, right
        )
        return self._bounded(moved, "date")

    def _choice(self, node: f.Choice, wanted: Gives) -> str:
        truth = self._column(condition_truth(node.condition, self.compiler, self._segments))
        then, otherwise = self.part(node.then, wanted), self.part(node.otherwise, wanted)
        return self._column(lambda rows: ibis.ifelse(rows[truth], rows[then], rows[otherwise]), truth, then, otherwise)

    def _call(self, node: f.Call) -> str:
        if node.function == DATE:
            return self.part(node.of[0], "date")
        row = by_key()[node.function]
        given: Gives = "date" if gives(node) == "date" else "number"
        digits = [item.value for item in node.of[row.least :] if row.digits and isinstance(item, f.Number)]
        first, *others = [self.part(item, given) for item in (node.of[: row.least] if digits else node.of)]
        if not others:
            return self._bounded(self._column(lambda rows: row.history([rows[first], *digits]), first), given)
        for other in others:  # two by two, so that each is named a few times only
            pair = (first, other)
            first = self._column(lambda rows, pair=pair: row.history([rows[name] for name in pair]), *pair)
        return self._bounded(first, given)


def _taken(column: Column, wanted: Gives) -> Values:
    """A JSON value, taken for what is wanted of it."""
    if wanted == "text":
        return column.text
    if wanted in ("number", "date"):
        return (column.date if wanted == "date" else column.number).cast("float64")
    return ibis.ifelse(column.exists, column.json.cast("string"), ibis.null("string"))


def _positive(value: Numbers) -> Numbers:
    return ibis.ifelse(value < 0, 0.0, value)


def _kept(value: Numbers) -> Numbers:
    return ibis.ifelse(value.abs() < EXACT_BELOW, rounded_column(value, KEPT_DIGITS), value)


def _day(value: Numbers) -> Values:
    return (value / 1000).floor().cast("int64").as_timestamp("s").strftime("%Y-%m-%d")


_SHOWN: dict[Gives, Callable[[Any], Any]] = {
    "number": _kept,
    "date": _day,
    "text": lambda value: value,
    "value": lambda value: value,
}

_NUMBERS: dict[f.Sign, Callable[[Numbers, Numbers], Numbers]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / ibis.ifelse(right.abs() >= SMALLEST_DIVISOR, right, ibis.null("float64")),
}
