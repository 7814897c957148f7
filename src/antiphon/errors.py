"""The one error tree; expected outcomes are values, these are for what a caller must hear about.

AntiphonError
├── InvalidInput        the caller sent something that cannot be taken (HTTP 400)
│   └── RuleSyntaxError a rule's text does not parse; carries the position
├── Unauthorized        no or wrong credentials (HTTP 401)
├── Forbidden           known, but not allowed (HTTP 403)
├── NotFound            no such thing (HTTP 404)
├── Conflict            someone else changed it, or it exists (HTTP 409)
├── TooLarge            beyond a documented limit (HTTP 413)
├── Overloaded          above the high-water mark; try again later (HTTP 429)
├── Superseded          another worker has taken over; this one must end (HTTP 503)
├── Unavailable         storage or disk trouble; nothing was stored (HTTP 503)
└── ConfigError         a setting is wrong (exit code 2)
"""

from __future__ import annotations

from typing import ClassVar


class AntiphonError(Exception):
    """Root of all errors raised on purpose.

    `code` is stable and machine-readable; `message` says what happened and what to do next.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: object) -> None:
        """Keep `message` for people and `details` (JSON-ready) for programs."""
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(AntiphonError):  # noqa: N818 - the tree above reads as outcomes
    """The caller sent something that cannot be taken."""

    code = "invalid_input"
    status = 400


class RuleSyntaxError(InvalidInput):
    """A rule's text does not parse.

    `details` holds `position` (0-based offset), `line` and `column` (1-based) and `expected` (a list of words).
    """

    code = "rule_syntax"


class Unauthorized(AntiphonError):  # noqa: N818
    """No or wrong credentials."""

    code = "unauthorized"
    status = 401


class Forbidden(AntiphonError):  # noqa: N818
    """Known, but not allowed."""

    code = "forbidden"
    status = 403


class NotFound(AntiphonError):  # noqa: N818
    """No such thing."""

    code = "not_found"
    status = 404


class Conflict(AntiphonError):  # noqa: N818
    """It exists already, or someone changed it since it was read."""

    code = "conflict"
    status = 409


class TooLarge(AntiphonError):  # noqa: N818
    """Beyond a documented limit."""

    code = "too_large"
    status = 413


class Overloaded(AntiphonError):  # noqa: N818
    """Above the high-water mark; `details['retry_after']` is in seconds."""

    code = "overloaded"
    status = 429


class Unavailable(AntiphonError):  # noqa: N818
    """Storage or disk trouble; nothing of the request was stored."""

    code = "unavailable"
    status = 503


class Superseded(AntiphonError):  # noqa: N818
    """Another worker has taken over; this one must end."""

    code = "superseded"
    status = 503


class ConfigError(AntiphonError):
    """A setting is wrong; the message names it, where it came from, and what is allowed."""

    code = "config"
