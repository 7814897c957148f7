"""The end of the log as people watch it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from antiphon.store.tables import log_duplicates


def duplicates_between(conn: Connection, start: int, end: int, partition: int = 0) -> frozenset[int]:
    """Offsets in [start, end) of events that had been received before, as far as evaluation got."""
    d = log_duplicates
    query = select(d.c.offset).where(d.c.partition == partition, d.c.offset >= start, d.c.offset < end)
    return frozenset(conn.execute(query).scalars())
