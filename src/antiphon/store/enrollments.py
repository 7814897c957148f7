"""Enrollments as the page shows them: who is where in a workflow, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, and_, func, select

from antiphon.store.paging import After, decode, encode
from antiphon.store.rows import to_struct
from antiphon.store.tables import enrollments, messages, profiles

EnrollmentStatus = Literal["active", "completed", "exited", "failed"]


class Enrollment(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody's way through a workflow, with the traits of the user; times in ms since the epoch."""

    id: int
    user_id: str
    traits: dict[str, Any]
    version: int
    status: EnrollmentStatus
    step_id: str | None
    due_at: int | None
    reason: str | None
    created_at: int
    finished_at: int | None


class Enrollments(msgspec.Struct, kw_only=True, frozen=True):
    """A page of enrollments."""

    items: list[Enrollment]
    next_cursor: str | None


class Counts(msgspec.Struct, kw_only=True, frozen=True):
    """A workflow's enrollments by status, and its messages that were sent."""

    active: int = 0
    completed: int = 0
    exited: int = 0
    failed: int = 0
    sent: int = 0


def list_enrollments(
    conn: Connection, workflow_id: int, *, status: EnrollmentStatus | None, limit: int, cursor: str | None
) -> Enrollments:
    """Who is or was in a workflow, the newest first."""
    e = enrollments
    user = and_(profiles.c.kind == "user", profiles.c.id == e.c.user_id)
    query = (
        select(*(e.c[n] for n in Enrollment.__struct_fields__ if n != "traits"), profiles.c.traits)
        .select_from(e.outerjoin(profiles, user))
        .where(e.c.workflow_id == workflow_id)
        .order_by(e.c.id.desc())
        .limit(limit + 1)
    )
    if status is not None:
        query = query.where(e.c.status == status)
    after = decode(cursor)
    if after is not None:
        query = query.where(e.c.id < after.key)
    rows = conn.execute(query).mappings().all()
    items = [to_struct(row, Enrollment, traits=row["traits"] or {}) for row in rows[:limit]]
    return Enrollments(items=items, next_cursor=encode(After(items[-1].id)) if len(rows) > limit else None)


def count_enrollments(conn: Connection, workflow_ids: Sequence[int]) -> dict[int, Counts]:
    """The figures of each of these workflows; one that nobody ever entered is left out."""
    found: dict[int, dict[str, int]] = {}
    e = enrollments
    by_status = (
        select(e.c.workflow_id, e.c.status, func.count())
        .where(e.c.workflow_id.in_(workflow_ids))
        .group_by(e.c.workflow_id, e.c.status)
    )
    for workflow_id, status, count in conn.execute(by_status):
        found.setdefault(workflow_id, {})[status] = count
    m = messages
    sent = (
        select(m.c.workflow_id, func.count())
        .where(m.c.workflow_id.in_(workflow_ids), m.c.status == "sent")
        .group_by(m.c.workflow_id)
    )
    for workflow_id, count in conn.execute(sent):
        found.setdefault(workflow_id, {})["sent"] = count
    return {workflow_id: msgspec.convert(counts, Counts) for workflow_id, counts in found.items()}
