"""What a JSON value is to a rule: a number, a text, a truth value, a date, or nothing of the kind.

There is no coercion: `"5"` is no number and `true` is not 1. Numbers are 64-bit floats, as in JSON; JSON's null is
a missing value. The same definitions over columns stand in `columns.py`; a test holds the two equal.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

EXACT_INTEGER = 10**15
"""Up to here a float that is whole is written without a fraction or an exponent."""

LARGEST = 1e15
"""A number of this size or more is not summed: it could not be added exactly."""

LARGEST_DATE = 253_402_300_799_999
"""The last millisecond of the year 9999."""

SECONDS_BELOW = 100_000_000_000
"""A number as a date counts seconds below this, and milliseconds from it on."""

DATE = (
    r"^([1-9][0-9]{3}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?"
    r" ?(Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?)?$"
)
"""ISO 8601, in the part of it that RE2, Python and every engine read alike."""

_DATE = re.compile(DATE + r"(?!\n)")


def number(value: Any) -> float | None:
    """The value as a float when it is a number (true and false are none), else None."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def plain(value: float) -> int | float:
    """A whole number as an integer, so that 5 and 5.0 are kept alike."""
    return int(value) if type(value) is float and value.is_integer() and abs(value) < LARGEST else value


def written(value: Any) -> str | None:
    """A value's text form: a text itself, a number's shortest decimal, `true` or `false`; else None.

    A whole number has no fraction (`5.0` is written `5`); one of 1e16 or more, or below 1e-4, has an exponent.
    """
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int and -(2**63) <= value < 2**64:
        return str(value)
    as_number = number(value)
    if as_number is None:
        return None
    if as_number.is_integer() and abs(as_number) < EXACT_INTEGER:
        return str(int(as_number))
    return repr(as_number)


def date(value: Any) -> int | None:
    """The instant that a value names, in ms since the epoch UTC, else None.

    A text is ISO 8601 (a date alone is its midnight; without an offset it is UTC); a number counts seconds, or
    milliseconds from 100,000,000,000 on.
    """
    if type(value) is str:
        return _date_of_text(value)
    as_number = number(value)
    if as_number is None or not abs(as_number) <= LARGEST_DATE:
        return None
    return int((as_number if abs(as_number) >= SECONDS_BELOW else as_number * 1000) // 1)


def _date_of_text(text: str) -> int | None:
    match = _DATE.match(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, offset = match.groups()
    try:
        instant = datetime.fromisoformat(day).replace(hour=int(hour or 0), minute=int(minute or 0), tzinfo=UTC)
    except ValueError:
        return None
    milliseconds = int((fraction or "0").ljust(3, "0")[:3])
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    shift = 0
    if offset and offset != "Z":
        digits = offset[1:].replace(":", "")
        shift = (int(digits[:2]) * 60 + int(digits[2:])) * 60_000 * (-1 if offset[0] == "-" else 1)
    return (since // timedelta(milliseconds=1)) + int(second or 0) * 1000 + milliseconds - shift
