"""Rows of the history table from the log's packed segments, without an object for each event."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from antiphon.model.event import API_CALL, LATE
from antiphon.store import packed_events as packed
from antiphon.store.history_schema import SCHEMA
from antiphon.store.log import RawSegment, payload_of

Array = Any
Arrow = Any
"""Arrays of numpy and of Arrow: what is done with them here is more than their stubs know."""

_TEXTS = ("event_id", "type", "name", "source", "user_id", "anonymous_id", "company_id", "previous_id")
_compute: Any = pyarrow.compute
_buffer: Any = pa.py_buffer
_GROUP_BYTES = 4 * 1024 * 1024


def packed_table(segments: Sequence[RawSegment], start: int, end: int, repeated: Collection[int]) -> pa.Table:
    """The rows of the events in [start, end) but for the offsets `repeated`, in the order of the log.

    Raises ValueError (BrokenSegment, ArrowInvalid) for bytes that are no packed events.
    """
    batches = [_batch(group, start, end, repeated) for group in _groups(segments)]
    return pa.Table.from_batches([batch for batch in batches if batch.num_rows], schema=SCHEMA)


def _groups(segments: Sequence[RawSegment]) -> Iterator[list[tuple[RawSegment, bytes]]]:
    """Segments with their bodies, a few MB at a time: arrays that stay in the processor's cache are read faster."""
    group: list[tuple[RawSegment, bytes]] = []
    size = 0
    for segment in segments:
        body = payload_of(segment)
        group.append((segment, body))
        size += len(body)
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _batch(
    group: Sequence[tuple[RawSegment, bytes]], start: int, end: int, repeated: Collection[int]
) -> pa.RecordBatch:
    data = np.frombuffer(b"".join(body for _, body in group), dtype=np.uint8)
    rows = sum(segment.count for segment, _ in group)
    places = packed.Places(data, rows)
    offsets = np.empty(rows, np.int64)
    row = place = 0
    for segment, body in group:
        places.read(place, place + len(body), row, segment.count)
        offsets[row : row + segment.count] = np.arange(segment.first_offset, segment.first_offset + segment.count)
        row, place = row + segment.count, place + len(body)
    columns: dict[str, Arrow] = {
        name: _texts(data, places.texts[index], places.lengths[index]) for index, name in enumerate(_TEXTS)
    }
    columns |= _properties(data, places, columns["name"])
    columns |= {
        "log_offset": pa.array(offsets),
        "timestamp": _instants(places.times[0]),
        "received_at": _instants(places.times[1]),
        "weight": pa.array(places.weights),
        "late": pa.array((places.flags & LATE) != 0),
        "flags": pa.array(places.flags),
    }
    batch = pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)
    batch.validate(full=True)  # that texts are UTF-8, which only broken bytes are not
    keep = (offsets >= start) & (offsets < end)
    if repeated:
        keep &= ~np.isin(offsets, np.fromiter(repeated, np.int64))
    return batch if keep.all() else batch.filter(pa.array(keep))


def _properties(data: Array, places: packed.Places, names: Arrow) -> dict[str, Arrow]:
    """`properties`, `context`, and the columns that an API call's properties have of their own."""
    rows = len(names)
    calls = _compute.fill_null(_compute.equal(names, API_CALL), False).to_numpy(zero_copy_only=False)
    buffers: Array = pa.array(places.fractions).cast(pa.string()).buffers()
    decimals, starts = np.frombuffer(buffers[2] or b"", dtype=np.uint8), np.frombuffer(buffers[1], dtype=np.int32)
    own = packed.OwnProperties(rows)
    writer = packed.JsonWriter(data, decimals, starts, own)
    found: dict[str, Arrow] = {}
    for index, name in enumerate(("properties", "context")):
        there = places.bodies[index] >= 0
        if there.any():
            of = calls if name == "properties" else np.zeros(rows, np.bool_)
            found[name] = _strings(*writer.write(places.bodies[index], places.before[index], of), there)
        else:
            found[name] = pa.nulls(rows, pa.string())
    found["properties"] = _compute.fill_null(found["properties"], "{}")
    for index, name in enumerate(("method", "route")):
        found[name] = _texts(data, own.places[index], own.lengths[index])
    found["status"] = pa.array(own.status, mask=~own.has_status)
    found["latency_ms"] = pa.array(own.latency, mask=~own.has_latency)
    return found


def _texts(data: Array, places: Array, lengths: Array) -> Arrow:
    there = lengths >= 0
    if not there.any():
        return pa.nulls(len(there), pa.string())
    together, ends = packed.gather(data, places, lengths)
    return _strings(together, ends, there)


def _strings(data: Array, ends: Array, there: Array) -> Arrow:
    """Texts that lie one after another in `data`."""
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends
    valid = None if there.all() else _buffer(np.packbits(there, bitorder="little"))
    return pa.StringArray.from_buffers(len(ends), _buffer(offsets), _buffer(data), valid)


def _instants(ms: Array) -> Arrow:
    return pa.array(ms * 1000).cast(SCHEMA.field("timestamp").type)
