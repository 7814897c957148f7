"""When to try again."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

RETRY_AFTER_MOST = 300.0
"""Seconds: what a server may ask for at most; a typo on its side must not silence the client for a day."""


def retriable(status: int) -> bool:
    """Whether the same request may succeed later: timeouts, rate limits and trouble on the server's side."""
    return status in {408, 429} or status >= 500  # noqa: PLR2004 - HTTP's own classes


def backoff(attempt: int, base: float, most: float, random: Callable[[], float]) -> float:
    """Seconds to wait after the `attempt`-th failure (from 0): full jitter below base * 2^attempt, at most `most`."""
    return random() * min(most, base * 2.0 ** min(attempt, 30))


def retry_after(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a Retry-After header asks for (a number or an HTTP date); None when there is none to read."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now()
        except ValueError:
            return None
        except TypeError:  # Python 3.9 says it this way
            return None
    if seconds != seconds:  # noqa: PLR0124 - not a number
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MOST)
