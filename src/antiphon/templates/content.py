"""What is rendered, and what comes out: the types on both sides of the sandbox."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from antiphon.model.template import TemplateContent

CLIP_BYTES = 102 * 1024
"""Gmail cuts an email's HTML off beyond this size."""

MAX_SOURCE = 512 * 1024
"""Longest template, all its fields together, in characters."""

HEAD = 4
"""Bytes of a frame's length, big-endian, between the sandbox and its client."""

Part = Literal["subject", "preview_text", "body", "text", "limits"]


class RenderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One email to render: `context` holds plain JSON values, `now` (ms since the epoch, UTC) is what `"now"` means."""

    content: TemplateContent
    context: dict[str, Any]
    now: int


class Rendered(msgspec.Struct, frozen=True, kw_only=True, tag="rendered"):
    """A rendered email: `subject` and `preview_text` are single lines, `size_bytes` is the HTML's size in UTF-8.

    `warnings` are sentences for the author: merge tags that came out empty, HTML that will be clipped, unknown MJML.
    `took_ms` is the time inside the sandbox, with compiling on first use.
    """

    subject: str
    preview_text: str
    html: str
    text: str
    warnings: list[str]
    size_bytes: int
    took_ms: float

    @property
    def clipped(self) -> bool:
        """Whether mail clients will cut the HTML off."""
        return self.size_bytes > CLIP_BYTES


class RenderError(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """Why an email could not be rendered: an expected outcome, so a value.

    `where` names the field, or `limits` when the render was stopped; `line` counts from 1 within that field and is
    None when the place is not known.
    """

    message: str
    where: Part
    line: int | None = None


RenderResult = Rendered | RenderError
