"""Workflows: drafted, published, paused; who is in them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import Conflict, InvalidInput, NotFound
from antiphon.model.workflow import Lookups, Problem, WorkflowDefinition, problems
from antiphon.store.engine import Connection
from antiphon.store.enrollments import Counts, count_enrollments, list_enrollments
from antiphon.store.rules import get_rule
from antiphon.store.templates import get_template
from antiphon.store.workflows import (
    Workflow,
    create_workflow,
    delete_workflow,
    get_workflow,
    list_workflows,
    publish_workflow,
    save_workflow,
    set_workflow_status,
)
from antiphon.web.api.people import email_of, name_of
from antiphon.web.context import Context, WebContext

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
WorkflowStatus = Literal["draft", "active", "paused", "archived"]


class WorkflowStats(msgspec.Struct, kw_only=True):
    """Enrollments by what became of them, and messages sent."""

    active: int
    completed: int
    exited: int
    failed: int
    sent: int


class WorkflowOut(msgspec.Struct, kw_only=True):
    """A workflow; `definition` is the draft, `changed` says whether it differs from what is published."""

    id: int
    name: str
    status: WorkflowStatus
    revision: int
    published_version: int | None
    definition: WorkflowDefinition
    changed: bool
    problems: list[Problem]
    stats: WorkflowStats
    created_at: int
    updated_at: int


class WorkflowList(msgspec.Struct, kw_only=True):
    """Workflows by name."""

    items: list[WorkflowOut]


class WorkflowCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new workflow; it is a draft until it is published."""

    name: Name
    definition: WorkflowDefinition = msgspec.field(default_factory=WorkflowDefinition)


class WorkflowUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A changed workflow; `revision` is the one that was read, a newer one answers 409."""

    revision: int
    name: Name
    definition: WorkflowDefinition


class WorkflowRevision(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The revision that was read."""

    revision: int


class EnrollmentOut(msgspec.Struct, kw_only=True):
    """Somebody's way through a workflow; times in ms since the epoch."""

    id: int
    user_id: str
    name: str | None
    email: str | None
    version: int
    status: Literal["active", "completed", "exited", "failed"]
    step_id: str | None
    due_at: int | None
    reason: str | None
    created_at: int
    finished_at: int | None


class EnrollmentPage(msgspec.Struct, kw_only=True):
    """Enrollments, the newest first."""

    items: list[EnrollmentOut]
    next_cursor: str | None


