"""Workflows over a past: the same enrolling and the same steps as live, for signals that are handed over one by one.

Everything happens in one transaction of the caller's, and who waits is kept in memory, so that an instant costs what is done at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from antiphon.act.stage import Actor
from antiphon.model.signal import Signal
from antiphon.store.engine import Connection
from antiphon.store.workflow_runs import Enrollment


class PastActor(Actor):
    """An actor that is told what happens, and when; no workflow may change meanwhile. It is not ticked."""

    def begin(self, conn: Connection) -> None:
        """Read the workflows that are in force."""
        self._workflows.refresh(conn)
        self._waiting: list[tuple[int, int, Enrollment]] = []

    @property
    def next_due(self) -> int | None:
        """When the next step of anybody is due (ms), or None."""
        return self._waiting[0][0] if self._waiting else None

    def hear(self, conn: Connection, signal: Signal, now: int) -> None:
        """Enroll whom a signal enrolls at `now` (ms), and run steps until one waits."""
        self._go_on(conn, self._enroll(conn, [signal], now), now)

    def wake(self, conn: Connection, now: int) -> None:
        """Run the steps that are due at `now` (ms)."""
        while self._waiting and self._waiting[0][0] <= now:
            self._go_on(conn, [heappop(self._waiting)[2]], now)

    def _go_on(self, conn: Connection, enrollments: Sequence[Enrollment], now: int) -> None:
        self._run(conn, enrollments, now)
        for enrollment in enrollments:
            if enrollment.due_at is not None:
                heappush(self._waiting, (enrollment.due_at, enrollment.id, enrollment))
