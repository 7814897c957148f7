"""Formulas compiled for live use: each answers (value, recheck_at).

`recheck_at` (ms) is never later than the instant at which the value next changes if nothing happens until then, and None
when time alone cannot change it. While they are reckoned with, numbers are 64-bit floats and dates ms since the epoch;
None is no value, and whatever is made of it has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date as calendar_date
from typing import Any

from antiphon.model.clock import DAY, HOUR
from antiphon.rules import aggregates
from antiphon.rules import formula as f
from antiphon.rules.compile import Compiler
from antiphon.rules.formula_check import Gives, as_condition, gives
from antiphon.rules.formula_functions import DATE, by_key, rounded
from antiphon.rules.sources import Timeline
from antiphon.rules.state import SubjectView
from antiphon.rules.values import LARGEST_DATE, date, number
from antiphon.rules.zones import EPOCH_DAY, LocalDays

Found = tuple[Any, int | None]
Evaluate = Callable[[SubjectView, int], Found]

SMALLEST_DIVISOR = 1e-9
"""Division by less, either way, has no value."""

EARLIEST_DATE = -30_610_224_000_000
"""The first millisecond of the year 1000."""

KEPT_DIGITS = 6
"""Digits after the point that a number is kept with."""

EXACT_BELOW = 1e9
"""Numbers from here on are kept as they are: their millionths are below what a float can tell."""


class FormulaCompiler:
    """Compiles formulas about one subject kind; metrics and selectors are collected by the rules' compiler."""

    def __init__(self, compiler: Compiler, days: LocalDays) -> None:
        """Take the rules' compiler and the days of the workspace's time zone."""
        self._compiler, self._days = compiler, days

    def value(self, formula: f.Formula) -> Evaluate:
        """The whole formula; its value as it stands on a profile: JSON, a date as its ISO day in UTC."""
        given = gives(formula)
        evaluate, shown = self._part(formula, given), _SHOWN[given]

        def whole(view: SubjectView, now: int) -> Found:
            found, recheck_at = evaluate(view, now)
            return (None if found is None else shown(found)), recheck_at

        return whole

    def _part(self, node: f.Formula, wanted: Gives) -> Evaluate:  # noqa: PLR0911 - one line for each kind of node
        """One part; `wanted` is what a trait's or property's value is taken for."""
        if isinstance(node, (f.Number, f.Words, f.Duration)):
            return _fixed(_literal(node))
        if isinstance(node, f.TraitInput):
            return self._trait(node, _TAKEN[wanted])
        if isinstance(node, f.Measured):
            return self._measured(node, _TAKEN[wanted])
        if isinstance(node, f.Now):
            return lambda _view, now: (now // HOUR * HOUR, (now // HOUR + 1) * HOUR)
        if isinstance(node, f.Today):
            return self._today
        if isinstance(node, f.Operation):
            return self._operation(node)
        if isinstance(node, f.Negative):
            return _joined([self._part(node.of, "number")], lambda of: -of[0])
        if isinstance(node, f.Choice):
            return self._choice(node, wanted)
        return self._call(node)

    def _trait(self, node: f.TraitInput, taken: Callable[[Any], Any]) -> Evaluate:
        traits, name = self._compiler.traits(node.owner), node.name

        def from_trait(view: SubjectView, _now: int) -> Found:
            found = traits(view)
            return (None if found is None else taken(found.get(name))), None

        return from_trait

    def _measured(self, node: f.Measured, taken: Callable[[Any], Any]) -> Evaluate:
        timeline = self._compiler.measured(as_condition(node))
        if aggregates.by_key()[node.aggregate.kind].gives == "age":
            return lambda view, now: _age(timeline(view, now), now)

        def from_events(view: SubjectView, now: int) -> Found:
            value, later = timeline(view, now)
            return taken(value), next((at for at, other in later if not _same(other, value)), None)

        return from_events

    def _today(self, _view: SubjectView, now: int) -> Found:
        day = self._days.day(now)
        return (day - EPOCH_DAY) * DAY, self._days.start(day + 1)

    def _operation(self, node: f.Operation) -> Evaluate:
        left, right = (gives(side) for side in (node.left, node.right))
        sides = [self._part(side, "date" if gives(side) == "date" else "number") for side in (node.left, node.right)]
        if "date" not in (left, right):
            return _joined(sides, _NUMBERS[node.sign])
        if left == right:
            return _joined(sides, lambda of: (of[0] - of[1]) / DAY)
        sign = -1 if node.sign == "-" else 1
        if left == "date":
            return _joined(sides, lambda of: _moved(of[0], sign * of[1]), dates=True)
        return _joined(sides, lambda of: _moved(of[1], of[0]), dates=True)

    def _choice(self, node: f.Choice, wanted: Gives) -> Evaluate:
        condition = self._compiler.condition(node.condition)
        then, otherwise = self._part(node.then, wanted), self._part(node.otherwise, wanted)

        def chosen(view: SubjectView, now: int) -> Found:
            truth, flip = condition.verdict(view, now)
            value, recheck_at = (then if truth else otherwise)(view, now)
            return value, soonest((flip, recheck_at))

        return chosen

    def _call(self, node: f.Call) -> Evaluate:
        if node.function == DATE:
            return self._part(node.of[0], "date")
        dates = gives(node) == "date"
        parts = [self._part(item, "date" if dates else "number") for item in node.of]
        return _joined(parts, by_key()[node.function].live, dates=dates)


def soonest(instants: Iterable[int | None]) -> int | None:
    """The first of several instants, None meaning never."""
    return min((instant for instant in instants if instant is not None), default=None)


def amount(value: Any) -> float | None:
    """The value as a number to reckon with; None for what is none, or beyond all bounds."""
    found = number(value)
    return found if found is not None and abs(found) <= f.LARGEST else None


def day_text(instant: float) -> str:
    """The ISO day in UTC of an instant in ms."""
    return calendar_date.fromordinal(EPOCH_DAY + int(instant // DAY)).isoformat()


def kept(value: float) -> float:
    """A number as it is kept: to a millionth, half upwards; a whole one as such."""
    found = rounded(value, KEPT_DIGITS) if abs(value) < EXACT_BELOW else value
    return int(found) if found.is_integer() else found


def _date(value: Any) -> float | None:
    found = date(value)
    return found if found is not None and EARLIEST_DATE <= found <= LARGEST_DATE else None


_TAKEN: dict[Gives, Callable[[Any], Any]] = {
    "number": amount,
    "date": _date,
    "text": lambda value: value if type(value) is str else None,
    "value": lambda value: value,
}

_SHOWN: dict[Gives, Callable[[Any], Any]] = {
    "number": kept,
    "date": day_text,
    "text": lambda value: value,
    "value": lambda value: value,
}

_NUMBERS: dict[f.Sign, Callable[[Sequence[float]], float | None]] = {
    "+": lambda of: of[0] + of[1],
    "-": lambda of: of[0] - of[1],
    "*": lambda of: of[0] * of[1],
    "/": lambda of: of[0] / of[1] if abs(of[1]) >= SMALLEST_DIVISOR else None,
}


def _literal(node: f.Number | f.Words | f.Duration) -> Any:
    if isinstance(node, f.Words):
        return node.value
    return float(node.value) if isinstance(node, f.Number) else node.ms / DAY


def _fixed(value: Any) -> Evaluate:
    return lambda _view, _now: (value, None)


def _moved(instant: float, days: float) -> float:
    return instant + math.floor(days * DAY + 0.5)


def _joined(
    parts: Sequence[Evaluate], make: Callable[[Sequence[float]], float | None], *, dates: bool = False
) -> Evaluate:
    """What is made of several parts, when all of them are there and it lies within bounds."""
    least, most = (EARLIEST_DATE, LARGEST_DATE) if dates else (-f.LARGEST, f.LARGEST)

    def joined(view: SubjectView, now: int) -> Found:
        found = [part(view, now) for part in parts]
        recheck_at = soonest(later for _, later in found)
        values = [value for value, _ in found if value is not None]
        made = make(values) if len(values) == len(parts) else None
        return (made if made is not None and least <= made <= most else None), recheck_at

    return joined


def _age(timeline: Timeline, now: int) -> Found:
    """Whole hours since an event's instant, in days; looked at again when the next hour is full, or the event leaves."""
    at, later = timeline
    end = next((instant for instant, value in later if value != at), None)
    if at is None:
        return None, end
    hours = max(0, (now - at) // HOUR)
    return hours / 24, soonest((at + (hours + 1) * HOUR, end))


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other
