"""The history table's columns, and rows to events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pyarrow as pa

from antiphon.model.event import Event

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
_decode = msgspec.json.Decoder().decode


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
