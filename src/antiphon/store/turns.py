"""A lock that is taken in the order in which threads came for it."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class Turns:
    """Use as a context manager, like `threading.Lock`.

    That one goes to whoever asks first after its release, which is the thread that has just released it and comes back
    at once: a stage with much to do would then keep all others waiting until it had nothing left.
    """

    def __init__(self) -> None:
        """Nobody holds it."""
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return len(self._waiting)

    def __enter__(self) -> None:
        """Wait for the turn."""
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()  # whoever leaves hands it over by releasing this

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand over to who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
