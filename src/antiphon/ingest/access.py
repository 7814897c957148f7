"""Who may send, and what must not be stored: read from the database, at most a second old."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from antiphon.errors import Unauthorized
from antiphon.model.clock import SECOND, Clock

MAX_AGE = SECOND
"""A revoked key works for at most this long (ms)."""

RETRY_AFTER = SECOND // 10
"""An unknown key makes us look again at most this often (ms): a new key works at once."""

_MAX_SECRET = 512


class IngestKey(msgspec.Struct, frozen=True):
    """A write or server key; `source` is what its events are stored under."""

    source: str
    kind: Literal["write", "server"]


class Access(msgspec.Struct, frozen=True):
    """What `AccessReader` reads: keys by the SHA-256 of their secret, and the names of keys to redact."""

    keys: Mapping[bytes, IngestKey]
    redact_keys: Sequence[str]


class AccessReader:
    """Keeps `Access` fresh."""

    def __init__(self, load: Callable[[], Access], clock: Clock) -> None:
        """`load` reads the database; it is called in a thread."""
        self._load = load
        self._clock = clock
        self._lock = asyncio.Lock()
        self._access = Access({}, ())
        self._loaded_at: int | None = None
        self._known: dict[str, IngestKey] = {}

    @property
    def redact_keys(self) -> Sequence[str]:
        """The names as of the last `find`."""
        return self._access.redact_keys

    async def find(self, secret: str) -> IngestKey:
        """The key with this secret.

        Raises:
            Unauthorized: there is none, or it was revoked.
        """
        await self._refresh(MAX_AGE)
        key = self._known.get(secret)
        if key is not None:
            return key
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest() if len(secret) <= _MAX_SECRET else b""
        if digest and digest not in self._access.keys:
            await self._refresh(RETRY_AFTER)
        key = self._access.keys.get(digest)
        if key is None:
            raise Unauthorized("There is no such key. Copy a write or server key from the settings page.")
        self._known[secret] = key
        return key

    async def _refresh(self, max_age: int) -> None:
        """Load again if what we have is older than `max_age` ms; those who come meanwhile wait for the same load."""
        if self._fresh(max_age):
            return
        async with self._lock:
            if not self._fresh(max_age):
                now = self._clock()
                self._access = await asyncio.to_thread(self._load)
                self._known = {}
                self._loaded_at = now

    def _fresh(self, max_age: int) -> bool:
        return self._loaded_at is not None and 0 <= self._clock() - self._loaded_at < max_age


def secret_of(authorization: bytes) -> str | None:
    """The key in an Authorization header, `Basic base64("key:")` or `Bearer key`; None when there is none."""
    scheme, _, value = authorization.strip().partition(b" ")
    value = value.strip()
    if scheme.lower() == b"bearer":
        return value.decode("latin-1") or None
    if scheme.lower() == b"basic":
        try:
            decoded = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return decoded.partition(":")[0] or None
    return None
