"""Rounds through the slots of subjects, and from which log offset on what they store may lack events."""

from __future__ import annotations

from collections import deque


class Rounds:
    """Where the round under way is, and by which log offset the one before was there.

    Who is behind has become so after the round before came by, so a start replays from `stored_from` on (None: not known yet).
    """

    def __init__(self) -> None:
        """The first round begins."""
        self.stored_from: int | None = None
        self._passed = 0
        self._now, self._before = deque[tuple[int, int]](), deque[tuple[int, int]]()  # how far, by which offset
        self._began_at: int | None = None  # by which offset; None: the first round is under way

    def go_on(self, most: int, count: int, end: int) -> tuple[int, int]:
        """Pass the next `most` of `count` slots, to be stored as they are after the events before log offset `end`: from, up to."""
        first, passed = self._passed, min(self._passed + most, count)
        self._passed = passed
        self._now.append((passed, end))
        while self._before and self._before[0][0] <= passed:
            self._before.popleft()
        if passed == count:
            self._before, self._now, self._passed = self._now, deque(), 0
            self._began_at = end
        if self._began_at is not None:  # slots beyond where the round before ended have come since this one began
            self.stored_from = self._before[0][1] if self._before else self._began_at
        return first, passed
