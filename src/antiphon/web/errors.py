"""The one table from errors to answers: `{"code", "message", "details"}` with the error's status."""

from __future__ import annotations

from typing import Any

import msgspec


class ErrorOut(msgspec.Struct, kw_only=True):
    """An error: `code` for programs, `message` for people, `details` what else there is to say."""

    code: str
    message: str
    details: dict[str, Any]
