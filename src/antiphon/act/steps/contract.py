"""What a step is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from antiphon.store import workflow_runs as store
from antiphon.store.engine import Connection
from antiphon.store.workflow_runs import Enrollment, StepRun


class StepResult(msgspec.Struct, frozen=True):
    """How a step ended.

    `resume_at` (ms) makes the enrollment wait before its next step; `finish` ends it with this reason.
    """

    outcome: Literal["done", "skipped", "failed"] = "done"
    reason: str | None = None
    resume_at: int | None = None
    finish: str | None = None


class Batch:
    """The steps that run in one transaction at `now` (ms): what they ask, and what they leave, written together."""

    def __init__(self, conn: Connection, enrollments: Sequence[Enrollment], now: int) -> None:
        """Ask nothing yet; `enrollments` are those whose steps will run."""
        self.now = now
        self._conn = conn
        self._enrollments = enrollments
        self._traits: dict[str, dict[str, Any]] | None = None
        self._messages: list[dict[str, Any]] = []
        self._runs: list[StepRun] = []

    def traits(self, user_id: str) -> dict[str, Any] | None:
        """The traits of a user whose steps run, or None when there is no such user."""
        if self._traits is None:
            self._traits = store.traits(self._conn, [enrollment.user_id for enrollment in self._enrollments])
        return self._traits.get(user_id)

    def queue(self, **message: Any) -> None:
        """Have a message put into the outbox: columns of `messages` that are not as in every new one."""
        now = self.now
        self._messages.append(store.outbox_row(due_at=now, created_at=now, updated_at=now, **message))

    def ran(self, enrollment: Enrollment, step_id: str, kind: str, result: StepResult) -> None:
        """Have it recorded that a step has run, and how it ended."""
        run = StepRun(enrollment.id, step_id, enrollment.visit, kind, result.outcome, result.reason, self.now)
        self._runs.append(run)

    def write(self) -> None:
        """Write all of it, and where the people are now."""
        store.record_steps(self._conn, self._runs)
        store.put_in_outbox(self._conn, self._messages)
        store.save_enrollments(self._conn, self._enrollments)


Runner = Callable[[Batch, Any, Enrollment], StepResult]
"""`run(batch, step, enrollment)`: does the step's work as part of the batch; raises nothing expected."""
