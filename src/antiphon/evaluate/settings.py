"""Settings of evaluation."""

from __future__ import annotations

import msgspec


class EvaluateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How evaluation works.

    `evaluate_batch` is how many events a tick takes at most, `hot_subjects` how many subjects' state is kept in
    memory between ticks (about 10 kB each with a hundred rules over sliding windows).
    """

    evaluate_batch: int = 10_000
    hot_subjects: int = 50_000
