"""The keys that may send events: write and server keys in force."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, or_, select

from antiphon.store.tables import tokens


class SendingKey(msgspec.Struct, frozen=True):
    """A key by its row; `digest` is the SHA-256 of its secret."""

    id: int
    digest: bytes
    kind: Literal["write", "server"]


def sending_keys(conn: Connection, now: int) -> list[SendingKey]:
    """All of them."""
    in_force = tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    rows = conn.execute(
        select(tokens.c.id, tokens.c.digest, tokens.c.kind).where(tokens.c.kind.in_(("write", "server")), *in_force)
    )
    return [SendingKey(row.id, bytes(row.digest), row.kind) for row in rows]
