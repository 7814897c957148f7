"""Wildcards and regular expressions: RE2 in both places, so that live and history read a pattern alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

from antiphon.errors import InvalidInput

MAX_PATTERN = 1_000
"""Longest pattern taken, in characters."""


def wildcard_regex(pattern: str) -> str:
    """The RE2 expression of a wildcard pattern: `*` stands for any run of characters, the whole text must match."""
    escaped = (f"\\{char}" if char.isascii() and not (char.isalnum() or char == "_") else char for char in pattern)
    return "(?s)^" + "".join(escaped).replace(r"\*", ".*") + "$"


@lru_cache(maxsize=1024)
def finder(regex: str) -> Callable[[str], bool]:
    """A function that tells whether `regex` is found anywhere in a text.

    Raises InvalidInput when RE2 does not take the expression (look-around and back-references are not in it).
    """
    if len(regex) > 2 * MAX_PATTERN + 10:
        raise InvalidInput(f"A pattern has at most {MAX_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(regex, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise InvalidInput(f"The regular expression {regex!r} cannot be used: {reason}.") from error

    def found(text: str) -> bool:
        return compiled.search(text) is not None

    return found
