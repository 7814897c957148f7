"""Settings of ingest."""

from __future__ import annotations

import msgspec


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken in, and when it is refused.

    `max_body_bytes` bounds a request, compressed and not; `max_event_bytes` one event's JSON. `body_timeout_s` is how
    long a client may take to send its body. Events older than `lateness_s` (s) at receipt are kept in history and left
    out of evaluation; those more than `ahead_s` (s) ahead are set to the time of receipt. Above `high_water_bytes` of
    events that wait for their commit, or `high_water_events` that wait for evaluation, the answer is 429. It is 503
    while less than `min_free_bytes` or `min_free_ratio` of the disk is free (0 turns either check off).
    """

    max_body_bytes: int = 8 << 20
    max_event_bytes: int = 32 << 10
    body_timeout_s: float = 30.0
    lateness_s: int = 24 * 3600
    ahead_s: int = 300
    high_water_bytes: int = 64 << 20
    high_water_events: int = 5_000_000
    min_free_bytes: int = 1 << 30
    min_free_ratio: float = 0.05
