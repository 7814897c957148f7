"""Rounds through the places of subjects, and from which log offset on what they store may lack events."""

from __future__ import annotations

from collections import deque

from antiphon.store.states import PLACES


class Rounds:
    """Up to which place the round under way is, and by which log offset the one before was there.

    Who is behind has become so after the round before came by, so a start replays from `stored_from` on (None: not known yet).
    """

    def __init__(self) -> None:
        """The first round begins."""
        self.stored_from: int | None = None
        self.passed = 0
        self._now, self._before = (
            deque[tuple[int, int]](),
            deque[tuple[int, int]](),
        )  # up to which place, by which offset

    def go_on(self, place: int, end: int) -> None:
        """Pass all up to `place`, stored as they are after the events before log offset `end`."""
        self.passed = place
        self._now.append((place, end))
        while self._before and self._before[0][0] <= place:
            self._before.popleft()
        if place == PLACES:
            self._before, self._now, self.passed = self._now, deque(), 0
        if self._before:
            self.stored_from = self._before[0][1]
