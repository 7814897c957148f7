"""A template parsed and compiled once, rendered many times."""

from __future__ import annotations

import html
import re
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.template import BoundTemplate

from antiphon.templates.content import (
    CLIP_BYTES,
    MAX_SOURCE,
    Part,
    Rendered,
    RenderError,
    RenderRequest,
    RenderResult,
    TemplateContent,
)
from antiphon.templates.dates import NOW, TODAY
from antiphon.templates.language import Liquid, render
from antiphon.templates.markup import compile_body
from antiphon.templates.plain_text import html_to_text, tidy
from antiphon.templates.swap import Restored

MAX_CACHED = 256
MAX_CACHED_CHARACTERS = 8 * 1024 * 1024
MAX_MESSAGE = 300
"""Longest error message in characters: Liquid's own can hold the whole HTML."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BODY = re.compile(r"<body(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_PREHEADER = (
    '<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;'
    'mso-hide:all;">{}</div>'
)


class Email:
    """One compiled template; `None` for `text` means that it is read off each rendered HTML."""

    def __init__(
        self,
        subject: BoundTemplate,
        preview_text: BoundTemplate | None,
        body: BoundTemplate,
        text: BoundTemplate | None,
        places: Restored,
        warnings: list[str],
    ) -> None:
        """Hold the parts; `compile_email` makes them."""
        self._parts: tuple[tuple[Part, BoundTemplate | None], ...] = (
            ("subject", subject),
            ("preview_text", preview_text),
            ("body", body),
            ("text", text),
        )
        self._places = places
        self._warnings = warnings

    def render(self, context: dict[str, Any], now: int, started: float) -> RenderResult:
        """Fill in `context`; `now` is in ms since the epoch, `started` what `time.perf_counter` said at the start."""
        values = {**context, NOW: now, TODAY: datetime.fromtimestamp(now / 1000, UTC).date().isoformat()}
        empty: dict[str, None] = {}
        out: dict[Part, str] = {}
        for part, template in self._parts:
            try:
                out[part] = render(template, values, empty) if template else ""
            except LiquidError as error:
                return failure(error, part, self._places if part == "body" else None)
            except RecursionError:
                return RenderError(message="This value is nested too deeply.", where=part)
        subject, preview_text = one_line(out["subject"]), one_line(out["preview_text"])
        body = _with_preheader(out["body"], preview_text) if preview_text else out["body"]
        size = len(body.encode())
        warnings = [*self._warnings, *(f"{{{{ {name} }}}} came out empty." for name in empty)]
        if not subject:
            warnings.append("The subject came out empty.")
        if size > CLIP_BYTES:
            warnings.append(f"The HTML has {size // 1024} kB; Gmail cuts it off beyond {CLIP_BYTES // 1024} kB.")
        return Rendered(
            subject=subject,
            preview_text=preview_text,
            html=body,
            text=tidy(out["text"]) if self._parts[3][1] else html_to_text(out["body"]),
            warnings=warnings,
            size_bytes=size,
            took_ms=(time.perf_counter() - started) * 1000,
        )


class EmailCache:
    """Compiles each content once; failures are not kept, the author is at work on them."""

    def __init__(self) -> None:
        """Start empty."""
        self._html = Liquid(autoescape=True)
        self._plain = Liquid(autoescape=False)
        self._kept: OrderedDict[TemplateContent, Email] = OrderedDict()
        self._characters = 0

    def render(self, request: RenderRequest) -> RenderResult:
        """Render one request."""
        started = time.perf_counter()
        email = self._kept.get(request.content)
        if email is None:
            compiled = self._compile(request.content)
            if isinstance(compiled, RenderError):
                return compiled
            email = compiled
            self._keep(request.content, email)
        else:
            self._kept.move_to_end(request.content)
        return email.render(request.context, request.now, started)

    def clear(self) -> None:
        """Give the memory back."""
        self._kept.clear()
        self._characters = 0

    def _keep(self, content: TemplateContent, email: Email) -> None:
        self._kept[content] = email
        self._characters += _characters(content)
        while len(self._kept) > MAX_CACHED or (self._characters > MAX_CACHED_CHARACTERS and len(self._kept) > 1):
            old, _ = self._kept.popitem(last=False)
            self._characters -= _characters(old)

    def _compile(self, content: TemplateContent) -> Email | RenderError:
        if _characters(content) > MAX_SOURCE:
            message = f"The template is longer than {MAX_SOURCE // 1024} K characters."
            return RenderError(message=message, where="limits")
        if not content.body.strip():
            return RenderError(message="The body is empty.", where="body", line=1)
        parsed: dict[Part, BoundTemplate | None] = {}
        for part in ("subject", "preview_text", "body", "text"):
            # the body is parsed as written, too: an error then has the author's line
            template = self._parse(getattr(content, part), part)
            if isinstance(template, RenderError):
                return template
            parsed[part] = template
        compiled = compile_body(content)
        if isinstance(compiled, RenderError):
            return compiled
        try:
            body = self._html.from_string(compiled.html.source)
        except LiquidError as error:
            return failure(error, "body", compiled.html)
        if parsed["text"] is None:
            parsed["text"] = self._derived(compiled.text)
        subject = parsed["subject"] or self._plain.from_string("")
        return Email(subject, parsed["preview_text"], body, parsed["text"], compiled.html, compiled.warnings)

    def _parse(self, source: str, part: Part) -> BoundTemplate | RenderError | None:
        try:
            return self._plain.from_string(source) if source else None
        except LiquidError as error:
            return failure(error, part)

    def _derived(self, source: str) -> BoundTemplate | None:
        try:
            return self._plain.from_string(source)
        except LiquidError:
            # Liquid that crosses attributes loses its other half in the text: read each rendered HTML instead
            return None


def one_line(text: str) -> str:
    """Without control characters and line breaks."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def failure(error: LiquidError, part: Part, places: Restored | None = None) -> RenderError:
    """Say what is wrong with the Liquid and in which line of the author's text."""
    where: Part = "limits" if isinstance(error, ResourceLimitError) else part
    message = one_line(str(error.message or "unexpected error"))[:MAX_MESSAGE]
    line: int | None = None
    token = error.token
    if token is not None and token.start_index >= 0:
        line = places.line(token.start_index) if places else token.source.count("\n", 0, token.start_index) + 1
    return RenderError(message=f"Liquid: {message}", where=where, line=line)


def _with_preheader(body: str, preview_text: str) -> str:
    hidden = _PREHEADER.format(html.escape(preview_text))
    start = _BODY.search(body)
    return hidden + body if start is None else body[: start.end()] + hidden + body[start.end() :]


def _characters(content: TemplateContent) -> int:
    return len(content.subject) + len(content.preview_text) + len(content.body) + len(content.text)
