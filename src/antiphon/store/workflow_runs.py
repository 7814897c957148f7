"""Running workflows: published versions, enrollments under way, step runs, and putting messages into the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Integer, and_, bindparam, func, select, update

from antiphon.store import tables as t
from antiphon.store.dialect import insert_new
from antiphon.store.program import RULES_CHANGED

# made once: to make a statement takes longer than to run it
_SAVE = (
    update(t.enrollments)
    .where(t.enrollments.c.id == bindparam("key"))
    .values({column.name: bindparam(column.name) for column in t.enrollments.c if column.name != "id"})
)
_TRAITS = select(t.profiles.c.traits).where(t.profiles.c.kind == "user", t.profiles.c.id == bindparam("user_id"))

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


def enrolled_before(conn: Connection, workflow_id: int, user_id: str) -> bool:
    """Whether the user ever was in the workflow."""
    found = conn.execute(
        select(t.enrollments.c.id)
        .where(t.enrollments.c.workflow_id == workflow_id, t.enrollments.c.user_id == user_id)
        .limit(1)
    ).first()
    return found is not None


def enroll(conn: Connection, enrollment: Enrollment) -> bool:
    """Store a new enrollment and set its id; False when this trigger has enrolled the user already."""
    row = msgspec.structs.asdict(enrollment)
    del row["id"]
    new_id = insert_new(conn, t.enrollments, row)
    if new_id is None:
        return False
    enrollment.id = new_id
    return True


def due_enrollments(conn: Connection, now: int, limit: int, held: Sequence[int]) -> list[Enrollment]:
    """Active enrollments whose next step's time has come, but for those of `held` (paused) workflows."""
    rows = conn.execute(_DUE, {"now": now, "held": list(held), "most": limit})
    return [Enrollment(**row) for row in rows.mappings()]


def next_enrollment_due(conn: Connection, held: Sequence[int]) -> int | None:
    """When the next step of anybody is due (ms), or None."""
    return conn.execute(_NEXT_DUE, {"held": list(held)}).scalar_one()


def save_enrollment(conn: Connection, enrollment: Enrollment) -> None:
    """Write where somebody is now."""
    row = msgspec.structs.asdict(enrollment)
    row["key"] = row.pop("id")
    conn.execute(_SAVE, row)


def record_step(
    conn: Connection, enrollment: Enrollment, step_id: str, kind: str, outcome: str, reason: str | None, now: int
) -> bool:
    """Record that a step ran; False when this visit of it was recorded before (it must not run again)."""
    row = {
        "enrollment_id": enrollment.id, "step_id": step_id, "visit": enrollment.visit, "kind": kind,
        "outcome": outcome, "reason": reason, "at": now,
    }  # fmt: skip
    return insert_new(conn, t.step_runs, row) is not None


def profile(conn: Connection, user_id: str) -> dict[str, Any] | None:
    """The traits of a user, or None when there is no such user."""
    return conn.execute(_TRAITS, {"user_id": user_id}).scalar_one_or_none()


def put_in_outbox(conn: Connection, row: dict[str, Any]) -> int | None:
    """Queue a message; None when its idempotency key is there already."""
    return insert_new(conn, t.messages, row)


def outbox_row(**values: Any) -> dict[str, Any]:
    """A row of `messages` with what a new one always has."""
    row: dict[str, Any] = {
        "lane": "behavioural", "channel": "email", "recipient": None, "template_version": None, "workflow_id": None,
        "enrollment_id": None, "step_id": None, "rule_id": None, "variables": {}, "status": "queued", "reason": None,
        "detail": None, "provider": None, "message_id": None, "subject": None, "attempts": 0,
        "caused_at": None, "sent_at": None,
    }  # fmt: skip
    return row | values
