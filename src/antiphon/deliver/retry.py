"""When a deferred message is tried again."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.model.clock import HOUR, MINUTE

DELAYS = (1 * MINUTE, 5 * MINUTE, 15 * MINUTE, 1 * HOUR, 4 * HOUR)
"""Delay (ms) before each further attempt; the last one repeats."""

JITTER = 0.2
EXPIRY = {"behavioural": 24 * HOUR, "transactional": 72 * HOUR}
"""How long (ms) after its creation a message is still tried."""


def next_attempt(attempts: int, now: int, random: Callable[[], float]) -> int:
    """When (ms) to try again after `attempts` attempts: 1m 5m 15m 1h 4h, each +-20 %; `random` gives 0..1."""
    delay = DELAYS[min(attempts, len(DELAYS)) - 1]
    return now + round(delay * (1 + JITTER * (2 * random() - 1)))


def expired(lane: str, created_at: int, now: int) -> bool:
    """Whether a message is too old to be tried again."""
    return now - created_at > EXPIRY[lane]
