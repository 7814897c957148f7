"""A template's content, as stored, previewed and sent."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

TemplateLanguage = Literal["mjml", "html"]


class TemplateContent(msgspec.Struct, kw_only=True):
    """What an email says; every part is Liquid. An empty `text` is made from the HTML when it is sent."""

    subject: Annotated[str, msgspec.Meta(max_length=998)] = ""
    preview_text: Annotated[str, msgspec.Meta(max_length=998)] = ""
    language: TemplateLanguage = "mjml"
    body: Annotated[str, msgspec.Meta(max_length=1_000_000)] = ""
    text: Annotated[str, msgspec.Meta(max_length=1_000_000)] = ""
