"""The log: every accepted event in order, in compressed segments, appended by group commit.

An event's offset is its segment's first offset plus its index; a cursor is the next offset to read. Offsets become
visible in order: SQLite has one writer at a time, and in PostgreSQL an append locks the partition's head until it
commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cramjam
import msgspec
import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, select

from antiphon.model.event import Event
from antiphon.model.event_batch import BrokenEvents, EventBatch
from antiphon.store.dialect import INSERTS, insert_rows
from antiphon.store.log_tables import log_heads, log_segments

SEGMENT_EVENTS = 4096
"""A segment holds at most this many events; a batch of more is split."""

_COMPRESS_FROM = 512  # bytes; below, lz4 gains nothing
_SCAN = 1024  # segments looked at to fill one read

_COLUMNS = ("partition", "first_offset", "count", "codec", "payload", "committed_at")

# made once: to make a statement takes longer than to run it
_HERE = log_segments.c.partition == bindparam("in_partition")
_BEFORE = (
    select(func.max(log_segments.c.first_offset))
    .where(_HERE, log_segments.c.first_offset <= bindparam("offset"))
    .scalar_subquery()
)
_SIZES = (
    select(log_segments.c.first_offset, log_segments.c.count)
    .where(_HERE, log_segments.c.first_offset >= func.coalesce(_BEFORE, 0))
    .order_by(log_segments.c.first_offset)
    .limit(_SCAN)
)
_SEGMENTS = (
    select(*(log_segments.c[name] for name in ("first_offset", "count", "codec", "payload", "committed_at")))
    .where(_HERE, log_segments.c.first_offset.between(bindparam("first"), bindparam("last")))
    .order_by(log_segments.c.first_offset)
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Event])


class Packed(msgspec.Struct, frozen=True, gc=False):
    """Events in the log's encoding, ready to be appended: `body` is msgpack without the array header."""

    count: int
    body: bytes


class RawSegment(msgspec.Struct, frozen=True, gc=False):
    """A stored segment, still packed; `committed_at` in ms."""

    first_offset: int
    count: int
    codec: str
    payload: bytes
    committed_at: int


class Segment(msgspec.Struct, frozen=True):
    """Consecutive events; `events[i]` has the offset `first_offset + i`."""

    first_offset: int
    events: list[Event]
    committed_at: int

    @property
    def end_offset(self) -> int:
        """The offset after the last event: the cursor once this was read."""
        return self.first_offset + len(self.events)


class Stretch(msgspec.Struct, frozen=True):
    """Consecutive events as they are packed; `events[i]` has the offset `first_offset + i`."""

    first_offset: int
    events: EventBatch

    @property
    def end_offset(self) -> int:
        """The offset after the last event: the cursor once this was read."""
        return self.first_offset + len(self.events)


def pack(events: Sequence[Event]) -> Packed:
    """Encode `events` (at most SEGMENT_EVENTS of them)."""
    count = len(events)
    encoded = _encoder.encode(events)
    return Packed(count, encoded[1 if count < 16 else 3 :])  # noqa: PLR2004 - msgpack's short array header


def packed_batches(events: Sequence[Event]) -> list[Packed]:
    """Encode any number of events."""
    return [pack(events[start : start + SEGMENT_EVENTS]) for start in range(0, len(events), SEGMENT_EVENTS)]


def append_events(conn: Connection, events: Sequence[Event], now: int, partition: int = 0) -> int:
    """Append in the caller's write transaction; the first event's offset. Wake 'log' after the commit."""
    return append_packed(conn, packed_batches(events), now, partition)


def append_packed(conn: Connection, batches: Sequence[Packed], now: int, partition: int = 0) -> int:
    """As `append_events`, for what is packed already; small batches share a segment."""
    total = sum(batch.count for batch in batches)
    counted = {"partition": partition, "next_offset": total}
    start = offset = conn.execute(_counting_on(conn.dialect.name), counted).scalar_one() - total
    rows: list[tuple[object, ...]] = []
    group: list[Packed] = []
    count = 0
    for batch in batches:
        if group and count + batch.count > SEGMENT_EVENTS:
            rows.append(_row(partition, offset, count, group, now))
            offset, group, count = offset + count, [], 0
        group.append(batch)
        count += batch.count
    if group:
        rows.append(_row(partition, offset, count, group, now))
        insert_rows(conn, log_segments, _COLUMNS, rows)
    return start


