"""MJML and HTML compiled to what mail clients understand; the Liquid in it stays where the author put it."""

from __future__ import annotations

import re

import css_inline
import mrml

from antiphon.templates.content import RenderError, TemplateContent
from antiphon.templates.plain_text import html_to_text
from antiphon.templates.swap import Restored, Swapped, blank, swap

MAX_DEPTH = 100
"""Deepest nesting of MJML elements; mrml overflows its stack far beyond."""

FONTS = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

_ELEMENTS = frozenset(
    [
        "mjml",
        "mj-head",
        "mj-body",
        "mj-include",
        "mj-attributes",
        "mj-all",
        "mj-class",
        "mj-breakpoint",
        "mj-font",
        "mj-html-attributes",
        "mj-selector",
        "mj-html-attribute",
        "mj-preview",
        "mj-style",
        "mj-title",
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-column",
        "mj-divider",
        "mj-group",
        "mj-hero",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-raw",
        "mj-section",
        "mj-social",
        "mj-social-element",
        "mj-spacer",
        "mj-table",
        "mj-text",
        "mj-wrapper",
    ]
)
_TAG = re.compile(r"<!--.*?-->|<(?P<close>/?)(?P<name>mj[\w-]*)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
_ROOT = re.compile(r"<mjml[\s>/]")
_END = re.compile(r"</mjml\s*>")
_HEAD = re.compile(r"<mj-head\s*>")
_MJML = re.compile(r"<mjml(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")


class Compiled:
    """A body ready for its Liquid: `html` and `text` as Liquid sources, `warnings` for the author."""

    def __init__(self, html: Restored, text: str, warnings: list[str]) -> None:
        """Hold the parts."""
        self.html = html
        self.text = text
        self.warnings = warnings


def compile_body(content: TemplateContent) -> Compiled | RenderError:
    """Compile MJML, or inline the styles of HTML."""
    swapped = swap(content.body)
    warnings: list[str] = []
    if content.language == "mjml":
        problem = check_mjml(blank(content.body), warnings)
        if problem is not None:
            return problem
        markup = _compile_mjml(swapped)
    else:
        markup = _inline(swapped.markup)
    if isinstance(markup, RenderError):
        return markup
    dropped = swapped.missing(markup)
    if dropped:
        return RenderError(
            message="Liquid cannot stand here: the compiler drops what is written at this place. Move it into the "
            "content of an element, or into an attribute that takes text.",
            where="body",
            line=dropped[0],
        )
    text = swapped.expand(_literal(_join_tags(html_to_text(swapped.words(markup), swapped.expand), swapped)))
    return Compiled(swapped.restore(markup), text, warnings)


def check_mjml(markup: str, warnings: list[str]) -> RenderError | None:
    """Find what mrml would report without a line, or silently keep: unbalanced, too deep and unknown elements."""
    open_tags: list[tuple[str, int]] = []
    line, done, depth = 1, 0, 0
    for match in _TAG.finditer(markup):
        line += markup.count("\n", done, match.start())
        done = match.start()
        name = match["name"]
        if name is None:
            continue
        if name not in _ELEMENTS and not match["close"]:
            warnings.append(f"Line {line}: <{name}> is no MJML element and is passed on as it stands.")
        if match["close"]:
            if not open_tags or open_tags[-1][0] != name:
                expected = f"</{open_tags[-1][0]}> (opened in line {open_tags[-1][1]})" if open_tags else "nothing"
                return RenderError(message=f"Found </{name}>, expected {expected}.", where="body", line=line)
            open_tags.pop()
        elif not match["rest"].endswith("/"):
            open_tags.append((name, line))
            depth = max(depth, len(open_tags))
            if depth > MAX_DEPTH:
                message = f"Elements are nested more than {MAX_DEPTH} deep."
                return RenderError(message=message, where="body", line=line)
    if open_tags:
        name, line = open_tags[-1]
        return RenderError(message=f"<{name}> is never closed.", where="body", line=line)
    return None


def _compile_mjml(swapped: Swapped) -> str | RenderError:
    markup = swapped.markup
    root, end = _ROOT.search(markup), _END.search(markup)
    if root is None or end is None:
        return RenderError(message="The body must be one <mjml> element.", where="body", line=1)
    document = _with_fonts(markup[root.start() : end.end()])
    try:
        html = mrml.to_html(document, None, mrml.RenderOptions(fonts={})).content
    except OSError as error:
        return RenderError(message=f"MJML: {error}. Check that every tag and quote is closed.", where="body")
    # Liquid around the root (assigns, mostly) is no part of the document, but belongs to the email
    return swapped.only(markup[: root.start()]) + html + swapped.only(markup[end.end() :])


def _with_fonts(document: str) -> str:
    """Our default font, which any `mj-all` of the author's overrides: without one, mrml links Google Fonts."""
    default = f'<mj-attributes><mj-all font-family="{FONTS}"/></mj-attributes>'
    head = _HEAD.search(document)
    if head is not None:
        return document[: head.end()] + default + document[head.end() :]
    return _MJML.sub(lambda match: f"{match[0]}<mj-head>{default}</mj-head>", document, count=1)


def _inline(markup: str) -> str | RenderError:
    # style tags stay: media queries live there; nothing is fetched
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_link_tags=True)
    try:
        return inliner.inline(markup)
    except css_inline.InlineError as error:
        return RenderError(message=f"CSS: {error}", where="body")


def _literal(text: str) -> str:
    """Braces that an author wrote as character references must not become Liquid in the text part."""
    return re.sub(r"\{[{%]", lambda match: f"{{% raw %}}{match[0]}{{% endraw %}}", text)


def _join_tags(text: str, swapped: Swapped) -> str:
    """A line that holds only tags (`{% for %}`) must not leave an empty line behind on each turn."""
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        alone = line.strip() and swapped.expand(line.strip()).startswith("{%") and swapped.only(line) == line.strip()
        parts.append(line.rstrip("\n") if alone else line)
    return "".join(parts)
