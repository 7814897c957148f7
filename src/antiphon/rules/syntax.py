"""What is wrong with a text, in plain words: where, what was expected there, and what was perhaps meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from lark import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from antiphon.errors import RuleSyntaxError
from antiphon.rules.grammar import SYMBOLS, keywords

T = TypeVar("T")

_PLAIN = {
    "NAME": "a name",
    "WILDCARD": "a name with *",
    "STRING": 'a text in quotes such as "pro"',
    "NUMBER": "a number",
    "UNIT": "minutes, hours, days, weeks or months",
    "PATTERN": "a pattern such as 5*",
    "DATE": "a date such as 2026-01-31",
    "WHOSE": "user's or company's",
    "OWNER": 'company."trait name"',
    "PERCENT": "%",
    "LPAR": "(",
    "RPAR": ")",
    "SEMICOLON": ";",
    "COMMA": ",",
    "PLUS": "+",
    "MINUS": "-",
    "STAR": "*",
    "SLASH": "/",
    "$END": "the end",
}
_SHOWN = 8
_ALIKE = 0.7
_SHORT, _ALIKE_SHORT = 4, 0.65
"""How alike two words are of which one was meant by the other: two letters the wrong way round in a word of three come to 0.67."""
_OTHERWISE = {
    "is": "=",
    "equals": "=",
    "isnt": "!=",
    "above": ">",
    "over": ">",
    "below": "<",
    "under": "<",
    "exactly": "=",
}
"""What people write for an operator, and its sign."""


def place(text: str, position: int) -> dict[str, int]:
    """A position (from 0) with its line and column (from 1)."""
    before = text[:position]
    return {"position": position, "line": before.count("\n") + 1, "column": position - (before.rfind("\n") + 1) + 1}


def syntax_error(text: str, error: UnexpectedInput) -> RuleSyntaxError:
    """The error for a text that the grammar does not take."""
    position, found = _found(text, error)
    terminals = _expected(error)
    expected = sorted({_plain(name) for name in terminals}, key=lambda words: (words == "the end", words))
    meant = _meant(text, position, found, terminals)
    where = f"after {_before(text, position)!r}" if text[:position].strip() else "at the start"
    what = f"{found!r} cannot stand {where}" if found else f"Something is missing {where}"
    message = f"{what}. Expected {_listed(expected)}."
    if meant:
        message += f" Did you mean {meant}?"
    return RuleSyntaxError(message, expected=expected, suggestion=meant, **place(text, position))


def nonsense(text: str, position: int, message: str) -> RuleSyntaxError:
    """The error for a text that can be read, but not meant so."""
    return RuleSyntaxError(message, expected=[], suggestion=None, **place(text, position))


def reading(text: str, read: Callable[[], T], *, noun: str, most: int, too_deep: str) -> T:
    """What `read` makes of a text of at most `most` characters; whatever lark raises becomes a RuleSyntaxError."""
    if len(text) > most:
        raise nonsense(text, most, f"A {noun}'s text has at most {most} characters.")
    try:
        return read()
    except UnexpectedInput as error:
        raise syntax_error(text, error) from error
    except VisitError as error:
        if isinstance(error.orig_exc, RuleSyntaxError):
            position = error.orig_exc.details.get("position", 0)
            raise nonsense(text, position if isinstance(position, int) else 0, error.orig_exc.message) from error
        raise
    except RecursionError as error:
        raise nonsense(text, 0, too_deep) from error


def _found(text: str, error: UnexpectedInput) -> tuple[int, str]:
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        return len(text.rstrip()), ""
    position = error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken):
        position = error.token.start_pos or 0
    word = re.match(r'"[^"\n]*"?|[\w.$:*\-]+|.', text[position:])
    return position, word.group() if word else ""


def _expected(error: UnexpectedInput) -> set[str]:
    if isinstance(error, UnexpectedToken):
        return set(error.accepts or error.expected)
    if isinstance(error, UnexpectedCharacters):
        return set(error.allowed)
    return set(getattr(error, "expected", ()))


def _plain(terminal: str) -> str:
    if terminal.startswith("_K_"):
        return terminal[3:].lower()
    by_name = {f"_{name}": symbol for symbol, name in SYMBOLS.items()}
    return by_name.get(terminal) or _PLAIN.get(terminal, terminal)


def _meant(text: str, position: int, found: str, terminals: Iterable[str]) -> str | None:
    """A word that was perhaps meant, for the one that is wrong or the one before it."""
    words = {name[3:].lower() for name in terminals if name.startswith("_K_")}
    if "UNIT" in terminals:
        words |= {"minutes", "hours", "days", "weeks", "months"}
    alike = _ALIKE_SHORT if len(found) <= _SHORT else _ALIKE
    close = difflib.get_close_matches(found.lower(), sorted(words), n=1, cutoff=alike)
    begun = sorted(word for word in words if found and word.startswith(found.lower()))
    if found.lower() in _OTHERWISE and "_EQ" in terminals:
        return f'"{_OTHERWISE[found.lower()]}"'
    if close or begun:
        return " or ".join(f'"{word}"' for word in close or begun)
    if found == "=" and text[:position].endswith("="):
        return '"=" only once'
    if "STRING" in terminals and "NAME" not in terminals and re.fullmatch(r"[\w.:\-]+", found):
        return f'"{found}" in quotes'
    if found and len(words) == 1 and words == {_plain(name) for name in terminals}:
        return f'"{next(iter(words))} {found}"'
    return _meant_before(text, position, found, terminals)


def _meant_before(text: str, position: int, found: str, terminals: Iterable[str]) -> str | None:
    """What was perhaps meant by the word before the place; or both words may be one name."""
    before = re.search(r"([\w.$:*\-]+)\s*$", text[:position])
    if not before or before.group(1).lower() in keywords():
        return None
    close = difflib.get_close_matches(before.group(1).lower(), keywords(), n=1, cutoff=_ALIKE)
    if close and before.group(1).isalpha():
        return f'"{close[0]}" instead of "{before.group(1)}"'
    if "_K_WHERE" in terminals and re.fullmatch(r"[\w.:\-]+", found):
        return f'"{before.group(1)} {found}" in quotes, if that is one name'
    return None


def _before(text: str, position: int) -> str:
    words = text[:position].split()
    return " ".join(words[-3:])


def _listed(words: list[str]) -> str:
    shown = words if len(words) <= _SHOWN else [*words[: _SHOWN - 1], f"{len(words) - _SHOWN + 1} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}" if shown else "nothing"
