"""`did A, then B, within W`: what is kept for it, and the condition.

Time is cut into stretches of W. A chain of steps within W lies in one stretch or in two neighbours, so for each stretch
the instants of each step are kept: of two steps the first and the last, which decides exactly; of more steps the 32 first
and the 32 last. Once a chain is there, only that is kept. ADR 0020 says what that costs and where it ends.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Any

from antiphon.model.event import Event
from antiphon.rules.metrics import Folds
from antiphon.rules.state import Metrics, SubjectView

DONE = 1
"""What is kept once the sequence is complete."""

MOST_STRETCHES = 1_600
"""Stretches kept of a sequence that is not complete, the newest; no event is so late that it needs an older one."""

EACH_END = 32
"""Instants kept at either end of a stretch for each step, where there are three steps or more."""

_TWO = 2

Times = list[list[int]]
"""For each step its instants in one stretch, ascending, in ms from the stretch's start."""


class StepsMetric:
    """The instants of the steps of one sequence: `[numbers of stretches, Times of each]`, or DONE."""

    limit = 0

    def __init__(self, key: str, selector_ids: Sequence[int], within: int) -> None:
        """Take the numbers of the steps' selectors, and the length in ms."""
        self.key = key
        self._selector_ids = selector_ids
        self._within = within
        self._each_end = 1 if len(selector_ids) == _TWO else EACH_END

    def parts(self) -> Iterable[tuple[int, Folds]]:
        """One selector a step."""
        return [(number, _Step(self, step)) for step, number in enumerate(self._selector_ids)]

    def fold(self, metrics: Metrics, step: int, instant: int) -> None:
        """Note that a step happened at an instant (ms)."""
        kept = metrics.get(self.key)
        if kept is None:
            kept = metrics[self.key] = [[], []]
        elif kept == DONE:
            return
        stretch, offset = divmod(instant, self._within)
        times = self._stretch(kept, stretch)[step]
        if self._note(times, offset) and self._complete(kept, stretch):
            metrics[self.key] = DONE
        elif len(kept[0]) > MOST_STRETCHES:
            del kept[0][0], kept[1][0]

    def merge(self, left: Any, right: Any) -> Any:
        """The instants of both; complete when together they are."""
        if DONE in (left, right):
            return DONE
        kept: list[list[Any]] = [[], []]
        for part in (left, right):
            if part is None:
                continue
            for stretch, steps in zip(*part, strict=True):
                for times, found in zip(self._stretch(kept, stretch), steps, strict=True):
                    for offset in found:
                        self._note(times, offset)
        if any(self._complete(kept, stretch) for stretch in kept[0]):
            return DONE
        for half in kept:
            del half[:-MOST_STRETCHES]
        return kept

    def prune(self, metrics: Metrics) -> None:
        """Nothing: what is kept is small, and may be needed at any time."""

    def _stretch(self, kept: list[list[Any]], stretch: int) -> Times:
        numbers, steps = kept
        index = bisect_left(numbers, stretch)
        if index == len(numbers) or numbers[index] != stretch:
            numbers.insert(index, stretch)
            steps.insert(index, [[] for _ in self._selector_ids])
        return steps[index]

    def _note(self, times: list[int], offset: int) -> bool:
        index = bisect_left(times, offset)
        if index < len(times) and times[index] == offset:
            return False
        if len(times) < 2 * self._each_end:
            insort(times, offset)
        elif index < self._each_end:
            del times[self._each_end - 1]
            times.insert(index, offset)
        elif index > self._each_end:
            times.insert(index, offset)
            del times[self._each_end]
        else:
            return False
        return True

    def _complete(self, kept: list[list[Any]], stretch: int) -> bool:
        numbers, steps = kept
        at = bisect_left(numbers, stretch)
        here = self._moved(steps[at], 0)
        pairs: list[Times] = []
        if at and numbers[at - 1] == stretch - 1:
            pairs.append(_joined(self._moved(steps[at - 1], -1), here))
        if at + 1 < len(numbers) and numbers[at + 1] == stretch + 1:
            pairs.append(_joined(here, self._moved(steps[at + 1], 1)))
        return any(chained(times, self._within) for times in pairs or [here])

    def _moved(self, times: Times, stretches: int) -> Times:
        shift = stretches * self._within
        return [[offset + shift for offset in step] for step in times] if shift else times


class _Step:
    """One step of a sequence, as what its selector's events are brought into."""

    def __init__(self, metric: StepsMetric, step: int) -> None:
        self.key = metric.key
        self._metric, self._step = metric, step

    def fold(self, metrics: Metrics, event: Event, weight: float) -> None:
        """Note the event's instant; its weight does not matter."""
        del weight
        self._metric.fold(metrics, self._step, event.timestamp)


def chained(steps: Times, within: int) -> bool:
    """Whether there is an instant of each step, each later than the one before, the last at most `within` after the first."""
    chains = [(instant, instant) for instant in steps[0]]  # (instant of the step, latest start of a chain to there)
    for times in steps[1:]:
        longer: list[tuple[int, int]] = []
        at, start = 0, None
        for instant in times:
            while at < len(chains) and chains[at][0] < instant:
                start = chains[at][1] if start is None else max(start, chains[at][1])
                at += 1
            if start is not None:
                longer.append((instant, start))
        chains = longer
    return any(instant - start <= within for instant, start in chains)


def _joined(left: Times, right: Times) -> Times:
    return [[*one, *other] for one, other in zip(left, right, strict=True)]


class SequenceTest:
    """Whether a sequence has been completed: once true, it stays so."""

    cost = 1

    def __init__(self, key: str) -> None:
        """Take the metric's key."""
        self._key = key

    def verdict(self, view: SubjectView, now: int) -> tuple[bool, int | None]:
        """Time alone changes nothing."""
        del now
        return view.state.metrics.get(self._key) == DONE, None

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """Whether it is complete, and that it should be."""
        return self.verdict(view, now)[0], True
