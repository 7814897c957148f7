"""The end of the log as people watch it: what evaluation has read, without duplicates."""

from __future__ import annotations

from sqlalchemy import Connection, select

from antiphon.store.tables import cursors, log_duplicates


def evaluated_to(conn: Connection, partition: int = 0) -> int:
    """The offset up to which events were evaluated, so that duplicates among them are known."""
    query = select(cursors.c.position).where(cursors.c.name == f"evaluate:{partition}")
    return conn.execute(query).scalar_one_or_none() or 0


def duplicates_between(conn: Connection, start: int, end: int, partition: int = 0) -> frozenset[int]:
    """Offsets in [start, end) of events that were received before."""
    d = log_duplicates
    query = select(d.c.offset).where(d.c.partition == partition, d.c.offset >= start, d.c.offset < end)
    return frozenset(conn.execute(query).scalars())
