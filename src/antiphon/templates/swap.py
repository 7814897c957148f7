"""Liquid swapped for opaque tokens, so that a markup compiler can work on what remains, and swapped back.

mrml rejects `{% if a < 3 %}` inside `mj-text`, and an HTML parser moves stray text out of tables. So a piece of Liquid
becomes a comment where markup is expected, and a plain word inside tags, comments, styles and titles.
"""

from __future__ import annotations

import re
from bisect import bisect_right

import msgspec

_LIQUID = re.compile(
    r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}"
    r"|\{%-?\s*(?P<block>comment|doc)\b.*?\{%-?\s*end(?P=block)\s*-?%\}"
    r"|\{\{.*?\}\}|\{%.*?%\}",
    re.DOTALL,
)
_OPENS = re.compile(r"<!--|<(?P<name>/?[a-zA-Z][\w:-]*)")
_IN_TAG = re.compile(r"[\"'>]")
_WORDS_ONLY = frozenset({"style", "script", "title", "textarea", "mj-style", "mj-title", "mj-preview"})


class Swapped(msgspec.Struct, frozen=True):
    """`markup` with tokens in place of `pieces`; `lines[n]` is the author's line (from 1) of piece n."""

    markup: str
    pieces: list[str]
    lines: list[int]
    prefix: str

    def _tokens(self) -> re.Pattern[str]:
        # an attribute without a value comes back from an HTML parser with an empty one
        return re.compile(rf'<!--{self.prefix}(\d+)c-->|{self.prefix}(\d+)z(?:="")?')

    def missing(self, compiled: str) -> list[int]:
        """Author's lines whose Liquid a compiler dropped."""
        kept = {_number(match) for match in self._tokens().finditer(compiled)}
        return [line for number, line in enumerate(self.lines) if number not in kept]

    def words(self, compiled: str) -> str:
        """The same with every token a plain word: for a reader that drops comments."""
        return self._tokens().sub(lambda match: f"{self.prefix}{_number(match)}z", compiled)

    def expand(self, compiled: str) -> str:
        """The Liquid put back."""
        return self._tokens().sub(lambda match: self.pieces[_number(match)], compiled)

    def only(self, text: str) -> str:
        """The tokens in `text` and nothing else."""
        return "".join(match[0] for match in self._tokens().finditer(text))

    def restore(self, compiled: str) -> Restored:
        """The Liquid put back, with a map from places in the result to the author's lines."""
        parts: list[str] = []
        starts: list[int] = []
        lines: list[int] = []
        done = length = 0
        for match in self._tokens().finditer(compiled):
            number = _number(match)
            literal, piece = compiled[done : match.start()], self.pieces[number]
            starts.append(length + len(literal))
            lines.append(self.lines[number])
            parts += (literal, piece)
            length += len(literal) + len(piece)
            done = match.end()
        parts.append(compiled[done:])
        return Restored("".join(parts), starts, lines)


class Restored(msgspec.Struct, frozen=True):
    """Compiled markup with its Liquid, and where that came from."""

    source: str
    starts: list[int]
    lines: list[int]

    def line(self, index: int) -> int | None:
        """The author's line for an offset in `source`, None before the first Liquid."""
        place = bisect_right(self.starts, index) - 1
        return self.lines[place] if place >= 0 else None


def swap(source: str) -> Swapped:
    """Take the Liquid out of `source`."""
    prefix = _unused_prefix(source)
    parts: list[str] = []
    pieces: list[str] = []
    lines: list[int] = []
    context = _Context()
    done, line = 0, 1
    for match in _LIQUID.finditer(source):
        literal = source[done : match.start()]
        context.read(literal)
        line += literal.count("\n")
        name = f"{prefix}{len(pieces)}"
        parts += (literal, f"<!--{name}c-->" if context.markup else f"{name}z")
        pieces.append(match.group())
        lines.append(line)
        line += match.group().count("\n")
        done = match.end()
    parts.append(source[done:])
    return Swapped("".join(parts), pieces, lines, prefix)


def blank(source: str) -> str:
    """`source` without its Liquid, line by line where it was."""
    return _LIQUID.sub(lambda match: "\n" * match[0].count("\n"), source)


class _Context:
    """Follows markup far enough to know whether a comment may stand here."""

    def __init__(self) -> None:
        self._until = ""  # what ends the state we are in; empty in markup
        self._name = ""

    @property
    def markup(self) -> bool:
        return not self._until

    def read(self, text: str) -> None:
        at = 0
        while at < len(text):
            at = self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        if not self._until:
            match = _OPENS.search(text, at)
            if match is None:
                return len(text)
            self._name = (match["name"] or "").lower()
            self._until = ">" if self._name else "-->"
            return match.end()
        if self._until == ">":
            match = _IN_TAG.search(text, at)
            if match is None:
                return len(text)
            self._until = match[0] if match[0] != ">" else self._after_tag(text, match.start())
            return match.end()
        found = re.compile(re.escape(self._until), re.IGNORECASE).search(text, at)
        if found is None:
            return len(text)
        closing = self._until
        self._until = ">" if closing in {'"', "'"} or closing.startswith("</") else ""
        self._name = self._name if closing in {'"', "'"} else ""
        return found.end()

    def _after_tag(self, text: str, end: int) -> str:
        if self._name in _WORDS_ONLY and text[end - 1 : end] != "/":
            return f"</{self._name}"
        return ""


def _unused_prefix(source: str) -> str:
    prefix = "lq"
    while re.search(rf"{prefix}\d+[cz]", source, re.IGNORECASE):
        prefix += "q"
    return prefix


def _number(match: re.Match[str]) -> int:
    return int(match[1] or match[2])
