"""Message ids: unique without a lock and without a system call each."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable


class Ids:
    """Gives `<96 random bits, once a process>-<counter>`; the server keeps one event of each id."""

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        """`entropy(n)` gives n random bytes."""
        self._entropy = entropy
        self.reset()

    def reset(self) -> None:
        """New random bits: in a forked child, which would count on from the same number."""
        self._prefix = self._entropy(12).hex()
        self._next = itertools.count(1).__next__

    def __call__(self) -> str:
        """The next id."""
        return f"{self._prefix}-{self._next()}"
