"""The limits on an event's JSON: depth, keys, numbers and text.

Almost every event is flat. `BOUNDED_OBJECT` is a type whose decoding in C holds the limits down to a few levels and
refuses anything deeper; what it refuses is looked at again by `violation`, which knows the true limits and the place.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Union

from msgspec import Meta

from antiphon.ingest.drops import Drop

MAX_DEPTH = 32
"""Objects and lists within each other, the event itself included."""

MAX_KEYS = 512
"""Keys of one object."""

MIN_INT = -(2**63)
MAX_INT = 2**63 - 1

_FAST_DEPTH = 4  # a level doubles the size of the type


def _bounded(depth: int) -> Any:
    scalar: Any = Union[str, Annotated[int, Meta(ge=MIN_INT, le=MAX_INT)], float, bool, None]  # noqa: UP007 - pyright knows no `|` on Annotated
    if depth == 0:
        return scalar
    inner = _bounded(depth - 1)
    return Union[Annotated[dict[str, inner], Meta(max_length=MAX_KEYS)], list[inner], scalar]  # noqa: UP007


BOUNDED_OBJECT: Any = Union[Annotated[dict[str, _bounded(_FAST_DEPTH)], Meta(max_length=MAX_KEYS)], None]  # noqa: UP007
"""A JSON object or null within all limits; NUL characters have to be looked for in the bytes."""


def violation(value: Any, path: str = "$", depth: int = 1) -> Drop | None:
    """What of a JSON value breaks a limit, and where."""
    if isinstance(value, str):
        return _text_violation(value, path)
    if isinstance(value, dict | list):
        return _container_violation(value, path, depth)
    if isinstance(value, int) and not MIN_INT <= value <= MAX_INT:
        return Drop("bad_number", f"{_shown(path)} does not fit a signed 64-bit integer")
    if isinstance(value, float) and not math.isfinite(value):
        return Drop("bad_number", f"{_shown(path)} is not a finite number")
    return None


def _container_violation(value: dict[Any, Any] | list[Any], path: str, depth: int) -> Drop | None:
    if depth > MAX_DEPTH:
        return Drop("too_deep", f"{_shown(path)} is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, list):
        found = (violation(inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(value))
    elif len(value) > MAX_KEYS:
        return Drop("too_many_keys", f"{_shown(path)} has {len(value)} keys; {MAX_KEYS} are allowed")
    else:
        found = (
            _text_violation(key, f"a key of {path}") or violation(inner, f"{path}.{key}", depth + 1)
            for key, inner in value.items()
        )
    return next((each for each in found if each is not None), None)


def _text_violation(text: str, path: str) -> Drop | None:
    if "\0" in text:
        return Drop("bad_text", f"{_shown(path)} contains a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Drop("bad_text", f"{_shown(path)} contains half of a surrogate pair")
    return None


def _shown(path: str) -> str:
    shown = path if len(path) <= 120 else path[:60] + "..." + path[-40:]  # noqa: PLR2004 - what fits a line
    return shown.encode("utf-8", "replace").decode().replace("\0", "?")
