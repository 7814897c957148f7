"""Settings of history."""

from __future__ import annotations

import msgspec


class MeasureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How history is written: `history_interval_s` is how long (s) an accepted event waits for its file at most.

    `log_keep_s` is how long (s) events stay in the log after they are in history, for the live view.
    """

    history_interval_s: float = 1.0
    log_keep_s: float = 3600.0
