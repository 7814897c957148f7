"""What a step is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from antiphon.store.engine import Connection
from antiphon.store.workflow_runs import Enrollment


class StepResult(msgspec.Struct, frozen=True):
    """How a step ended.

    `resume_at` (ms) makes the enrollment wait before its next step; `finish` ends it with this reason.
    """

    outcome: Literal["done", "skipped", "failed"] = "done"
    reason: str | None = None
    resume_at: int | None = None
    finish: str | None = None


Runner = Callable[[Connection, Any, Enrollment, int], StepResult]
"""`run(conn, step, enrollment, now)`: does the step's work inside the caller's transaction; raises nothing expected."""
