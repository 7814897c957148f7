"""Putting what a plan asks for in force on the store of a replay, as on a live server at the start of the period."""

from __future__ import annotations

import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EntersTrigger, LeavesTrigger, SendStep, WorkflowDefinition
from antiphon.rules import formula, tree
from antiphon.rules.formula_text import render_formula
from antiphon.rules.render import render
from antiphon.runtime.backtest.plan import Plan
from antiphon.store.computed_traits import create_computed_trait
from antiphon.store.engine import Connection
from antiphon.store.rules import create_rule
from antiphon.store.workflows import create_workflow, publish_workflow

ANY_TEMPLATE = 1


def add_rules(conn: Connection, plan: Plan) -> int | None:
    """Switch on the rules and the computed traits that they read; the id of the rule itself, None when an event starts the workflow."""
    for (kind, name), wanted in plan.computed.items():
        create_computed_trait(
            conn,
            subject_kind=kind,
            name=name,
            description="",
            text=render_formula(wanted),
            formula=formula.encode(wanted),
            now=plan.since,
        )
    for name, (kind, rule) in plan.segments.items():
        _add_rule(conn, name, kind, rule, plan.since)
    return None if plan.rule is None else _add_rule(conn, plan.name, plan.subject, plan.rule, plan.since)


def _add_rule(conn: Connection, name: str, kind: SubjectKind, rule: tree.Tree, now: int) -> int:
    made = create_rule(
        conn,
        name=name,
        description="",
        subject_kind=kind,
        text=render(rule),
        tree=tree.encode(rule),
        status="active",
        now=now,
    )
    return made.id


def add_workflow(conn: Connection, plan: Plan, rule_id: int | None) -> None:
    """Publish the workflow, if there is one."""
    if plan.workflow is None:
        return
    definition = _runnable(plan.workflow, rule_id)
    workflow = create_workflow(conn, name=plan.name, definition=definition, now=plan.since)
    publish_workflow(conn, workflow.id, revision=workflow.revision, now=plan.since)


def _runnable(definition: WorkflowDefinition, rule_id: int | None) -> WorkflowDefinition:
    """The workflow, started by the rule as it is numbered here; a step that names no template sends any."""
    trigger = definition.trigger or EntersTrigger()
    if isinstance(trigger, EntersTrigger | LeavesTrigger):
        trigger = msgspec.structs.replace(trigger, rule_id=rule_id)
    steps = [
        msgspec.structs.replace(step, template_id=ANY_TEMPLATE)
        if isinstance(step, SendStep) and step.template_id is None
        else step
        for step in definition.steps
    ]
    return msgspec.structs.replace(definition, trigger=trigger, steps=steps)
