"""Running workflows: published versions, enrollments under way, step runs, and putting messages into the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Integer, and_, bindparam, func, select

from antiphon.store import tables as t
from antiphon.store.dialect import INSERTS, as_json, chunks, insert_new_rows, update_rows
from antiphon.store.program import RULES_CHANGED

# made once: to make a statement takes longer than to run it
_TRAITS = select(t.profiles.c.id, t.profiles.c.traits).where(
    t.profiles.c.kind == "user", t.profiles.c.id.in_(bindparam("user_ids", expanding=True))
)
_ENTERED = select(t.enrollments.c.workflow_id, t.enrollments.c.user_id).where(
    t.enrollments.c.workflow_id == bindparam("the_workflow"),
    t.enrollments.c.user_id.in_(bindparam("user_ids", expanding=True)),
)
_CHANGES = ("status", "step_id", "visit", "due_at", "finished_at", "reason")
_MESSAGE = tuple(column.name for column in t.messages.c if column.name not in {"id", "variables"})

_RULES_CHANGED = select(t.counters.c.value).where(t.counters.c.name == RULES_CHANGED)
_WORKFLOWS_CHANGED = select(
    func.count(), func.coalesce(func.sum(t.workflows.c.revision), 0),
    func.coalesce(func.sum(t.workflows.c.published_version), 0), func.coalesce(func.max(t.workflows.c.updated_at), 0),
)  # fmt: skip
_RUNNING = and_(
    t.enrollments.c.status == "active", t.enrollments.c.workflow_id.not_in(bindparam("held", expanding=True))
)
_DUE = (
    select(t.enrollments)
    .where(_RUNNING, t.enrollments.c.due_at <= bindparam("now"))
    .order_by(t.enrollments.c.due_at)
    .limit(bindparam("most", type_=Integer))
)
_NEXT_DUE = select(func.min(t.enrollments.c.due_at)).where(_RUNNING)


class PublishedWorkflow(msgspec.Struct, frozen=True):
    """A version of a workflow that is in force (`active`), or that people are still in."""

    workflow_id: int
    version: int
    name: str
    status: str
    definition: dict[str, Any]


class Enrollment(msgspec.Struct):
    """Somebody's way through a workflow version; times in ms.

    `step_id` is the step to run next, at `due_at`; `visit` counts how often that step was reached.
    `context` holds what triggered it: {"event": {...}} and the like, for templates.
    """

    id: int
    workflow_id: int
    version: int
    user_id: str
    trigger_key: str
    status: str
    step_id: str | None
    visit: int
    due_at: int | None
    context: dict[str, Any]
    caused_at: int | None
    created_at: int
    finished_at: int | None = None
    reason: str | None = None


class StepRun(msgspec.Struct, frozen=True):
    """That a step ran at `at` (ms), and how it ended: a row of `step_runs`."""

    enrollment_id: int
    step_id: str
    visit: int
    kind: str
    outcome: str
    reason: str | None
    at: int


def published(conn: Connection) -> list[PublishedWorkflow]:
    """The published versions of the workflows that are active or paused."""
    rows = conn.execute(
        select(
            t.workflows.c.id, t.workflows.c.published_version, t.workflows.c.name, t.workflows.c.status,
            t.workflow_versions.c.definition,
        )
        .join(
            t.workflow_versions,
            (t.workflow_versions.c.workflow_id == t.workflows.c.id)
            & (t.workflow_versions.c.version == t.workflows.c.published_version),
        )
        .where(t.workflows.c.status.in_(("active", "paused")))
        .order_by(t.workflows.c.id)
    )  # fmt: skip
    return [PublishedWorkflow(*row) for row in rows]


def workflow_version(conn: Connection, workflow_id: int, version: int) -> PublishedWorkflow | None:
    """One version of a workflow, whatever became of the workflow since."""
    row = conn.execute(
        select(
            t.workflows.c.id, t.workflow_versions.c.version, t.workflows.c.name, t.workflows.c.status,
            t.workflow_versions.c.definition,
        )
        .join(t.workflows, t.workflows.c.id == t.workflow_versions.c.workflow_id)
        .where(t.workflow_versions.c.workflow_id == workflow_id, t.workflow_versions.c.version == version)
    ).one_or_none()  # fmt: skip
    return PublishedWorkflow(*row) if row else None


def fingerprint(conn: Connection) -> tuple[int, ...]:
    """Changes whenever a rule or a workflow does."""
    changes = conn.execute(_RULES_CHANGED).scalar_one_or_none()
    return (changes or 0, *conn.execute(_WORKFLOWS_CHANGED).one())


def enrolled_before(conn: Connection, workflow_id: int, user_ids: Iterable[str]) -> set[str]:
    """Which of these users ever were in the workflow."""
    return {
        row.user_id
        for chunk in chunks(sorted(set(user_ids)))
        for row in conn.execute(_ENTERED, {"the_workflow": workflow_id, "user_ids": chunk})
    }


def enroll(conn: Connection, enrollments: Sequence[Enrollment]) -> list[Enrollment]:
    """Store new enrollments and set their ids; those are left out whose trigger has enrolled the user already."""
    if not enrollments:
        return []
    rows = [msgspec.structs.asdict(enrollment) for enrollment in enrollments]
    for row in rows:
        del row["id"]
    found = conn.execute(_enrolling(conn.dialect.name), rows)
    ids = {(row.workflow_id, row.user_id, row.trigger_key): row.id for row in found}
    new: list[Enrollment] = []
    for enrollment in enrollments:
        new_id = ids.pop((enrollment.workflow_id, enrollment.user_id, enrollment.trigger_key), None)
        if new_id is not None:
            enrollment.id = new_id
            new.append(enrollment)
    return new


@cache
def _enrolling(dialect: str) -> Any:
    """The statement, made once."""
    c = t.enrollments.c
    returned = (c.id, c.workflow_id, c.user_id, c.trigger_key)
    return INSERTS[dialect](t.enrollments).on_conflict_do_nothing().returning(*returned)


def due_enrollments(conn: Connection, now: int, limit: int, held: Sequence[int]) -> list[Enrollment]:
    """Active enrollments whose next step's time has come, but for those of `held` (paused) workflows."""
    rows = conn.execute(_DUE, {"now": now, "held": list(held), "most": limit})
    return [Enrollment(**row) for row in rows.mappings()]


