"""Leave the workflow."""

from __future__ import annotations

from antiphon.act.steps.contract import Batch, StepResult
from antiphon.model.workflow import ExitStep
from antiphon.store.workflow_runs import Enrollment


def run(batch: Batch, step: ExitStep, enrollment: Enrollment) -> StepResult:
    """End the enrollment here."""
    del batch, step, enrollment
    return StepResult(finish="exit step")
