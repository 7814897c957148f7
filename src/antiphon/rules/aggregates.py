"""The aggregates of a selector over a window: one row each.

The text form, validation, the JSON Schema, live evaluation, history, sentences, the reference page and the tests are all
derived from these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import ibis
import msgspec

from antiphon.rules import sketches
from antiphon.rules.accumulators import MICRO
from antiphon.rules.columns import Column, Flags, Numbers, Values, hexadecimal
from antiphon.rules.values import LARGEST

Form = Literal["selector", "property", "ratio"]
"""What follows its words: a selector (`count of S`), a property of one (`first P of S`), two (`ratio of S to S`)."""

Gives = Literal["number", "share", "value", "age"]
"""What it gives: a number, a number usually written in percent, a JSON value, or ms since an instant."""

Example = tuple[tuple[tuple[Any, float], ...], Any]
"""(property value, weight) of each event, oldest first, an hour apart; and the result (None: no value)."""


class Selection(msgspec.Struct, frozen=True):
    """The rows of history that a selector and a window pick out, for use in a grouped aggregation.

    `at` is the timestamp in ms, `day` the local day's number.
    """

    hit: Flags
    weight: Numbers
    at: Numbers
    day: Numbers
    value: Column | None


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """One row: how an aggregate is written, what is kept of it live, and what it is over history.

    `promql` is its PromQL over counters, where it has one: of `{selector}`, `{to}`, `{range}` and `{by}`, the subject's
    label. `result` turns what was accumulated (None: no event) into the value; `empty` is the value over no events.
    A ratio keeps no accumulation of its own: it divides two counts. Over history a percentile has no `history` but
    `percent`, and what takes the value of one event `picks`: these need rows of their own, see `history_spread.py`.
    """

    key: str
    text: str
    form: Form
    gives: Gives
    accumulator: str
    result: Callable[[Any], Any]
    history: Callable[[Selection], Values] | None = None
    percent: int | None = None
    picks: Literal["oldest", "newest"] | None = None
    sentence: str
    meaning: str
    empty: float | None = None
    promql: str | None = None
    examples: tuple[Example, ...]

    def value(self, accumulated: Any) -> Any:
        """The aggregate's value; None when there is none."""
        return self.empty if accumulated is None else self.result(accumulated)


def _same(accumulated: Any) -> Any:
    return accumulated


def _sum(total: Any) -> float:
    return float(total[0] * MICRO + total[1]) / MICRO


def _column(selection: Selection) -> Column:
    assert selection.value is not None, "validation asks for a property"  # noqa: S101
    return selection.value


def _sum_column(selection: Selection) -> Numbers:
    number = _column(selection).number
    hit = selection.hit & (number.abs() < LARGEST).fill_null(False)
    weighted = number * selection.weight
    whole = weighted.floor()
    micro = ((weighted - whole) * MICRO + 0.5).floor()
    wholes = whole.cast("decimal(38, 0)").sum(where=hit)
    return (wholes * MICRO + micro.cast("decimal(38, 0)").sum(where=hit)).cast("float64") / MICRO


def _mean_column(selection: Selection) -> Numbers:
    number = _column(selection).number
    hit = selection.hit & (number.abs() < LARGEST).fill_null(False)
    return _sum_column(selection) / selection.weight.sum(where=hit).nullif(0)


def _distinct_column(selection: Selection) -> Numbers:
    found = _column(selection).digest
    digests = found.collect(where=selection.hit & found.notnull(), distinct=True)
    estimate = (sketches.DISTINCT / (hexadecimal(digests.sort()[sketches.DISTINCT]) / sketches.SPACE) + 0.5).floor()
    return ibis.ifelse(digests.length() <= sketches.DISTINCT, digests.length().cast("float64"), estimate)


def _percentile(percent: int, examples: tuple[Example, ...]) -> Aggregate:
    return Aggregate(
        key=f"p{percent}",
        text=f"p{percent} of",
        form="property",
        gives="number",
        accumulator="spread",
        result=lambda kept: sketches.percentile(kept, percent),
        percent=percent,
        sentence=f"{percent}th percentile of {{property}} over {{selector}}",
        meaning=f"the smallest number that, with all below it, makes up {percent} % of the weight; exact up to "
        f"{sketches.NUMBERS} different numbers, beyond that at most 1/{2 * sketches.CELLS} of it away",
        examples=(*examples, ((("x", 1), (True, 1)), None), ((), None)),
    )


def _ratio(total: Any) -> float | None:
    return total[0] / total[1] if total[1] else None


AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate(
        key="count",
        text="count of",
        form="selector",
        gives="number",
        accumulator="count",
        result=_same,
        empty=0,
        history=lambda selection: selection.weight.sum(where=selection.hit),
        sentence="number of {selector}",
        meaning="how many events, each counted with its weight",
        promql="sum by ({by}) (increase({selector}[{range}]))",
        examples=((((None, 1), (None, 1)), 2), (((None, 2), (None, 0.5)), 2.5), ((), 0)),
    ),
    Aggregate(
        key="sum",
        text="sum of",
        form="property",
        gives="number",
        accumulator="total",
        result=_sum,
        empty=0,
        history=_sum_column,
        sentence="sum of {property} over {selector}",
        meaning="the sum of a number property, each times its event's weight, to a millionth; other values are left out",
        examples=((((0.1, 1), (0.2, 1)), 0.3), (((5, 2), ("7", 1), (None, 1)), 10), (((True, 1),), 0), ((), 0)),
    ),
    Aggregate(
        key="avg",
        text="avg of",
        form="property",
        gives="number",
        accumulator="total",
        result=lambda total: _sum(total) / total[2] if total[2] else None,
        history=_mean_column,
        sentence="average {property} of {selector}",
        meaning="the weighted mean of a number property",
        examples=((((1, 1), (4, 2)), 3), (((1, 1), ("4", 1)), 1), ((("x", 1),), None), ((), None)),
    ),
    Aggregate(
        key="min",
        text="min of",
        form="property",
        gives="number",
        accumulator="min",
        result=_same,
        history=lambda selection: _column(selection).number.min(where=selection.hit),
        sentence="smallest {property} of {selector}",
        meaning="the smallest number",
        examples=((((3, 1), (-1.5, 1)), -1.5), (((3, 1), ("1", 1), (True, 1)), 3), ((), None)),
    ),
    Aggregate(
        key="max",
        text="max of",
        form="property",
        gives="number",
        accumulator="max",
        result=_same,
        history=lambda selection: _column(selection).number.max(where=selection.hit),
        sentence="largest {property} of {selector}",
        meaning="the largest number",
        examples=((((3, 1), (9, 1)), 9), (((3, 1), ("9", 1)), 3), ((), None)),
    ),
    Aggregate(
        key="distinct",
        text="distinct",
        form="property",
        gives="number",
        accumulator="digests",
        result=sketches.distinct,
        empty=0,
        history=_distinct_column,
        sentence="number of different {property} of {selector}",
        meaning=f"how many different texts, numbers and truth values; exact up to {sketches.DISTINCT}, beyond that "
        "estimated, 6 % off (one standard deviation)",
        examples=(
            ((("a", 1), ("b", 2), ("a", 1)), 2),
            (((5, 1), (5.0, 1), ("5", 1), (True, 1), ("true", 1), (1, 1)), 5),
            (((None, 1), ([5], 1)), 0),
            ((), 0),
        ),
    ),
    _percentile(50, ((((1, 1), (2, 1), (3, 1)), 2), (((9, 3), (1, 1)), 9), (((-1.5, 1), (2, 1)), -1.5))),
    _percentile(90, (((tuple((i, 1) for i in range(1, 11))), 9),)),
    _percentile(95, (((tuple((i, 1) for i in range(1, 11))), 10),)),
    _percentile(99, ((((1, 98), (2, 1), (3, 1)), 2),)),
    Aggregate(
        key="days_active",
        text="days active of",
        form="selector",
        gives="number",
        accumulator="days",
        result=len,
        empty=0,
        history=lambda selection: selection.day.nunique(where=selection.hit),
        sentence="number of days with {selector}",
        meaning="how many days of the workspace's time zone had such an event",
        examples=((((None, 1), (None, 1)), 1), ((), 0)),
    ),
    Aggregate(
        key="ratio",
        text="ratio of",
        form="ratio",
        gives="share",
        accumulator="count",
        result=_ratio,
        history=lambda selection: selection.weight.sum(where=selection.hit),
        sentence="share of {selector} in {to}",
        meaning="the count of the first divided by the count of the second; no value when there is none of the second",
        promql="sum by ({by}) (increase({selector}[{range}])) / sum by ({by}) (increase({to}[{range}]))",
        examples=(),
    ),
    Aggregate(
        key="first",
        text="first",
        form="property",
        gives="value",
        accumulator="first",
        result=lambda kept: kept[3],
        picks="oldest",
        sentence="first {property} of {selector}",
        meaning="the property's value in the oldest event that has it",
        examples=((((None, 1), ("a", 1), ("b", 1)), "a"), (((5, 1), ("b", 1)), 5), ((), None)),
    ),
    Aggregate(
        key="last",
        text="last",
        form="property",
        gives="value",
        accumulator="last",
        result=lambda kept: kept[3],
        picks="newest",
        sentence="last {property} of {selector}",
        meaning="the property's value in the newest event that has it",
        examples=(((("a", 1), ("b", 1), (None, 1)), "b"), (((True, 1),), True), ((), None)),
    ),
    Aggregate(
        key="time_since_first",
        text="time since first",
        form="selector",
        gives="age",
        accumulator="first_at",
        result=_same,
        history=lambda selection: selection.at.min(where=selection.hit),
        sentence="time since the first {selector}",
        meaning="how long ago the oldest event was",
        examples=(),
    ),
    Aggregate(
        key="time_since_last",
        text="time since last",
        form="selector",
        gives="age",
        accumulator="last_at",
        result=_same,
        history=lambda selection: selection.at.max(where=selection.hit),
        sentence="time since the last {selector}",
        meaning="how long ago the newest event was",
        examples=(),
    ),
)


def by_key() -> dict[str, Aggregate]:
    """The rows by their key."""
    return {row.key: row for row in AGGREGATES}
