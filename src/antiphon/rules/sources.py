"""Where a condition's value comes from, and what it will be later if no more events come.

A source gives the value at `now` and the later values: (instant, value) pairs in order of time, each the value from that
instant on. From them a condition finds the exact instant at which its truth will change.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from typing import Any, Protocol

from antiphon.rules.aggregates import Aggregate
from antiphon.rules.state import Metrics
from antiphon.rules.windows import Frame

Later = Iterable[tuple[int, Any]]
Timeline = tuple[Any, Later]
"""The value at an instant (None when there is none), and the values to come."""


class Source(Protocol):
    """A value over time."""

    def timeline(self, metrics: Metrics, now: int) -> Timeline:
        """The value at `now` (ms), and the later values, worked out as far as they are asked for."""
        ...


class Parts(Source, Protocol):
    """A value over any stretch of buckets."""

    def part(self, metrics: Metrics, first: int, last: int | None) -> Any:
        """The value over the buckets from `first` to `last` (None: the newest)."""
        ...


class EverSource:
    """A value over all time: it changes with events only."""

    def __init__(self, key: str, row: Aggregate) -> None:
        """Take the metric's key and the aggregate's row."""
        self._key, self._row = key, row

    def timeline(self, metrics: Metrics, now: int) -> Timeline:
        """The value, the same at any time."""
        del now
        return self._row.value(metrics.get(self._key)), ()


class RingSource:
    """A value over the buckets that a window covers: it changes whenever one of them leaves."""

    def __init__(self, key: str, row: Aggregate, frame: Frame, merge: Callable[[Any, Any], Any]) -> None:
        """Take the metric's key, the aggregate's row, the window, and how two buckets become one."""
        self._key, self._row, self._frame, self._merge = key, row, frame, merge

    def timeline(self, metrics: Metrics, now: int) -> Timeline:
        """The value of the buckets in the window, and the value after each has left."""
        ring, frame = metrics.get(self._key), self._frame
        if ring is None:
            return self._row.value(None), ()
        if not frame.moves:
            return self.part(metrics, frame.first(now), frame.last), ()
        start = bisect_left(ring[0], frame.first(now))
        numbers, suffixes = ring[0][start:], [None]
        together = None
        for accumulated in reversed(ring[1][start:]):
            together = accumulated if together is None else self._merge(accumulated, together)
            suffixes.append(together)
        suffixes.reverse()
        value = self._row.value
        return value(suffixes[0]), steps(frame, numbers, lambda index: value(suffixes[index]))

    def part(self, metrics: Metrics, first: int, last: int | None) -> Any:
        """The value over the buckets from `first` to `last` (None: the newest)."""
        kept = _cut(metrics.get(self._key), first, last)
        return self._row.value(reduce(self._merge, kept) if kept else None)


class RatioSource:
    """One count divided by another, over one window."""

    def __init__(self, key: str, to: str, row: Aggregate, frame: Frame | None) -> None:
        """Take the keys of both counts; `frame` is None for all time."""
        self._key, self._to, self._row, self._frame = key, to, row, frame

    def timeline(self, metrics: Metrics, now: int) -> Timeline:
        """The share (None when there is nothing to divide by), and the share after each bucket has left."""
        above, below, frame = metrics.get(self._key), metrics.get(self._to), self._frame
        if frame is None:
            return self._row.value([above or 0, below or 0]), ()
        first = frame.first(now)
        if not frame.moves:
            return self.part(metrics, first, frame.last), ()
        if below is None or below[0][-1] < first:
            return None, ()
        if above is None or above[0][-1] < first:  # none of many, which is what is usual: 0 as long as there are any
            return 0.0, ((frame.gone_at(below[0][-1]), None),)
        parts = [dict(zip(*ring, strict=True)) for ring in (above, below)]
        numbers = sorted(number for number in {*parts[0], *parts[1]} if number >= first)
        totals: list[list[Any]] = [[0, 0]]
        for number in reversed(numbers):
            totals.append([totals[-1][side] + parts[side].get(number, 0) for side in (0, 1)])
        totals.reverse()
        value = self._row.value
        return value(totals[0]), steps(frame, numbers, lambda index: value(totals[index]))

    def part(self, metrics: Metrics, first: int, last: int | None) -> Any:
        """The share over the buckets from `first` to `last` (None: the newest)."""
        return self._row.value([sum(_cut(metrics.get(key), first, last)) for key in (self._key, self._to)])


class NoSource:
    """No value at any time: the window depends on a trait that the subject does not have."""

    def timeline(self, metrics: Metrics, now: int) -> Timeline:
        """None."""
        del metrics, now
        return None, ()


def _cut(ring: list[list[Any]] | None, first: int, last: int | None) -> list[Any]:
    if ring is None:
        return []
    numbers, accumulated = ring
    return accumulated[bisect_left(numbers, first) : None if last is None else bisect_right(numbers, last)]


def steps(frame: Frame, numbers: list[int], value_from: Callable[[int], Any]) -> Iterator[tuple[int, Any]]:
    """The value from each instant on at which buckets leave; `value_from(i)` is that of the buckets from the i-th on."""
    for index, number in enumerate(numbers):
        instant = frame.gone_at(number)
        if index + 1 == len(numbers) or frame.gone_at(numbers[index + 1]) != instant:
            yield instant, value_from(index + 1)
