"""Templates: drafted, previewed, test-sent, published."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.status_codes import HTTP_200_OK

from antiphon.model.message import Channel
from antiphon.model.template import TemplateContent

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
    def list_templates(self) -> TemplateList:
        """All templates by name."""
        raise NotImplementedError

    @post(access="edit", sync_to_thread=True)
    def create_template(self, data: TemplateCreate) -> TemplateOut:
        """Create a template."""
        raise NotImplementedError

    @post("/preview", access="view", status_code=HTTP_200_OK)
    async def preview_template(self, data: TemplatePreviewRequest) -> TemplatePreview:
        """Render content; an error (400) says what is wrong and in which line."""
        raise NotImplementedError

    @post("/test-send", access="edit", status_code=HTTP_200_OK)
    async def test_send_template(self, data: TestSendRequest) -> TestSendResults:
        """Send content to a few addresses, out of the statistics."""
        raise NotImplementedError

    @get("/{template_id:int}", access="view", sync_to_thread=True)
    def get_template(self, template_id: int) -> TemplateOut:
        """One template with its latest content."""
        raise NotImplementedError

    @put("/{template_id:int}", access="edit", sync_to_thread=True)
    def update_template(self, template_id: int, data: TemplateUpdate) -> TemplateOut:
        """Save a draft."""
        raise NotImplementedError

    @delete("/{template_id:int}", access="edit", sync_to_thread=True)
    def delete_template(self, template_id: int) -> None:
        """Delete a template that no workflow uses."""
        raise NotImplementedError

    @post("/{template_id:int}/publish", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def publish_template(self, template_id: int, data: TemplatePublish) -> TemplateOut:
        """Make the latest version the one that is sent."""
        raise NotImplementedError

    @get("/{template_id:int}/versions/{version:int}", access="view", sync_to_thread=True)
    def get_template_version(self, template_id: int, version: int) -> TemplateContent:
        """The content of one version."""
        raise NotImplementedError
