"""Settings of delivery."""

from __future__ import annotations

import msgspec


class DeliverSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How messages leave: `deliver_batch` is how many are claimed at once, `deliver_concurrency` how many at a time."""

    deliver_batch: int = 100
    deliver_concurrency: int = 64
