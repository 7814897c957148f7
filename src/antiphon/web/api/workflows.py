"""Workflows: drafted, published, paused; who is in them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import Parameter
from litestar.status_codes import HTTP_200_OK

from antiphon.model.workflow import Problem, WorkflowDefinition

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
    def list_workflows(self, archived: bool = False) -> WorkflowList:
        """All workflows by name; archived ones only when asked for."""
        raise NotImplementedError

    @post(access="edit", sync_to_thread=True)
    def create_workflow(self, data: WorkflowCreate) -> WorkflowOut:
        """Create a workflow."""
        raise NotImplementedError

    @get("/{workflow_id:int}", access="view", sync_to_thread=True)
    def get_workflow(self, workflow_id: int) -> WorkflowOut:
        """One workflow with its draft and problems."""
        raise NotImplementedError

    @put("/{workflow_id:int}", access="edit", sync_to_thread=True)
    def update_workflow(self, workflow_id: int, data: WorkflowUpdate) -> WorkflowOut:
        """Save a draft; people in the workflow stay on their version."""
        raise NotImplementedError

    @delete("/{workflow_id:int}", access="edit", sync_to_thread=True)
    def delete_workflow(self, workflow_id: int) -> None:
        """Delete a workflow that was never published; archive one that was."""
        raise NotImplementedError

    @post("/{workflow_id:int}/publish", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def publish_workflow(self, workflow_id: int, data: WorkflowRevision) -> WorkflowOut:
        """Put the draft in force; refused (400 with `details.problems`) while it has problems."""
        raise NotImplementedError

    @post("/{workflow_id:int}/pause", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def pause_workflow(self, workflow_id: int) -> WorkflowOut:
        """Nobody enters and nobody goes on until it is resumed."""
        raise NotImplementedError

    @post("/{workflow_id:int}/resume", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def resume_workflow(self, workflow_id: int) -> WorkflowOut:
        """Go on where everybody stood."""
        raise NotImplementedError

    @get("/{workflow_id:int}/enrollments", access="view", sync_to_thread=True)
    def list_enrollments(
        self,
        workflow_id: int,
        status: Literal["active", "completed", "exited", "failed"] | None = None,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> EnrollmentPage:
        """Who is or was in the workflow, the newest first."""
        raise NotImplementedError
