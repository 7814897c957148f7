"""`did A, then not B, for W`: what is kept for it, and the condition.

An A is open while no B is later than it. The condition holds from W after the first open A on, until a B comes. Time is cut
into steps of max(1 minute, W / 60), as for sliding windows; of the A's in one step, the first and the last are looked at.
So what is kept is bounded and the same in any order: the last B, and the first and last A of each step from its on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from antiphon.model.event import Event
from antiphon.rules.metrics import Folds
from antiphon.rules.state import Metrics, SubjectView

MOST_STEPS = 1_600
"""Steps kept: the first that is open, and the newest; no event is so late that it needs another."""


class FollowUpMetric:
    """`[last B or None, numbers of steps, first A in each, last A in each]`, instants in ms."""

    limit = 0

    def __init__(self, key: str, did: int, then_not: int, width: int) -> None:
        """Take the numbers of both selectors, and the width of a step in ms."""
        self.key = key
        self._did, self._then_not, self.width = did, then_not, width

    def parts(self) -> Iterable[tuple[int, Folds]]:
        """Both selectors."""
        return ((self._did, Opens(self)), (self._then_not, Closes(self)))

    def open(self, metrics: Metrics, instant: int) -> None:
        """Note an A."""
        self._open(self._of(metrics), instant, instant)

    def close(self, metrics: Metrics, instant: int) -> None:
        """Note a B."""
        self._close(self._of(metrics), instant)

    def merge(self, left: Any, right: Any) -> Any:
        """The A's and B's of both."""
        kept: list[Any] = [None, [], [], []]
        for part in (left, right):
            if part is None:
                continue
            if part[0] is not None:
                self._close(kept, part[0])
            for first, last in zip(part[2], part[3], strict=True):
                self._open(kept, first, last)
        return kept

    def prune(self, metrics: Metrics) -> None:
        """Nothing: what is not needed has gone already."""

    def _of(self, metrics: Metrics) -> list[Any]:
        kept = metrics.get(self.key)
        if kept is None:
            kept = metrics[self.key] = [None, [], [], []]
        return kept

    def _open(self, kept: list[Any], first: int, last: int) -> None:
        closed, numbers, firsts, lasts = kept
        step = first // self.width
        if closed is not None and step < closed // self.width:
            return
        index = bisect_left(numbers, step)
        if index < len(numbers) and numbers[index] == step:
            firsts[index] = min(firsts[index], first)
            lasts[index] = max(lasts[index], last)
            return
        numbers.insert(index, step)
        firsts.insert(index, first)
        lasts.insert(index, last)
        if len(numbers) > MOST_STEPS:
            for half in (numbers, firsts, lasts):
                del half[1]

    def _close(self, kept: list[Any], instant: int) -> None:
        if kept[0] is not None and instant <= kept[0]:
            return
        kept[0] = instant
        keep = bisect_left(kept[1], instant // self.width)
        if keep:
            for half in kept[1:]:
                del half[:keep]


class Opens:
    """The first selector, as what its events are brought into."""

    def __init__(self, metric: FollowUpMetric) -> None:
        """Bring them into this metric."""
        self.key, self._metric = metric.key, metric

    def fold(self, metrics: Metrics, event: Event, weight: float) -> None:
        """Note an A; its weight does not matter."""
        del weight
        self._metric.open(metrics, event.timestamp)


class Closes:
    """The second."""

    def __init__(self, metric: FollowUpMetric) -> None:
        """Bring them into this metric."""
        self.key, self._metric = metric.key, metric

    def fold(self, metrics: Metrics, event: Event, weight: float) -> None:
        """Note a B."""
        del weight
        self._metric.close(metrics, event.timestamp)


class FollowUpTest:
    """Whether the first open A is so long ago."""

    cost = 1

    def __init__(self, key: str, wait: int) -> None:
        """Take the metric's key and the time to wait in ms."""
        self._key, self._wait = key, wait

    def verdict(self, view: SubjectView, now: int) -> tuple[bool, int | None]:
        """Time makes it true, once."""
        at = first_open(view.state.metrics.get(self._key))
        if at is None:
            return False, None
        due = at + self._wait
        return (True, None) if now >= due else (False, due)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """How long ago the first open A was, and the time to wait, in ms."""
        at = first_open(view.state.metrics.get(self._key))
        return None if at is None else now - at, self._wait


def first_open(kept: list[Any] | None) -> int | None:
    """The instant (ms) of the first A that no B is later than."""
    if kept is None:
        return None
    closed, _, firsts, lasts = kept
    for first, last in zip(firsts, lasts, strict=True):
        if closed is None or first >= closed:
            return first
        if last >= closed:
            return last
    return None
