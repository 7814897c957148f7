"""Templates: drafted, previewed, test-sent, published."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import Conflict
from antiphon.model.message import Channel
from antiphon.model.template import TemplateContent
from antiphon.store.engine import Connection
from antiphon.store.templates import (
    Template,
    archive_template,
    create_template,
    get_content,
    get_template,
    list_templates,
    list_versions,
    publish_template,
    save_template,
)
from antiphon.store.uses import workflows_with_template
from antiphon.web.context import Context
from antiphon.web.trying_out import render_sample

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Topic = Annotated[str, msgspec.Meta(max_length=100)]
Address = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]


class TemplateVersion(msgspec.Struct, kw_only=True):
    """One saved version."""

    version: int
    created_at: int


class TemplateOut(msgspec.Struct, kw_only=True):
    """A template; `content` is that of the latest version, sends use the published one."""

    id: int
    name: str
    channel: Channel
    topic: str
    revision: int
    published_version: int | None
    latest_version: int
    content: TemplateContent
    versions: list[TemplateVersion]
    created_at: int
    updated_at: int


class TemplateSummary(msgspec.Struct, kw_only=True):
    """A template in a list."""

    id: int
    name: str
    channel: Channel
    topic: str
    subject: str
    revision: int
    published_version: int | None
    latest_version: int
    created_at: int
    updated_at: int


class TemplateList(msgspec.Struct, kw_only=True):
    """Templates by name."""

    items: list[TemplateSummary]


class TemplateCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new template; it is a draft until it is published."""

    name: Name
    channel: Channel = "email"
    topic: Topic = ""
    content: TemplateContent


class TemplateUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A changed template; `revision` is the one that was read, a newer one answers 409."""

    revision: int
    name: Name
    topic: Topic = ""
    content: TemplateContent


class TemplatePublish(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Publish the latest version as it was read."""

    revision: int


class TemplatePreviewRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Content to render, for a real user when `user_id` is given, with `variables` on top."""

    content: TemplateContent
    user_id: str | None = None
    variables: dict[str, Any] = {}


class TemplatePreview(msgspec.Struct, kw_only=True):
    """A rendered email; `clipped`: beyond the size at which big mailbox providers cut it off."""

    subject: str
    preview_text: str
    html: str
    text: str
    size_bytes: int
    clipped: bool
    warnings: list[str]
    took_ms: float


class TestSendRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Content to send to a few addresses, out of the statistics."""

    content: TemplateContent
    to: Annotated[list[Address], msgspec.Meta(min_length=1, max_length=5)]
    user_id: str | None = None
    variables: dict[str, Any] = {}


class TestSendResult(msgspec.Struct, kw_only=True):
    """What became of one test mail."""

    recipient: str
    outcome: str
    detail: str


class TestSendResults(msgspec.Struct, kw_only=True):
    """What became of each test mail."""

    items: list[TestSendResult]