def read(conn: Connection, offset: int, max_events: int, partition: int = 0) -> list[Segment]:
    """Events from `offset` on, oldest first; whole segments, so the last may go beyond `max_events`.

    The first segment is cut to begin at `offset`. It begins later if older events were trimmed.
    """
    return [unpack(raw, offset) for raw in read_raw(conn, offset, max_events, partition)]


def read_stretch(conn: Connection, offset: int, max_events: int, partition: int = 0) -> Stretch:
    """The events that `read` gives, in one batch and without an object for each; none when there are none.

    Raises BrokenEvents for bytes that are no packed events.
    """
    segments = read_raw(conn, offset, max_events, partition)
    first = segments[0].first_offset if segments else offset
    end = first
    for raw in segments:
        if raw.first_offset != end:  # pragma: no cover - offsets are dense
            raise BrokenEvents(f"The log has no event of offset {end}.")
        end += raw.count
    events = EventBatch.read(b"".join(map(payload_of, segments)), end - first)
    if first >= offset:
        return Stretch(first, events)
    return Stretch(offset, events.take(np.arange(offset - first, len(events))))


def read_raw(conn: Connection, offset: int, max_events: int, partition: int = 0) -> list[RawSegment]:
    """The packed segments that hold the events from `offset` on; the first may begin before it."""
    sizes = conn.execute(_SIZES, {"in_partition": partition, "offset": offset})
    wanted: list[int] = []
    found = 0
    for first, count in sizes:
        if first + count <= offset:
            continue
        wanted.append(first)
        found += first + count - max(first, offset)
        if found >= max_events:
            break
    if not wanted:
        return []
    rows = conn.execute(_SEGMENTS, {"in_partition": partition, "first": wanted[0], "last": wanted[-1]})
    return [RawSegment(*row) for row in rows]


def payload_of(raw: RawSegment) -> bytes:
    """What a segment holds: a list of packed events."""
    return bytes(cramjam.lz4.decompress_block(raw.payload)) if raw.codec == "lz4" else raw.payload


def unpack(raw: RawSegment, offset: int = 0) -> Segment:
    """Decode a segment, leaving out what lies before `offset`."""
    events = _decoder.decode(payload_of(raw))
    skip = max(0, offset - raw.first_offset)
    return Segment(raw.first_offset + skip, events[skip:] if skip else events, raw.committed_at)


def head(conn: Connection, partition: int = 0) -> int:
    """The offset that the next event will get."""
    return conn.execute(select(log_heads.c.next_offset).where(log_heads.c.partition == partition)).scalar() or 0


def oldest(conn: Connection, partition: int = 0) -> int:
    """The first offset that can still be read (equal to `head` when the log is empty)."""
    found = conn.execute(select(func.min(log_segments.c.first_offset)).where(log_segments.c.partition == partition))
    first = found.scalar()
    return head(conn, partition) if first is None else first


def trim(conn: Connection, before_offset: int, partition: int = 0) -> int:
    """Delete the segments that lie wholly before `before_offset`; how many."""
    table = log_segments
    return conn.execute(
        delete(table).where(table.c.partition == partition, table.c.first_offset + table.c.count <= before_offset)
    ).rowcount


def end_before(conn: Connection, instant: int, partition: int = 0) -> int:
    """The offset after the last segment that was committed before `instant` (ms); 0 when there is none."""
    table = log_segments
    where = table.c.partition == partition, table.c.committed_at < instant
    return conn.execute(select(func.max(table.c.first_offset + table.c.count)).where(*where)).scalar() or 0


@lru_cache(maxsize=2)
def _counting_on(dialect: str) -> Any:
    """The statement that takes offsets, made once: to make it takes longer than to run it."""
    statement = INSERTS[dialect](log_heads)
    return statement.on_conflict_do_update(
        index_elements=[log_heads.c.partition],
        set_={"next_offset": log_heads.c.next_offset + statement.excluded.next_offset},
    ).returning(log_heads.c.next_offset)


def _row(partition: int, offset: int, count: int, group: list[Packed], now: int) -> tuple[object, ...]:
    header = b"\xdd" + count.to_bytes(4, "big")
    payload = b"".join([header, *(batch.body for batch in group)])
    codec = "raw"
    if len(payload) >= _COMPRESS_FROM:
        codec, payload = "lz4", bytes(cramjam.lz4.compress_block(payload))
    return partition, offset, count, codec, payload, now
