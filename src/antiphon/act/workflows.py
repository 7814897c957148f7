"""The published workflows, read again only when something about them changed."""

from __future__ import annotations

import msgspec

from antiphon.model.signal import Signal
from antiphon.model.workflow import EntersTrigger, EventTrigger, LeavesTrigger, Step, WorkflowDefinition
from antiphon.store import workflow_runs as store
from antiphon.store.engine import Connection
from antiphon.store.workflow_runs import PublishedWorkflow


class Plan(msgspec.Struct, frozen=True):
    """A version of a workflow, ready to run."""

    workflow_id: int
    version: int
    definition: WorkflowDefinition

    def step(self, step_id: str) -> Step | None:
        """The step of that id."""
        return next((step for step in self.definition.steps if step.id == step_id), None)

    def after(self, step_id: str) -> str | None:
        """The id of the step that follows, None at the end."""
        ids = [step.id for step in self.definition.steps]
        position = ids.index(step_id) + 1 if step_id in ids else len(ids)
        return ids[position] if position < len(ids) else None


class Workflows:
    """Published workflows by what triggers them, and every version that somebody is still in."""

    def __init__(self) -> None:
        """Start empty; `refresh` reads."""
        self._fingerprint: tuple[int, ...] | None = None
        self._by_trigger: dict[str, list[Plan]] = {}
        self._versions: dict[tuple[int, int], Plan] = {}
        self.held: list[int] = []

    def refresh(self, conn: Connection) -> None:
        """Read the workflows again if any rule or workflow changed since."""
        fingerprint = store.fingerprint(conn)
        if fingerprint == self._fingerprint:
            return
        self._by_trigger.clear()
        published = store.published(conn)
        self.held = [row.workflow_id for row in published if row.status == "paused"]
        for row in published:
            plan = _plan(row)
            self._versions[row.workflow_id, row.version] = plan
            if row.status == "active":
                self._by_trigger.setdefault(_trigger_of(plan), []).append(plan)
        self._fingerprint = fingerprint

    def triggered_by(self, signal: Signal) -> list[Plan]:
        """The active workflows that a signal starts."""
        name = f"watch:{signal.watch}" if signal.kind == "event" else f"{signal.kind}:{signal.rule_id}"
        return self._by_trigger.get(name, [])

    def plan(self, conn: Connection, workflow_id: int, version: int) -> Plan:
        """A version that somebody is in, whether or not it is still the published one."""
        plan = self._versions.get((workflow_id, version))
        if plan is None:
            row = store.workflow_version(conn, workflow_id, version)
            if row is None:
                message = f"workflow {workflow_id} has no version {version} though somebody is in it"
                raise LookupError(message)
            plan = self._versions[workflow_id, version] = _plan(row)
        return plan


def _plan(row: PublishedWorkflow) -> Plan:
    return Plan(row.workflow_id, row.version, msgspec.convert(row.definition, WorkflowDefinition))


def _trigger_of(plan: Plan) -> str:
    match plan.definition.trigger:
        case EntersTrigger(rule_id=rule_id):
            return f"entered:{rule_id}"
        case LeavesTrigger(rule_id=rule_id):
            return f"left:{rule_id}"
        case EventTrigger():
            return f"watch:workflow:{plan.workflow_id}:{plan.version}"
        case None:
            return "never"
