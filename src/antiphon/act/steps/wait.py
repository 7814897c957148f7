"""Wait for a time."""

from __future__ import annotations

from antiphon.act.steps.contract import Batch, StepResult
from antiphon.model.clock import MINUTE
from antiphon.model.workflow import WaitStep
from antiphon.store.workflow_runs import Enrollment


def run(batch: Batch, step: WaitStep, enrollment: Enrollment) -> StepResult:
    """Resume `step.minutes` after the step was due (not after it happened to run: waits do not add up delays)."""
    start = enrollment.due_at if enrollment.due_at is not None else batch.now
    return StepResult(resume_at=start + step.minutes * MINUTE)