class TemplateController(Controller):
    """Templates."""

    path = "/api/templates"
    tags = ("Templates",)

    @get(access="view", sync_to_thread=True)
    def list_templates(self, context: Context) -> TemplateList:
        """All templates by name."""
        with context.store.state.read() as conn:
            return TemplateList(items=[_summary(template) for template in list_templates(conn)])

    @post(access="edit", sync_to_thread=True)
    def create_template(self, context: Context, data: JSONBody[TemplateCreate]) -> TemplateOut:
        """Create a template."""
        with context.store.state.write() as conn:
            template = create_template(
                conn,
                name=data.name.strip(),
                channel=data.channel,
                topic=data.topic.strip(),
                content=data.content,
                now=context.clock(),
            )
            return _template_out(conn, template)

    @post("/preview", access="view", status_code=HTTP_200_OK)
    async def preview_template(self, context: Context, data: JSONBody[TemplatePreviewRequest]) -> TemplatePreview:
        """Render content; an error (400) says what is wrong and in which line."""
        started = perf_counter()
        rendered = await render_sample(context, data.content, data.user_id, data.variables)
        return TemplatePreview(
            subject=rendered.subject,
            preview_text=rendered.preview_text,
            html=rendered.html,
            text=rendered.text,
            size_bytes=rendered.size_bytes,
            clipped=rendered.clipped,
            warnings=rendered.warnings,
            took_ms=round((perf_counter() - started) * 1_000, 1),
        )

    @post("/test-send", access="edit", status_code=HTTP_200_OK)
    async def test_send_template(self, context: Context, data: JSONBody[TestSendRequest]) -> TestSendResults:
        """Send content to a few addresses, out of the statistics."""
        rendered = await render_sample(context, data.content, data.user_id, data.variables)
        items: list[TestSendResult] = []
        for recipient in dict.fromkeys(data.to):
            result = await context.test_send(rendered, recipient)
            items.append(TestSendResult(recipient=recipient, outcome=result.outcome, detail=result.detail))
        return TestSendResults(items=items)

    @get("/{template_id:int}", access="view", sync_to_thread=True)
    def get_template(self, context: Context, template_id: FromPath[int]) -> TemplateOut:
        """One template with its latest content."""
        with context.store.state.read() as conn:
            return _template_out(conn, get_template(conn, template_id))

    @put("/{template_id:int}", access="edit", sync_to_thread=True)
    def update_template(
        self, context: Context, template_id: FromPath[int], data: JSONBody[TemplateUpdate]
    ) -> TemplateOut:
        """Save a draft."""
        with context.store.state.write() as conn:
            template = save_template(
                conn,
                template_id,
                revision=data.revision,
                name=data.name.strip(),
                topic=data.topic.strip(),
                content=data.content,
                now=context.clock(),
            )
            return _template_out(conn, template)

    @delete("/{template_id:int}", access="edit", sync_to_thread=True)
    def delete_template(self, context: Context, template_id: FromPath[int]) -> None:
        """Delete a template that no workflow uses."""
        with context.store.state.write() as conn:
            template = get_template(conn, template_id)
            used = workflows_with_template(conn, template_id)
            if used:
                names = ", ".join(f"“{workflow.name}”" for workflow in used)
                raise Conflict(
                    f"“{template.name}” is sent by {names}. Archive that first.",
                    workflows=[{"id": workflow.id, "name": workflow.name} for workflow in used],
                )
            archive_template(conn, template_id, context.clock())

    @post("/{template_id:int}/publish", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def publish_template(
        self, context: Context, template_id: FromPath[int], data: JSONBody[TemplatePublish]
    ) -> TemplateOut:
        """Make the latest version the one that is sent."""
        with context.store.state.write() as conn:
            template = publish_template(conn, template_id, revision=data.revision, now=context.clock())
            return _template_out(conn, template)

    @get("/{template_id:int}/versions/{version:int}", access="view", sync_to_thread=True)
    def get_template_version(
        self, context: Context, template_id: FromPath[int], version: FromPath[int]
    ) -> TemplateContent:
        """The content of one version."""
        with context.store.state.read() as conn:
            get_template(conn, template_id)
            return get_content(conn, template_id, version)


def _template_out(conn: Connection, template: Template) -> TemplateOut:
    versions = [
        TemplateVersion(version=version.version, created_at=version.created_at)
        for version in list_versions(conn, template.id)
    ]
    return TemplateOut(
        id=template.id,
        name=template.name,
        channel=template.channel,
        topic=template.topic,
        revision=template.revision,
        published_version=template.published_version,
        latest_version=template.latest_version,
        content=template.content,
        versions=versions,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )


def _summary(template: Template) -> TemplateSummary:
    return TemplateSummary(
        id=template.id,
        name=template.name,
        channel=template.channel,
        topic=template.topic,
        subject=template.content.subject,
        revision=template.revision,
        published_version=template.published_version,
        latest_version=template.latest_version,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )
