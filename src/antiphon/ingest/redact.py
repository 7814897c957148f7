"""Values that must never be stored, by the names of their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

REDACTED = "[redacted]"

DEFAULT_KEYS = (
    "authorization",
    "proxy_authorization",
    "password",
    "passwd",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "secret",
    "client_secret",
    "private_key",
    "api_key",
    "x_api_key",
    "cookie",
    "set_cookie",
    "card_number",
    "cvv",
    "cvc",
    "ssn",
)
"""Redacted unless the workspace says otherwise."""

MOST_NAMES = 100_000
LONGEST_NAME = 128
"""What is remembered of harmless names: a client that makes up keys must not fill our memory."""


class Redactor:
    """Replaces the values of certain keys at any depth; case, `-` and `_` do not matter (`apiKey` is `X_API-KEY`'s kin).

    Names of keys repeat: those found harmless are remembered, so that an event costs a few set look-ups.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Redact `keys`."""
        self.keys = tuple(keys)
        self._folded = frozenset(fold(key) for key in keys) - {""}
        self._harmless: set[str] = set()

    def redact(self, value: dict[str, Any]) -> None:
        """Replace in place, at any depth of objects and lists."""
        if not value.keys() <= self._harmless:
            self._look(value)
        for inner in value.values():
            if inner.__class__ is dict:
                self.redact(inner)
            elif inner.__class__ is list:
                self._redact_list(inner)

    def _look(self, value: dict[str, Any]) -> None:
        for key, inner in value.items():
            if key in self._harmless:
                continue
            if fold(key) not in self._folded:
                if len(self._harmless) < MOST_NAMES and len(key) <= LONGEST_NAME:
                    self._harmless.add(key)
            elif inner is not None:
                value[key] = REDACTED

    def _redact_list(self, values: list[Any]) -> None:
        for inner in values:
            if inner.__class__ is dict:
                self.redact(inner)
            elif inner.__class__ is list:
                self._redact_list(inner)


def fold(key: str) -> str:
    """A name without what does not matter in it."""
    return key.lower().replace("-", "").replace("_", "")
