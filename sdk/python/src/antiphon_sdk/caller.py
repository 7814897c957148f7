"""Who made a call: what the application's own callable answers, and a helper to write one in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional, Union
from uuid import UUID


class Caller(NamedTuple):
    """Who made a call. A company alone is enough; an `anonymous_id` counts somebody who is not known yet."""

    user_id: str | None = None
    company_id: str | None = None
    anonymous_id: str | None = None


Answer = Union[None, str, int, UUID, tuple[Optional[Union[str, int, UUID]], ...]]
"""What a `user` callable may answer: nobody, a user, or (user, company[, anonymous id])."""

KEY = "antiphon.user"
"""Where the application may leave the answer itself: in the ASGI scope, the WSGI environ."""


def as_caller(answer: Answer) -> Caller | None:
    """The answer in one shape; None when nobody is named (the call is then not counted).

    Raises TypeError for an answer that is neither.
    """
    if not answer and answer != 0:
        return None
    if isinstance(answer, tuple):
        if len(answer) > len(Caller._fields):
            raise TypeError(f"expected (user_id, company_id, anonymous_id), got {len(answer)} values")
        caller = Caller(*[None if part is None or part == "" else str(part) for part in answer])
        return caller if any(caller) else None
    if isinstance(answer, (str, int, UUID)):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped applications
        return Caller(str(answer))
    raise TypeError(f"expected a user id, a tuple or None, got {type(answer).__name__}")


def header(source: Mapping[str, Any], name: str) -> str | None:
    """The first value of a request header, from an ASGI scope or a WSGI environ; None when it is missing.

    `user=lambda scope: OWNERS.get(header(scope, "x-api-key"))`
    """
    headers: Iterable[tuple[bytes, bytes]] | None = source.get("headers")
    if headers is not None:
        wanted = name.lower().encode("latin-1")
        for key, value in headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None
    key = name.upper().replace("-", "_")
    return source.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key)
