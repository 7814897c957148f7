"""The stage: signals to enrollments to steps to the outbox, each batch one transaction with its cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from antiphon.act.settings import ActSettings
from antiphon.act.steps import RUNNERS
from antiphon.act.steps.contract import Batch, StepResult
from antiphon.act.workflows import Plan, Workflows
from antiphon.model.clock import Clock
from antiphon.model.signal import Signal
from antiphon.model.workflow import Step
from antiphon.store import signals as signal_store
from antiphon.store import workflow_runs as store
from antiphon.store.engine import Connection, Database
from antiphon.store.lease import Guard
from antiphon.store.wake import Topic
from antiphon.store.workflow_runs import Enrollment

CURSOR = "act"


class Progress(msgspec.Struct, frozen=True):
    """What a tick did: whether more waits right now, when the next step is due (ms), whether mail was queued."""

    more: bool
    next_due: int | None
    worked: int


class Actor:
    """Runs workflows. One instance a workspace; `tick` is called from one thread."""

    def __init__(
        self, state: Database, clock: Clock, settings: ActSettings, notify: Callable[[Topic], None], guard: Guard
    ) -> None:
        """Work on `state`; `notify("outbox")` is called after each commit that may have queued a message.

        `guard` refuses a transaction once another worker has taken over.
        """
        self._state = state
        self._clock = clock
        self._settings = settings
        self._notify = notify
        self._guard = guard
        self._workflows = Workflows()

    def tick(self) -> Progress:
        """Take in the next signals and run the steps that are due; one transaction each.

        Raises whatever the database raises; nothing is half-done then, and the next tick tries again.
        """
        now = self._clock()
        with self._state.write() as conn:
            self._guard(conn)
            self._workflows.refresh(conn)
            started, more = self._take_signals(conn, now)
            self._run(conn, started, now)
        with self._state.write() as conn:
            self._guard(conn)
            held = self._workflows.held
            due = store.due_enrollments(conn, now, self._settings.act_batch, held)
            self._run(conn, due, now)
            next_due = store.next_enrollment_due(conn, held)
        if started or due:
            self._notify("outbox")
        return Progress(more or len(due) == self._settings.act_batch, next_due, len(started) + len(due))

    def _take_signals(self, conn: Connection, now: int) -> tuple[list[Enrollment], bool]:
        position = signal_store.cursor(conn, CURSOR)
        signals = signal_store.read_signals(conn, position, self._settings.act_batch)
        if not signals:
            return [], False
        started = self._enroll(conn, signals, now)
        signal_store.set_cursor(conn, CURSOR, signals[-1].seq + 1)
        return started, len(signals) == self._settings.act_batch

    def _enroll(self, conn: Connection, signals: Sequence[Signal], now: int) -> list[Enrollment]:
        """Who comes into a workflow by these signals."""
        wanted = [
            (plan, signal)
            for signal in signals
            if not signal.quiet and signal.subject_kind == "user"
            for plan in self._workflows.triggered_by(signal)
        ]
        once: dict[int, list[str]] = {}
        for plan, signal in wanted:
            if plan.definition.entry.reentry == "once":
                once.setdefault(plan.workflow_id, []).append(signal.subject_id)
        before = {workflow: store.enrolled_before(conn, workflow, users) for workflow, users in once.items()}
        enrollments: list[Enrollment] = []
        for plan, signal in wanted:
            entered = before.get(plan.workflow_id)
            if entered is not None:
                if signal.subject_id in entered:
                    continue
                entered.add(signal.subject_id)
            enrollments.append(_enrollment(plan, signal, now))
        return store.enroll(conn, enrollments)

    def _run(self, conn: Connection, enrollments: Sequence[Enrollment], now: int) -> None:
        """Run people's steps until one waits or the workflow ends; a person stays on the version they entered."""
        running = [enrollment for enrollment in enrollments if enrollment.workflow_id not in self._workflows.held]
        batch = Batch(conn, running, now)
        for enrollment in running:
            self._go(batch, self._workflows.plan(conn, enrollment.workflow_id, enrollment.version), enrollment)
        batch.write()

    @staticmethod
    def _go(batch: Batch, plan: Plan, enrollment: Enrollment) -> None:
        now = batch.now
        while enrollment.step_id is not None:
            step = plan.step(enrollment.step_id)
            result = (
                RUNNERS[type(step)](batch, step, enrollment)
                if step is not None
                else StepResult("failed", "the step is gone", finish="failed")
            )
            batch.ran(enrollment, enrollment.step_id, _kind(step), result)
            following = plan.after(enrollment.step_id)
            if result.finish is not None or following is None:
                enrollment.status = "completed" if result.outcome != "failed" else "failed"
                enrollment.reason = result.finish or ("end" if result.resume_at is None else "end after waiting")
                enrollment.step_id, enrollment.due_at, enrollment.finished_at = None, None, now
                break
            enrollment.step_id = following
            if result.resume_at is not None:
                enrollment.due_at = result.resume_at
                if result.resume_at > now:
                    break
        else:
            enrollment.status, enrollment.reason = "completed", "end"
            enrollment.due_at, enrollment.finished_at = None, now


def _enrollment(plan: Plan, signal: Signal, now: int) -> Enrollment:
    return Enrollment(
        id=0,  # given when it is stored
        workflow_id=plan.workflow_id,
        version=plan.version,
        user_id=signal.subject_id,
        trigger_key=trigger_key(signal),
        status="active",
        step_id=plan.definition.steps[0].id if plan.definition.steps else None,
        visit=1,
        due_at=now,
        context=_context(signal),
        caused_at=signal.caused_at,
        created_at=now,
    )


def trigger_key(signal: Signal) -> str:
    """What a signal enrolls for, once: an episode of a segment, or an event."""
    if signal.kind == "event":
        return f"event:{signal.event_id}"
    return f"{signal.kind}:{signal.rule_id}:{signal.episode}"


def _kind(step: Step | None) -> str:
    return type(step).__struct_config__.tag if step is not None else "gone"  # pyright: ignore[reportReturnType]


def _context(signal: Signal) -> dict[str, object]:
    """What the workflow's templates can see of what triggered it."""
    context: dict[str, object] = {"triggered_at": signal.at}
    if signal.rule_id is not None:
        context["rule_id"] = signal.rule_id
    if signal.event is not None:
        context["event"] = signal.event
    return context
