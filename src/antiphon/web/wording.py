"""What a decoder says, in words for people."""

from __future__ import annotations

import re

_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Expected `str` of length >= 1\b"), "must not be empty"),
    (re.compile(r"Expected `str` of length >= (\d+)"), r"needs at least \1 characters"),
    (re.compile(r"Expected `str` of length <= (\d+)"), r"may have at most \1 characters"),
    (re.compile(r"Expected `array` of length >= (\d+)"), r"needs at least \1"),
    (re.compile(r"Expected `array` of length <= (\d+)"), r"may have at most \1"),
    (re.compile(r"Expected `(?:int|float)` >= (\S+)"), r"must be at least \1"),
    (re.compile(r"Expected `(?:int|float)` <= (\S+)"), r"must be at most \1"),
    (re.compile(r"Expected `str` matching regex .*"), "has characters that are not allowed"),
    (re.compile(r"Object missing required field `(\w+)`"), r"“\1” is missing"),
    (re.compile(r"Missing required query parameter '(\w+)'.*"), r"“\1” is missing"),
    (re.compile(r"Object contains unknown field `(.+)`"), r"“\1” is not known here"),
    (re.compile(r"Invalid enum value (.+)"), r"\1 is not one of the choices"),
    (re.compile(r"Invalid value (.+)"), r"\1 is not one of the choices"),
    (re.compile(r"JSON is malformed: (.+)"), r"the JSON is broken: \1"),
    (re.compile(r"Input data was truncated"), "the request has no body, or it ends early"),
)
_EXPECTED = re.compile(r"Expected `([\w| ]+)`, got `([\w| ]+)`")
_PATH = re.compile(r" - at `\$\.?(.*?)`")


def plain(message: str) -> str:
    """`Expected `str`, got `int` - at `$.name`` becomes `name: expected text, got a whole number`."""
    found = _PATH.search(message)
    path = found.group(1) if found else ""
    message = _PATH.sub("", message)
    for pattern, words in _PATTERNS:
        if pattern.search(message):
            message = pattern.sub(words, message)
            break
    else:
        message = _EXPECTED.sub(lambda m: f"expected {_kind(m.group(1))}, got {_kind(m.group(2))}", message)
    return f"{path}: {message}" if path else message


def _kind(types: str) -> str:
    return " or ".join(_TYPES.get(part.strip(), part.strip()) for part in types.split("|"))
