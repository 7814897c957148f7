"""Where a condition's value comes from, and what it will be later if no more events come.

A source gives the value at `now` and the later values: (instant, value) pairs in order of time, each the value from that
instant on. From them a condition finds the exact instant at which its truth will change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from antiphon.rules.aggregates import Aggregate
from antiphon.rules.state import Metrics
from antiphon.rules.windows import Frame

Later = Iterator[tuple[int, Any]]


class Source(Protocol):
    """A value over time."""

    def now(self, metrics: Metrics, now: int) -> Any:
        """The value at `now` (ms); None when there is none."""
        ...

    def later(self, metrics: Metrics, now: int) -> Later:
        """The values to come."""
        ...


class EverSource:
    """A value over all time: it changes with events only."""

    def __init__(self, key: str, row: Aggregate) -> None:
        """Take the metric's key and the aggregate's row."""
        self._key, self._row = key, row

    def now(self, metrics: Metrics, now: int) -> Any:
        """The value, the same at any time."""
        del now
        return self._row.value(metrics.get(self._key))

    def later(self, metrics: Metrics, now: int) -> Later:
        """Nothing changes."""
        del metrics, now
        return iter(())


class RingSource:
    """A value over the buckets that a window covers: it changes whenever one of them leaves."""

    def __init__(self, key: str, row: Aggregate, frame: Frame, merge: Callable[[Any, Any], Any]) -> None:
        """Take the metric's key, the aggregate's row, the window, and how two buckets become one."""
        self._key, self._row, self._frame, self._merge = key, row, frame, merge

    def now(self, metrics: Metrics, now: int) -> Any:
        """The value of the buckets in the window."""
        _, suffixes = self._covered(metrics, now)
        return self._row.value(suffixes[0])

    def later(self, metrics: Metrics, now: int) -> Later:
        """The value after each bucket has left."""
        numbers, suffixes = self._covered(metrics, now)
        return steps(self._frame, numbers, lambda index: self._row.value(suffixes[index]))

    def _covered(self, metrics: Metrics, now: int) -> tuple[list[int], list[Any]]:
        """The buckets in the window, and what is accumulated from each of them on (one more: nothing)."""
        ring = metrics.get(self._key)
        if ring is None:
            return [], [None]
        start = bisect_left(ring[0], self._frame.first(now))
        numbers, suffixes = ring[0][start:], [None]
        together = None
        for accumulated in reversed(ring[1][start:]):
            together = accumulated if together is None else self._merge(accumulated, together)
            suffixes.append(together)
        suffixes.reverse()
        return numbers, suffixes


class RatioSource:
    """One count divided by another, over one window."""

    def __init__(self, key: str, to: str, row: Aggregate, frame: Frame | None) -> None:
        """Take the keys of both counts; `frame` is None for all time."""
        self._key, self._to, self._row, self._frame = key, to, row, frame

    def now(self, metrics: Metrics, now: int) -> Any:
        """The share; None when there is nothing to divide by."""
        if self._frame is None:
            return self._row.value([metrics.get(self._key, 0), metrics.get(self._to, 0)])
        _, totals = self._covered(self._frame, metrics, now)
        return self._row.value(totals[0])

    def later(self, metrics: Metrics, now: int) -> Later:
        """The share after each bucket has left."""
        if self._frame is None:
            return iter(())
        numbers, totals = self._covered(self._frame, metrics, now)
        return steps(self._frame, numbers, lambda index: self._row.value(totals[index]))

    def _covered(self, frame: Frame, metrics: Metrics, now: int) -> tuple[list[int], list[list[Any]]]:
        first = frame.first(now)
        parts = [dict(zip(*metrics.get(key, ([], [])), strict=True)) for key in (self._key, self._to)]
        numbers = sorted(number for number in {*parts[0], *parts[1]} if number >= first)
        totals: list[list[Any]] = [[0, 0]]
        for number in reversed(numbers):
            totals.append([totals[-1][side] + parts[side].get(number, 0) for side in (0, 1)])
        totals.reverse()
        return numbers, totals


def steps(frame: Frame, numbers: list[int], value_from: Callable[[int], Any]) -> Later:
    """The value from each instant on at which buckets leave; `value_from(i)` is that of the buckets from the i-th on."""
    for index, number in enumerate(numbers):
        instant = frame.gone_at(number)
        if index + 1 == len(numbers) or frame.gone_at(numbers[index + 1]) != instant:
            yield instant, value_from(index + 1)
