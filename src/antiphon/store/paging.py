"""Keyset pages: a cursor is the place after the last row, opaque to who carries it."""

from __future__ import annotations

import base64
import binascii

import msgspec

from antiphon.errors import InvalidInput


class After(msgspec.Struct, array_like=True, frozen=True):
    """The last row of a page: what it is sorted by, and its id where that alone may be shared."""

    key: int
    id: str = ""


def encode(after: After) -> str:
    """The cursor that `decode` takes."""
    return base64.urlsafe_b64encode(msgspec.json.encode(after)).decode().rstrip("=")


def decode(cursor: str | None) -> After | None:
    """The place that a cursor names; None for the first page; InvalidInput for what is no cursor of ours."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=After)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidInput("The cursor is not one that this list gave out; start without one.") from error
