"""Suppressions: addresses that are not mailed any more, everything or one topic."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, select

from antiphon.store.dialect import insert_new
from antiphon.store.tables import suppressions

SuppressionReason = Literal["unsubscribed", "bounced", "complained", "manual"]

EVERYTHING = ""
"""The topic that stands for all of them."""


def suppress(
    conn: Connection,
    address: str,
    *,
    topic: str = EVERYTHING,
    reason: SuppressionReason,
    message_id: int | None,
    now: int,
) -> bool:
    """Never mail `address` about `topic` again; False when that was so already (the first reason stays)."""
    row = {
        "address": address.strip().lower(),
        "topic": topic,
        "reason": reason,
        "message_id": message_id,
        "created_at": now,
    }
    return insert_new(conn, suppressions, row) is not None


def is_suppressed(conn: Connection, address: str, topic: str = EVERYTHING) -> bool:
    """Whether `address` must not be mailed about `topic`."""
    s = suppressions
    query = select(s.c.address).where(s.c.address == address.strip().lower(), s.c.topic.in_((EVERYTHING, topic)))
    return conn.execute(query.limit(1)).first() is not None
