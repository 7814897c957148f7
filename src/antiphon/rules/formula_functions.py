"""The functions of formulas: one row each, live and over history; each argument is a number or date that is there.

Grammar, checks, reference page and tests derive from these rows. Dates are ms since the epoch while they are reckoned with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import ibis
import msgspec

from antiphon.rules.columns import Numbers


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `least` to `most` arguments (None: any number), what they may be, and its meaning.

    `digits` says that the last argument is a whole number as written, from -9 to 9. Each example is (arguments, result).
    """

    key: str
    least: int
    most: int | None
    takes: Literal["numbers", "alike"]
    digits: bool = False
    live: Callable[[Sequence[float]], float]
    history: Callable[[Sequence[Any]], Numbers]
    meaning: str
    examples: tuple[tuple[tuple[float, ...], float], ...]


def rounded(value: float, digits: int = 0) -> float:
    """To so many digits after the point (before it, if negative), half of a step upwards."""
    if digits < 0:
        step = 10.0**-digits
        return math.floor(value / step + 0.5) * step
    step = 10.0**digits
    return math.floor(value * step + 0.5) / step


def rounded_column(value: Numbers, digits: int = 0) -> Numbers:
    """The same of a column."""
    if digits < 0:
        step = 10.0**-digits
        return (value / step + 0.5).floor().cast("float64") * step
    step = 10.0**digits
    return (value * step + 0.5).floor().cast("float64") / step


def _picked(columns: Sequence[Numbers], *, smallest: bool) -> Numbers:
    found = columns[0]
    for column in columns[1:]:
        first = found <= column if smallest else found >= column
        picked: Any = ibis.ifelse(first, found, column)
        found = ibis.ifelse(found.isnull() | column.isnull(), ibis.null("float64"), picked)
    return found


FUNCTIONS: tuple[Function, ...] = (
    Function(
        key="min",
        least=2,
        most=None,
        takes="alike",
        live=min,
        history=lambda of: _picked(of, smallest=True),
        meaning="the smallest of several numbers, or the earliest of several dates",
        examples=(((3, 1, 2), 1), ((-1, 0.5), -1)),
    ),
    Function(
        key="max",
        least=2,
        most=None,
        takes="alike",
        live=max,
        history=lambda of: _picked(of, smallest=False),
        meaning="the largest of several numbers, or the latest of several dates",
        examples=(((3, 1, 2), 3), ((-1, 0.5), 0.5)),
    ),
    Function(
        key="round",
        least=1,
        most=2,
        takes="numbers",
        digits=True,
        live=lambda of: rounded(of[0], int(of[1]) if len(of) > 1 else 0),
        history=lambda of: rounded_column(of[0], int(of[1]) if len(of) > 1 else 0),
        meaning="to a whole number, or to so many digits after the point; half goes up",
        examples=(((2.5,), 3), ((-2.5,), -2), ((0.125, 2), 0.13), ((1250, -2), 1300)),
    ),
    Function(
        key="floor",
        least=1,
        most=1,
        takes="numbers",
        live=lambda of: float(math.floor(of[0])),
        history=lambda of: of[0].floor().cast("float64"),
        meaning="the next whole number below",
        examples=(((2.9,), 2), ((-2.1,), -3)),
    ),
    Function(
        key="ceil",
        least=1,
        most=1,
        takes="numbers",
        live=lambda of: float(math.ceil(of[0])),
        history=lambda of: of[0].ceil().cast("float64"),
        meaning="the next whole number above",
        examples=(((2.1,), 3), ((-2.9,), -2)),
    ),
    Function(
        key="abs",
        least=1,
        most=1,
        takes="numbers",
        live=lambda of: abs(of[0]),
        history=lambda of: of[0].abs(),
        meaning="without its sign",
        examples=(((-2.5,), 2.5), ((4,), 4)),
    ),
)

DATE = "date"
"""`date(TRAIT)`: the instant that a trait names; beside the table because it takes a value and gives a date."""


def by_key() -> dict[str, Function]:
    """The rows by their key."""
    return {row.key: row for row in FUNCTIONS}