def next_enrollment_due(conn: Connection, held: Sequence[int]) -> int | None:
    """When the next step of anybody is due (ms), or None."""
    return conn.execute(_NEXT_DUE, {"held": list(held)}).scalar_one()


def save_enrollments(conn: Connection, enrollments: Iterable[Enrollment]) -> None:
    """Write where people are now."""
    rows = [(*[getattr(enrollment, name) for name in _CHANGES], enrollment.id) for enrollment in enrollments]
    update_rows(conn, t.enrollments, _CHANGES, rows)


def record_steps(conn: Connection, runs: Sequence[StepRun]) -> None:
    """Record which steps ran; a visit of a step is recorded once."""
    insert_new_rows(conn, t.step_runs, StepRun.__struct_fields__, [msgspec.structs.astuple(run) for run in runs])


def traits(conn: Connection, user_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The traits of those of these users whom there are."""
    return {
        row.id: row.traits
        for chunk in chunks(sorted(set(user_ids)))
        for row in conn.execute(_TRAITS, {"user_ids": chunk})
    }


def put_in_outbox(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Queue messages, each made by `outbox_row`, but for those whose idempotency key is there already."""
    values = [(*[row[name] for name in _MESSAGE], as_json(row["variables"])) for row in rows]
    insert_new_rows(conn, t.messages, (*_MESSAGE, "variables"), values)


def outbox_row(**values: Any) -> dict[str, Any]:
    """A row of `messages` with what a new one always has."""
    row: dict[str, Any] = {
        "lane": "behavioural", "channel": "email", "recipient": None, "template_version": None, "workflow_id": None,
        "enrollment_id": None, "step_id": None, "rule_id": None, "variables": {}, "status": "queued", "reason": None,
        "detail": None, "provider": None, "message_id": None, "subject": None, "attempts": 0,
        "caused_at": None, "sent_at": None,
    }  # fmt: skip
    return row | values
