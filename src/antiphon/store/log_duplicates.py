"""Which offsets of the log repeat an earlier event; history and the live view leave them out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from antiphon.store.dedupe import Repeat
from antiphon.store.dialect import upsert
from antiphon.store.log import Segment
from antiphon.store.tables import log_duplicates


def record(conn: Connection, segment: Segment, repeats: Sequence[Repeat], partition: int = 0) -> None:
    """Note the repeats in a segment; one whose first is at hand is compared with it: same id, other body conflicts."""
    rows: list[dict[str, object]] = []
    for repeat in repeats:
        first = None if repeat.first_offset is None else repeat.first_offset - segment.first_offset
        same = True
        if first is not None and 0 <= first < len(segment.events):
            one, other = segment.events[first], segment.events[repeat.index]
            same = (one.name, one.user_id, one.properties) == (other.name, other.user_id, other.properties)
        offset = segment.first_offset + repeat.index
        rows.append({"partition": partition, "offset": offset, "conflicting": not same})
    upsert(conn, log_duplicates, rows)


def between(conn: Connection, start: int, end: int, partition: int = 0) -> frozenset[int]:
    """The repeated offsets in [start, end)."""
    d = log_duplicates
    query = select(d.c.offset).where(d.c.partition == partition, d.c.offset >= start, d.c.offset < end)
    return frozenset(conn.execute(query).scalars())
