"""Workflows as people edit them: the published version is in force, a later one is the draft."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from antiphon.errors import NotFound
from antiphon.model.workflow import WorkflowDefinition
from antiphon.store.revisions import at_revision, name_taken
from antiphon.store.rows import to_struct
from antiphon.store.tables import workflow_versions, workflows

WorkflowStatus = Literal["draft", "active", "paused", "archived"]


class Workflow(msgspec.Struct, kw_only=True, frozen=True):
    """A workflow with its latest definition; that is a draft while `latest_version` is not the published one."""

    id: int
    name: str
    status: WorkflowStatus
    published_version: int | None
    latest_version: int
    revision: int
    definition: WorkflowDefinition
    created_at: int
    updated_at: int


def list_workflows(conn: Connection, *, archived: bool = False) -> list[Workflow]:
    """All workflows by name; archived ones only when asked for."""
    query = _latest().order_by(workflows.c.name)
    if not archived:
        query = query.where(workflows.c.status != "archived")
    return [_workflow(row) for row in conn.execute(query).mappings()]


def get_workflow(conn: Connection, workflow_id: int) -> Workflow:
    """One workflow with its latest definition; NotFound."""
    row = conn.execute(_latest().where(workflows.c.id == workflow_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no workflow {workflow_id}.")
    return _workflow(row)


def create_workflow(conn: Connection, *, name: str, definition: WorkflowDefinition, now: int) -> Workflow:
    """Add a draft at version 1; Conflict when the name is taken."""
    values = {
        "name": name,
        "status": "draft",
        "published_version": None,
        "revision": 1,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with conn.begin_nested():
            key: int = conn.execute(insert(workflows).values(values).returning(workflows.c.id)).scalar_one()
    except IntegrityError as error:
        raise name_taken("a workflow", name) from error
    _add_version(conn, key, 1, definition, now)
    return get_workflow(conn, key)


def save_workflow(
    conn: Connection, workflow_id: int, *, revision: int, name: str, definition: WorkflowDefinition, now: int
) -> Workflow:
    """Save the draft of a workflow read at `revision`; what is published stays as it is."""
    stored = at_revision(get_workflow(conn, workflow_id), revision)
    if msgspec.json.encode(definition) != msgspec.json.encode(stored.definition):  # 1 and true are not the same
        if stored.latest_version == stored.published_version:
            _add_version(conn, workflow_id, stored.latest_version + 1, definition, now)
        else:
            _overwrite_draft(conn, stored, definition, now)
    _change(conn, workflow_id, name=name, revision=revision + 1, updated_at=now)
    return get_workflow(conn, workflow_id)


def publish_workflow(conn: Connection, workflow_id: int, *, revision: int, now: int) -> Workflow:
    """Put the latest definition in force; whether it has problems is the caller's business."""
    stored = at_revision(get_workflow(conn, workflow_id), revision)
    changes = {"published_version": stored.latest_version, "status": "active", "revision": revision + 1}
    _change(conn, workflow_id, **changes, updated_at=now)
    return get_workflow(conn, workflow_id)


def set_workflow_status(conn: Connection, workflow_id: int, status: WorkflowStatus, now: int) -> Workflow:
    """Pause, resume or archive; an archived one frees its name."""
    stored = get_workflow(conn, workflow_id)
    name = f"{stored.name} (archived {workflow_id})" if status == "archived" else stored.name
    _change(conn, workflow_id, status=status, name=name, revision=stored.revision + 1, updated_at=now)
    return get_workflow(conn, workflow_id)


def delete_workflow(conn: Connection, workflow_id: int) -> None:
    """Remove a workflow that was never published."""
    conn.execute(delete(workflow_versions).where(workflow_versions.c.workflow_id == workflow_id))
    conn.execute(delete(workflows).where(workflows.c.id == workflow_id))


def _latest() -> Any:
    v = workflow_versions
    inner = v.alias()
    newest = (
        select(func.max(inner.c.version))
        .where(inner.c.workflow_id == workflows.c.id)
        .correlate(workflows)
        .scalar_subquery()
    )
    on = (v.c.workflow_id == workflows.c.id) & (v.c.version == newest)
    return select(workflows, v.c.version.label("latest_version"), v.c.definition).select_from(workflows.join(v, on))


def _workflow(row: RowMapping) -> Workflow:
    return to_struct(row, Workflow)


def _change(conn: Connection, workflow_id: int, **changes: Any) -> None:
    try:
        with conn.begin_nested():
            conn.execute(update(workflows).where(workflows.c.id == workflow_id).values(changes))
    except IntegrityError as error:
        raise name_taken("a workflow", str(changes.get("name"))) from error


def _add_version(conn: Connection, workflow_id: int, version: int, definition: WorkflowDefinition, now: int) -> None:
    stored = msgspec.to_builtins(definition)
    row = {"workflow_id": workflow_id, "version": version, "definition": stored, "created_at": now}
    conn.execute(insert(workflow_versions).values(row))


def _overwrite_draft(conn: Connection, stored: Workflow, definition: WorkflowDefinition, now: int) -> None:
    v = workflow_versions
    where = v.c.workflow_id == stored.id, v.c.version == stored.latest_version
    conn.execute(update(v).where(*where).values(definition=msgspec.to_builtins(definition), created_at=now))
