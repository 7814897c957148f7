"""One file a workflow step; a new step is a file here and a line in `STEPS`."""

from __future__ import annotations

from antiphon.act.steps import exit as exit_step
from antiphon.act.steps import send, wait
from antiphon.act.steps.contract import Runner

STEPS: tuple[tuple[type, Runner], ...] = (
    (wait.WaitStep, wait.run),
    (send.SendStep, send.run),
    (exit_step.ExitStep, exit_step.run),
)
"""Which function runs which step."""

RUNNERS: dict[type, Runner] = dict(STEPS)
