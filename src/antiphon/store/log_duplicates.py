"""Which offsets of the log repeat an earlier event; history and the live view leave them out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from antiphon.model.event import Event
from antiphon.store.dedupe import Repeat, conflicting
from antiphon.store.dialect import upsert
from antiphon.store.tables import log_duplicates


def record(
    conn: Connection,
    log_conn: Connection,
    first_offset: int,
    events: Sequence[Event],
    repeats: Sequence[Repeat],
    partition: int = 0,
) -> None:
    """Note the repeats among events, and which of them conflict: same id, other body (see `dedupe.conflicting`)."""
    other = conflicting(log_conn, first_offset, events, repeats, partition)
    rows = [
        {
            "partition": partition,
            "offset": first_offset + repeat.index,
            "conflicting": repeat.index in other,
        }
        for repeat in repeats
    ]
    upsert(conn, log_duplicates, rows)


def between(conn: Connection, start: int, end: int, partition: int = 0) -> frozenset[int]:
    """The repeated offsets in [start, end)."""
    d = log_duplicates
    query = select(d.c.offset).where(d.c.partition == partition, d.c.offset >= start, d.c.offset < end)
    return frozenset(conn.execute(query).scalars())
