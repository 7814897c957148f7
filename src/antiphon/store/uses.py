"""What hangs on what: the workflows that a rule starts, or that send a template."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select

from antiphon.model.workflow import EntersTrigger, LeavesTrigger, SendStep, WorkflowDefinition
from antiphon.store.tables import workflow_versions, workflows


class Use(msgspec.Struct, kw_only=True, frozen=True):
    """A workflow that would miss the thing."""

    id: int
    name: str


def workflows_with_rule(conn: Connection, rule_id: int) -> list[Use]:
    """Workflows in force (active) that the rule starts."""
    return [use for use, definition in _in_force(conn, ("active",)) if _trigger_rule(definition) == rule_id]


def workflows_started_by(conn: Connection, rule_id: int) -> list[Use]:
    """Workflows, active or paused, that the rule starts."""
    in_force = _in_force(conn, ("active", "paused"))
    return [use for use, definition in in_force if _trigger_rule(definition) == rule_id]


def workflows_with_template(conn: Connection, template_id: int) -> list[Use]:
    """Workflows, active or paused, of which some version sends the template: people may be in any of them."""
    found: dict[int, Use] = {}
    for use, definition in _in_force(conn, ("active", "paused"), every_version=True):
        if any(isinstance(step, SendStep) and step.template_id == template_id for step in definition.steps):
            found[use.id] = use
    return list(found.values())


def _trigger_rule(definition: WorkflowDefinition) -> int | None:
    trigger = definition.trigger
    return trigger.rule_id if isinstance(trigger, EntersTrigger | LeavesTrigger) else None


def _in_force(
    conn: Connection, statuses: tuple[str, ...], *, every_version: bool = False
) -> list[tuple[Use, WorkflowDefinition]]:
    w, v = workflows, workflow_versions
    newest = v.c.version == w.c.published_version
    of_them = or_(newest, v.c.version < w.c.published_version) if every_version else newest
    query: Any = (
        select(w.c.id, w.c.name, v.c.definition)
        .select_from(w.join(v, v.c.workflow_id == w.c.id))
        .where(w.c.status.in_(statuses), of_them)
        .order_by(w.c.name)
    )
    return [
        (Use(id=row.id, name=row.name), msgspec.convert(row.definition, WorkflowDefinition))
        for row in conn.execute(query)
    ]
