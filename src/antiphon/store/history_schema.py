"""The history table's columns, and events to rows and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from antiphon.model.event import API_CALL, LATE, Event

_INSTANT = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("log_offset", pa.int64(), nullable=False),
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("company_id", pa.string()),
        pa.field("previous_id", pa.string()),
        pa.field("timestamp", _INSTANT, nullable=False),
        pa.field("received_at", _INSTANT, nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
        pa.field("late", pa.bool_(), nullable=False),
        pa.field("flags", pa.int32(), nullable=False),
        pa.field("properties", pa.string(), nullable=False),
        pa.field("context", pa.string()),
        pa.field("method", pa.string()),
        pa.field("route", pa.string()),
        pa.field("status", pa.int32()),
        pa.field("latency_ms", pa.float64()),
    ]
)
"""One row an accepted event. `properties` and `context` are JSON; the last four repeat an API call's properties as
columns that need no parsing (null where the property is missing or of another type)."""

COLUMNS = tuple(SCHEMA.names)
_MAX_INT32 = 2**31 - 1
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def to_table(numbered: Sequence[tuple[int, Event]]) -> pa.Table:
    """Rows of (log offset, event)."""
    events = [event for _, event in numbered]
    calls = [event.properties if event.name == API_CALL else None for event in events]
    columns: dict[str, list[Any]] = {
        "log_offset": [offset for offset, _ in numbered],
        "event_id": [event.id for event in events],
        "type": [event.type for event in events],
        "name": [event.name for event in events],
        "source": [event.source for event in events],
        "user_id": [event.user_id for event in events],
        "anonymous_id": [event.anonymous_id for event in events],
        "company_id": [event.company_id for event in events],
        "previous_id": [event.previous_id for event in events],
        "timestamp": [event.timestamp * 1000 for event in events],
        "received_at": [event.received_at * 1000 for event in events],
        "weight": [float(event.weight) for event in events],
        "late": [bool(event.flags & LATE) for event in events],
        "flags": [event.flags for event in events],
        "properties": [_encode(event.properties).decode() for event in events],
        "context": [None if event.context is None else _encode(event.context).decode() for event in events],
        "method": [_text(call, "method") for call in calls],
        "route": [_text(call, "route") for call in calls],
        "status": [_int32(call, "status") for call in calls],
        "latency_ms": [_number(call, "latency_ms") for call in calls],
    }
    return pa.table(
        [pa.array(columns[field.name], _storage(field.type)).cast(field.type) for field in SCHEMA], schema=SCHEMA
    )


def to_events(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Event]]:
    """(log offset, event) of rows that have the columns before `method`; times come back exactly."""
    for batch in batches:
        table = pa.Table.from_batches([batch])
        for name in ("timestamp", "received_at"):
            index = table.schema.get_field_index(name)
            table = table.set_column(index, name, table.column(name).cast(_INSTANT).cast(pa.int64()))
        for row in table.to_pylist():
            weight = row["weight"]
            yield (
                row["log_offset"],
                Event(
                    id=row["event_id"],
                    type=row["type"],
                    name=row["name"],
                    timestamp=row["timestamp"] // 1000,
                    received_at=row["received_at"] // 1000,
                    source=row["source"],
                    user_id=row["user_id"],
                    anonymous_id=row["anonymous_id"],
                    company_id=row["company_id"],
                    previous_id=row["previous_id"],
                    properties=_decode(row["properties"]),
                    weight=int(weight) if weight.is_integer() else weight,
                    flags=row["flags"],
                    context=None if row["context"] is None else _decode(row["context"]),
                ),
            )


def _storage(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _text(call: dict[str, Any] | None, key: str) -> str | None:
    value = None if call is None else call.get(key)
    return value if isinstance(value, str) else None


def _int32(call: dict[str, Any] | None, key: str) -> int | None:
    value = None if call is None else call.get(key)
    return value if type(value) is int and abs(value) <= _MAX_INT32 else None


def _number(call: dict[str, Any] | None, key: str) -> float | None:
    value = None if call is None else call.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
