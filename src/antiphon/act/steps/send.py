"""Send a message: put it into the outbox."""

from __future__ import annotations

import hashlib

from antiphon.act.steps.contract import Batch, StepResult
from antiphon.model.workflow import SendStep
from antiphon.store.workflow_runs import Enrollment


def run(batch: Batch, step: SendStep, enrollment: Enrollment) -> StepResult:
    """Queue the message; skipped with a reason when there is nobody to reach.

    The recipient is the `email` trait at this moment. Whether the address is suppressed is asked later, in the
    transaction that hands the message over.
    """
    address = (batch.traits(enrollment.user_id) or {}).get("email")
    if not isinstance(address, str) or "@" not in address:
        return StepResult("skipped", "no_address")
    if step.template_id is None:
        return StepResult("skipped", "no_template")
    batch.queue(
        idempotency_key=idempotency_key(enrollment, step, address),
        channel=step.channel,
        user_id=enrollment.user_id,
        recipient=address,
        template_id=step.template_id,
        workflow_id=enrollment.workflow_id,
        enrollment_id=enrollment.id,
        step_id=step.id,
        rule_id=enrollment.context.get("rule_id"),
        variables={**enrollment.context, **step.variables},
        caused_at=enrollment.caused_at,
    )
    return StepResult()


def idempotency_key(enrollment: Enrollment, step: SendStep, recipient: str) -> str:
    """The same for every attempt at this very message: hash of enrollment, step, visit, channel and recipient."""
    parts = (str(enrollment.id), step.id, str(enrollment.visit), step.channel, recipient.lower())
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=20).hexdigest()
