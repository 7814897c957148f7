"""The plain-text part, read off the HTML: what someone without HTML sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

_CONDITIONAL = re.compile(r"<!--\[if (?!!).*?<!\[endif\]-->", re.DOTALL)
_TAGS = re.compile(r"<[^>]*>")
_SKIPPED = frozenset({"head", "style", "script", "title", "template", "noscript", "textarea", "select"})
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_PARAGRAPHS = frozenset("blockquote hr h1 h2 h3 h4 h5 h6 ol p pre table ul".split())  # noqa: SIM905 - reads better as words
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())  # noqa: SIM905 - reads better as words
_SPACES = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def html_to_text(html: str, expand: Callable[[str], str] = str) -> str:
    """Readable text of an HTML document; a link becomes `text (url)`.

    `expand` turns tokens into what they stand for, so that a link whose text is its address is written once.
    """
    reader = _Reader(expand)
    reader.feed(_CONDITIONAL.sub(lambda match: _TAGS.sub("", match[0].removesuffix("<![endif]-->")), html))
    reader.close()
    return tidy("".join(reader.parts))


def tidy(text: str) -> str:
    """No trailing spaces, at most one empty line in a row."""
    lines = [line.strip() for line in text.splitlines()]
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self, expand: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._expand = expand
        self._breaks = 0  # line breaks owed before the next text
        self._hidden: list[str] = []  # open elements inside, and including, one that is not shown
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if self._hidden or tag in _SKIPPED or _HIDDEN.search(values.get("style", "")):
            if tag not in _VOID:
                self._hidden.append(tag)
        elif tag == "a":
            self._links.append((values.get("href", ""), len(self.parts)))
        elif tag == "img":
            self._write(values.get("alt", ""))
        elif tag == "br":
            self._breaks += 1
        elif tag in {"td", "th"}:
            self._write(" ")
        elif tag in _BLOCKS or tag == "hr":
            self._break(tag)
            self._write({"li": "- ", "hr": "---"}.get(tag, ""))
            self._breaks += 2 * (tag == "hr")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            while tag in self._hidden and self._hidden.pop() != tag:
                pass
        elif tag == "a" and self._links:
            self._close_link(*self._links.pop())
        elif tag in _BLOCKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._write(_SPACES.sub(" ", data))

    def _close_link(self, href: str, start: int) -> None:
        text = "".join(self.parts[start:]).strip()
        address = href.strip().removeprefix("mailto:")
        if address and not address.startswith("#") and self._expand(address) != self._expand(text):
            self._write(f" ({address})" if text else address)

    def _break(self, tag: str) -> None:
        self._breaks = max(self._breaks, 2 if tag in _PARAGRAPHS else 1)

    def _write(self, text: str) -> None:
        fresh = bool(self._breaks) or not self.parts
        shown = text.lstrip(" ") if fresh or self.parts[-1].endswith(" ") else text
        if shown:
            self.parts += ["\n" * self._breaks, shown] if self._breaks and self.parts else [shown]
            self._breaks = 0
