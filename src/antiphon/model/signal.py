"""Signals: what evaluation hands to workflows, through a table."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from antiphon.model.subject import SubjectKind

SignalKind = Literal["entered", "left", "event"]


class Signal(msgspec.Struct, kw_only=True):
    """Somebody entered or left a segment, or an event arrived that a workflow waits for.

    `seq` orders signals (0 until stored). `rule_id` is set for entered and left, `watch` (see `WatchSpec`) for event.
    `episode` counts a subject's stays in the segment from 1. `at` is when it became true, `caused_at` when the
    request that caused it was received (None when a timer did), both in ms. `event` is the event as JSON values.
    `quiet` signals are recorded without messaging anyone (a backfill, an import).
    """

    kind: SignalKind
    subject_kind: SubjectKind
    subject_id: str
    at: int
    rule_id: int | None = None
    watch: str | None = None
    episode: int = 0
    event_id: str | None = None
    event: dict[str, Any] | None = None
    caused_at: int | None = None
    quiet: bool = False
    seq: int = 0
