"""Settings of workflows."""

from __future__ import annotations

import msgspec


class ActSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How workflows run: `act_batch` is how many signals, and how many due steps, one transaction takes at most."""

    act_batch: int = 500
