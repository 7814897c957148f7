"""Settings of evaluation."""

from __future__ import annotations

import msgspec


class EvaluateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How evaluation works.

    `evaluate_batch` is how many events a tick takes at most, `hot_subjects` how many subjects' state is kept in
    memory between ticks (about 1 kB each with a hundred rules). `replay_events` is how many events a start after a crash
    replays at most: state is stored behind, and at the latest then. New rules are filled
    within one tick while the log has at most `fill_within` events, else beside evaluation, a slice at each tick.
    """

    evaluate_batch: int = 10_000
    hot_subjects: int = 1_000_000
    replay_events: int = 4_000_000
    fill_within: int = 20_000