class WorkflowController(Controller):
    """Workflows."""

    path = "/api/workflows"
    tags = ("Workflows",)

    @get(access="view", sync_to_thread=True)
    def list_workflows(self, context: Context, archived: FromQuery[bool] = False) -> WorkflowList:
        """All workflows by name; archived ones only when asked for."""
        with context.store.state.read() as conn:
            workflows = list_workflows(conn, archived=archived)
            counts = count_enrollments(conn, [workflow.id for workflow in workflows])
            return WorkflowList(
                items=[_workflow_out(context, conn, workflow, counts.get(workflow.id)) for workflow in workflows]
            )

    @post(access="edit", sync_to_thread=True)
    def create_workflow(self, context: Context, data: JSONBody[WorkflowCreate]) -> WorkflowOut:
        """Create a workflow."""
        with context.store.state.write() as conn:
            workflow = create_workflow(conn, name=data.name.strip(), definition=data.definition, now=context.clock())
            return _workflow_out(context, conn, workflow, None)

    @get("/{workflow_id:int}", access="view", sync_to_thread=True)
    def get_workflow(self, context: Context, workflow_id: FromPath[int]) -> WorkflowOut:
        """One workflow with its draft and problems."""
        with context.store.state.read() as conn:
            return _counted(context, conn, get_workflow(conn, workflow_id))

    @put("/{workflow_id:int}", access="edit", sync_to_thread=True)
    def update_workflow(
        self, context: Context, workflow_id: FromPath[int], data: JSONBody[WorkflowUpdate]
    ) -> WorkflowOut:
        """Save a draft; people in the workflow stay on their version."""
        with context.store.state.write() as conn:
            workflow = save_workflow(
                conn,
                workflow_id,
                revision=data.revision,
                name=data.name.strip(),
                definition=data.definition,
                now=context.clock(),
            )
            return _counted(context, conn, workflow)

    @delete("/{workflow_id:int}", access="edit", sync_to_thread=True)
    def delete_workflow(self, context: Context, workflow_id: FromPath[int]) -> None:
        """Delete a workflow that was never published; archive one that was."""
        with context.store.state.write() as conn:
            if get_workflow(conn, workflow_id).published_version is None:
                delete_workflow(conn, workflow_id)
            else:
                set_workflow_status(conn, workflow_id, "archived", context.clock())
        context.wake.notify("rules")

    @post("/{workflow_id:int}/publish", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def publish_workflow(
        self, context: Context, workflow_id: FromPath[int], data: JSONBody[WorkflowRevision]
    ) -> WorkflowOut:
        """Put the draft in force; refused (400 with `details.problems`) while it has problems."""
        with context.store.state.write() as conn:
            found = problems(get_workflow(conn, workflow_id).definition, _lookups(context, conn))
            if found:
                raise InvalidInput(
                    f"This workflow cannot be published yet: {found[0].message}",
                    problems=msgspec.to_builtins(found),
                )
            workflow = publish_workflow(conn, workflow_id, revision=data.revision, now=context.clock())
            published = _counted(context, conn, workflow)
        context.wake.notify("rules")
        return published

    @post("/{workflow_id:int}/pause", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def pause_workflow(self, context: Context, workflow_id: FromPath[int]) -> WorkflowOut:
        """Nobody enters and nobody goes on until it is resumed."""
        return _change_status(context, workflow_id, "active", "paused")

    @post("/{workflow_id:int}/resume", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def resume_workflow(self, context: Context, workflow_id: FromPath[int]) -> WorkflowOut:
        """Go on where everybody stood."""
        return _change_status(context, workflow_id, "paused", "active")

    @get("/{workflow_id:int}/enrollments", access="view", sync_to_thread=True)
    def list_enrollments(
        self,
        context: Context,
        workflow_id: FromPath[int],
        status: FromQuery[Literal["active", "completed", "exited", "failed"] | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> EnrollmentPage:
        """Who is or was in the workflow, the newest first."""
        with context.store.state.read() as conn:
            get_workflow(conn, workflow_id)
            found = list_enrollments(conn, workflow_id, status=status, limit=limit, cursor=cursor)
        items: list[EnrollmentOut] = []
        for enrollment in found.items:
            fields = msgspec.structs.asdict(enrollment)
            traits = fields.pop("traits")
            items.append(EnrollmentOut(**fields, name=name_of(traits), email=email_of(traits)))
        return EnrollmentPage(items=items, next_cursor=found.next_cursor)


def _change_status(context: WebContext, workflow_id: int, before: WorkflowStatus, after: WorkflowStatus) -> WorkflowOut:
    with context.store.state.write() as conn:
        workflow = get_workflow(conn, workflow_id)
        if workflow.status not in (before, after):
            raise Conflict(f"“{workflow.name}” is {workflow.status}: only an {before} workflow can become {after}.")
        if workflow.status == before:
            workflow = set_workflow_status(conn, workflow_id, after, context.clock())
        changed = _counted(context, conn, workflow)
    context.wake.notify("rules")
    return changed


def _lookups(context: WebContext, conn: Connection) -> Lookups:
    def rule(rule_id: int) -> str | None:
        try:
            return get_rule(conn, rule_id).status
        except NotFound:
            return None

    def template(template_id: int) -> bool | None:
        try:
            return get_template(conn, template_id).published_version is not None
        except NotFound:
            return None

    return Lookups(rule=rule, template=template, selector=context.rules.selector_error)


def _counted(context: WebContext, conn: Connection, workflow: Workflow) -> WorkflowOut:
    return _workflow_out(context, conn, workflow, count_enrollments(conn, [workflow.id]).get(workflow.id))


def _workflow_out(context: WebContext, conn: Connection, workflow: Workflow, counts: Counts | None) -> WorkflowOut:
    counts = counts or Counts()
    return WorkflowOut(
        id=workflow.id,
        name=workflow.name,
        status=workflow.status,
        revision=workflow.revision,
        published_version=workflow.published_version,
        definition=workflow.definition,
        changed=workflow.latest_version != workflow.published_version,
        problems=problems(workflow.definition, _lookups(context, conn)),
        stats=WorkflowStats(
            active=counts.active,
            completed=counts.completed,
            exited=counts.exited,
            failed=counts.failed,
            sent=counts.sent,
        ),
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
    )
