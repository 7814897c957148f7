"""Time and randomness as parameters, so that tests own them."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives milliseconds since the Unix epoch, UTC."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


def wall_clock() -> int:
    """Now, in ms since the Unix epoch."""
    return time.time_ns() // 1_000_000
