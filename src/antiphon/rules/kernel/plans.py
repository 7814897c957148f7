"""What events can mean to one subject, as the kernel has it: plans are numbered as they are met, and only ever added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from antiphon.rules.kernel.blocks import Ints
from antiphon.rules.kernel.tick import Plans

MOST = 1 << 17
"""Plans kept, when more were met they are all forgotten between two ticks."""


class PlanTable:
    """Plans by number: each a run of metrics and a run of rules, by their indices in the kernel's tables."""

    def __init__(self) -> None:
        """Start without any."""
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        self._metrics, self._rules = _Runs(), _Runs()
        self._fresh: Plans | None = None

    def place(self, metrics: tuple[int, ...], rules: tuple[int, ...]) -> int:
        """A plan's number; equal ones have the same."""
        key = (metrics, rules)
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self._known)
            self._metrics.add(metrics)
            self._rules.add(rules)
            self._fresh = None
        return number

    @property
    def full(self) -> bool:
        """Whether there are so many that they had better be met anew."""
        return len(self._known) > MOST

    def taken(self) -> Plans | None:
        """All of them, or None when there are no more than there were when this was last asked."""
        if self._fresh is not None:
            return None
        self._fresh = Plans(*self._metrics.arrays, *self._rules.arrays)
        return self._fresh


class _Runs:
    """Lists in a row, with room for more."""

    def __init__(self) -> None:
        self._starts: Ints = np.zeros(256, dtype=np.int64)
        self._items: Ints = np.zeros(1_024, dtype=np.int64)
        self._count = self._end = 0

    @property
    def arrays(self) -> tuple[Ints, Ints]:
        """Where each list begins (one more, the end), and all items."""
        return self._starts, self._items

    def add(self, items: Sequence[int]) -> None:
        """Add a list."""
        end = self._end + len(items)
        if end > len(self._items):
            self._items = np.concatenate((self._items, np.zeros(end, dtype=np.int64)))
        if self._count + 2 > len(self._starts):
            self._starts = np.concatenate((self._starts, np.zeros_like(self._starts)))
        self._items[self._end : end] = items
        self._count, self._end = self._count + 1, end
        self._starts[self._count] = end
