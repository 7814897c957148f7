"""Events as the bytes that go over the wire (the Segment batch format)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

MAX_EVENT = 32 * 1024
"""Bytes of one event, as JSON: the documented limit of the server."""


def _plain(value: object) -> object:  # noqa: PLR0911 - one line for each type
    """What JSON has no form for, as what it has."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    if isinstance(value, (set, frozenset)):
        return list(cast("Iterable[Any]", value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


_strict = json.JSONEncoder(separators=(",", ":"), default=_plain, allow_nan=False, ensure_ascii=False)


def encode(value: object) -> bytes:
    """Compact JSON. Dates become ISO 8601, decimals numbers, sets lists; NaN and infinities null.

    Half a surrogate pair, which no JSON reader takes, becomes a question mark. Raises TypeError, ValueError or
    RecursionError for what has no JSON form (bytes, own classes, loops).
    """
    try:
        text = _strict.encode(value)
    except ValueError:
        text = _strict.encode(_finite(value))
    return text.encode("utf-8", "replace")


def _finite(value: object) -> object:
    """A copy in which numbers that JSON does not know are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_finite(item) for item in cast("Iterable[Any]", value)]
    return value


def iso(moment: datetime | float) -> str:
    """ISO 8601 in UTC with milliseconds; a number is seconds since the epoch, a naive datetime local time."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(timezone.utc)
    else:
        moment = datetime.fromtimestamp(moment, timezone.utc)
    return moment.isoformat(timespec="milliseconds")


def batch(events: list[bytes], sent_at: float) -> bytes:
    """The body of POST /v1/batch; `sent_at` (s since the epoch) is the moment of this very attempt."""
    return b'{"batch":[' + b",".join(events) + b'],"sentAt":"' + iso(sent_at).encode() + b'"}'
