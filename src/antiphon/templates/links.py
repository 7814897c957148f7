"""Signed links in emails: what a recipient may do without signing in."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec
from itsdangerous import BadData, URLSafeSerializer

MAX_TOKEN = 2048
"""Longest token that is looked at, in characters."""

_SALT = "antiphon.unsubscribe.1"


class UnsubscribeLink(msgspec.Struct, frozen=True, array_like=True):
    """Whom an unsubscribe link is for; `message_id` is None for a test send, an empty `topic` means every topic."""

    message_id: int | None
    address: str
    topic: str


def sign_unsubscribe(secret: str, *, message_id: int | None, address: str, topic: str = "") -> str:
    """A token for the path of an unsubscribe link; it does not expire, because RFC 8058 links must keep working."""
    return _serializer(secret).dumps([message_id, address, topic])


def read_unsubscribe(secret: str, token: str) -> UnsubscribeLink | None:
    """What a token stands for, None when it was not signed with `secret` or is damaged."""
    if len(token) > MAX_TOKEN:
        return None
    try:
        return msgspec.convert(_serializer(secret).loads(token), UnsubscribeLink)
    except (BadData, msgspec.ValidationError, ValueError):
        return None


@lru_cache(maxsize=4)
def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )
