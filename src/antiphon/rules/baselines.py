"""A comparison with the subject's own baseline: `count of S in the last 7 days <= 50% of its average over the previous 4 weeks`.

The baseline is the mean of the same aggregate over the windows of equal length right before the current one: 4 windows of 7
days. A window without a value (an average of nothing) is left out; without any value there is no baseline. The current
window is rounded to never cover less than asked, so the windows before it begin at its left edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from antiphon.rules.conditions import Compare, known
from antiphon.rules.known import KnownAt
from antiphon.rules.sources import Parts
from antiphon.rules.state import Metrics, SubjectView
from antiphon.rules.windows import SlidingFrame

LOOKAHEAD = 48
"""Changes looked at in one go for the instant at which the truth turns; after so many it is looked at again."""

ADDED_UP = frozenset({"count", "sum"})
"""Aggregates whose mean over windows is the aggregate over all of them, divided by their number."""


class BaselineComparison:
    """An aggregate compared with a percentage of its own baseline."""

    cost = 4

    def __init__(
        self,
        source: Parts,
        keys: Sequence[str],
        frame: SlidingFrame,
        compare: Compare,
        periods: int,
        percent: float,
        known_at: KnownAt | None,
        *,
        added_up: bool,
    ) -> None:
        """Take the source and the keys of its rings, the current window, and how many windows there are before it."""
        self._source, self._keys, self._frame, self._compare = source, keys, frame, compare
        self._periods, self._percent, self._known_at, self._added_up = periods, percent, known_at, added_up

    def verdict(self, view: SubjectView, now: int) -> tuple[bool, int | None]:
        """Compare now, and whenever a bucket passes from one window into the one before."""
        metrics, frame = view.state.metrics, self._frame
        truth = self._holds(metrics, frame.first(now))
        flip = None
        for count, first in enumerate(self._edges(metrics, frame.first(now))):
            if count == LOOKAHEAD or self._holds(metrics, first) is not truth:
                flip = frame.gone_at(first - 1)
                break
        return known(self._known_at, view, now, truth, flip)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The aggregate's value and the part of the baseline that it is compared with."""
        return self._values(view.state.metrics, self._frame.first(now))

    def _holds(self, metrics: Metrics, first: int) -> bool:
        return self._compare(*self._values(metrics, first))

    def _values(self, metrics: Metrics, first: int) -> tuple[Any, Any]:
        mean = self._mean(metrics, first)
        return self._source.part(metrics, first, None), None if mean is None else mean * self._percent / 100

    def _mean(self, metrics: Metrics, first: int) -> float | None:
        each, part = self._frame.buckets, self._source.part
        if self._added_up:
            return float(part(metrics, first - self._periods * each, first - 1)) / self._periods
        edges = [first - back * each for back in range(1, self._periods + 1)]
        return mean([part(metrics, edge, edge + each - 1) for edge in edges])

    def _edges(self, metrics: Metrics, first: int) -> Iterator[int]:
        """The first buckets of windows to come at which a value may change, the next first."""
        each, periods = self._frame.buckets, self._periods
        crossings = (0, periods) if self._added_up else range(periods + 1)
        numbers = {number for key in self._keys for number in metrics.get(key, ((),))[0]}
        edges = {number + 1 + back * each for number in numbers for back in crossings}
        return iter(sorted(edge for edge in edges if edge > first))


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of those that are there, added up in the order given; None when there are none."""
    total, count = 0.0, 0
    for value in values:
        if value is not None:
            total, count = total + value, count + 1
    return total / count if count else None
