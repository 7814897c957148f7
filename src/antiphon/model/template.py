"""A template's content, as stored, previewed and sent."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

TemplateLanguage = Literal["mjml", "html"]


class TemplateContent(msgspec.Struct, frozen=True, kw_only=True):
    """What an author writes; every part but `language` is a Liquid template.

    `preview_text` is shown after the subject in mail lists. `body` is MJML or HTML. An empty `text` means that the
    plain-text part is derived from the body. Equal contents are parsed and compiled once.
    """

    subject: Annotated[str, msgspec.Meta(max_length=998)] = ""
    preview_text: Annotated[str, msgspec.Meta(max_length=998)] = ""
    language: TemplateLanguage = "mjml"
    body: Annotated[str, msgspec.Meta(max_length=1_000_000)] = ""
    text: Annotated[str, msgspec.Meta(max_length=1_000_000)] = ""
