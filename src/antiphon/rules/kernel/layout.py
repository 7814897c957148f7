"""How metrics lie in a block, for those who only read what is stored; see `blocks`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.rules.follow_ups import FollowUpMetric
from antiphon.rules.metrics import Kept, Metric
from antiphon.rules.zones import LocalDays

HEAD = 3
MASK = 0xFFFFFFFF
ROOM = 0xFFFFFF

COUNT, EARLIEST, LATEST, OPENS, CLOSES = range(5)
"""How two values of a bucket become one: by adding, the smaller, the greater; and the two sides of a missing follow-up, whose ring has
the last closing instant in bucket -1, and in buckets 2 * step and 2 * step + 1 the first and the last opening one of each step."""

FOLLOW_UP = OPENS

NO_RECHECK = 2**62
"""In place of an instant: no need to look again."""

HOW = {"count": COUNT, "first_at": EARLIEST, "last_at": LATEST}
"""The accumulators that the kernel keeps."""

WEIGHT_ONE = 2**20
"""A count of 1 as it is kept: a weight is a multiple of 2^-20, so counts are exact integers."""

UTC_DAYS = "day:UTC"
"""The buckets of windows that begin at a date of somebody's own."""

Names = Mapping[int, tuple[str, int, bool]]
"""(metric key, how, whether it is one value for all time) by key in blocks."""


def is_native(metric: Kept, days: LocalDays) -> bool:
    """Whether the kernel keeps a metric; `days` are those of the workspace's time zone."""
    if not isinstance(metric, Metric):
        return isinstance(metric, FollowUpMetric)
    if metric.accumulator.key not in HOW:
        return False
    return metric.ever or metric.width > 0 or metric.step in (f"day:{days.name}", UTC_DAYS)


def how_of(metric: Kept) -> int:
    """How the buckets of a metric that the kernel keeps add up."""
    return HOW[metric.accumulator.key] if isinstance(metric, Metric) else FOLLOW_UP


def is_ever(metric: Kept) -> bool:
    """Whether it is one value for all time."""
    return isinstance(metric, Metric) and metric.ever


def names_of(metrics: Mapping[str, Kept], numbers: Mapping[str, int], days: LocalDays) -> Names:
    """The names of those of `metrics` that the kernel keeps; `numbers` gives each key its number."""
    return {
        2 * numbers[key]: (key, how_of(metric), is_ever(metric))
        for key, metric in metrics.items()
        if key in numbers and is_native(metric, days)
    }


def metrics_in(words: NDArray[np.int64], block: int, names: Names) -> dict[str, Any]:
    """What the rings of the block at `block` hold, as `SubjectState.metrics` has it."""
    found: dict[str, Any] = {}
    for word in words[block + HEAD : block + HEAD + int(words[block])].tolist():
        known = names.get(word >> 32)
        if known is None:
            continue
        key, how, ever = known
        place = block + (word & MASK)
        head = int(words[place])
        count, room = head & ROOM, head >> 24
        numbers = words[place + 1 : place + 1 + count].tolist()
        values = words[place + 1 + room : place + 1 + room + count].tolist()
        if how == FOLLOW_UP:
            found[key] = _follow_up(numbers, values)
            continue
        if how == COUNT:
            values = [value // WEIGHT_ONE if value % WEIGHT_ONE == 0 else value / WEIGHT_ONE for value in values]
        found[key] = values[0] if ever else [numbers, values]
    return found


def _follow_up(numbers: list[int], values: list[int]) -> list[Any]:
    """See `follow_ups.FollowUpMetric`."""
    closed = 1 if numbers[0] < 0 else 0
    return [
        values[0] if closed else None,
        [number // 2 for number in numbers[closed::2]],
        values[closed::2],
        values[closed + 1 :: 2],
    ]


def ring_of_follow_up(kept: list[Any]) -> tuple[list[int], list[int]]:
    """The buckets and values of what a `FollowUpMetric` keeps."""
    closed, steps, firsts, lasts = kept
    numbers, values = ([], []) if closed is None else ([-1], [closed])
    for step, first, last in zip(steps, firsts, lasts, strict=True):
        numbers += [2 * step, 2 * step + 1]
        values += [first, last]
    return numbers, values


def judgements_in(words: NDArray[np.int64], block: int) -> dict[int, tuple[bool, int, int | None]]:
    """How the rules judged: (member, episode, recheck_at) by rule id."""
    found: dict[int, tuple[bool, int, int | None]] = {}
    for word in words[block + HEAD : block + HEAD + int(words[block])].tolist():
        key, place = word >> 32, block + (word & MASK)
        if key & 1:
            state, recheck_at = int(words[place]), int(words[place + 1])
            found[key >> 1] = (bool(state & 1), state >> 1, None if recheck_at == NO_RECHECK else recheck_at)
    return found
