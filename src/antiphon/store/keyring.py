"""The keys that may send events."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, or_, select

from antiphon.store.tables import tokens


def event_keys(conn: Connection, now: int) -> list[tuple[bytes, int, Literal["write", "server"]]]:
    """(SHA-256 of the secret, id, kind) of every write and server key in force."""
    t = tokens.c
    rows = conn.execute(
        select(t.digest, t.id, t.kind).where(
            t.kind.in_(("write", "server")),
            t.revoked_at.is_(None),
            or_(t.expires_at.is_(None), t.expires_at > now),
        )
    )
    return [(row.digest, row.id, row.kind) for row in rows]
