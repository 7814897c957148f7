"""Signals, cursors and emissions: how stages hand work on and remember how far they got."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Integer, bindparam, delete, func, select

from antiphon.model.event import Event
from antiphon.model.signal import Signal
from antiphon.store import tables as t
from antiphon.store.dialect import as_json, chunks, insert, insert_rows, upsert

STORED = "evaluate:0:stored"
"""The cursor of the log from which on events may be missing from what is stored of subjects."""

_COLUMNS = tuple(name for name in Signal.__struct_fields__ if name != "seq")
_EVENT = _COLUMNS.index("event")
_encoder = msgspec.msgpack.Encoder()

# made once: to make a statement takes longer than to run it
_CURSOR = select(t.cursors.c.position).where(t.cursors.c.name == bindparam("the_name"))
_SIGNALS = (
    select(t.signals)
    .where(t.signals.c.seq >= bindparam("position"))
    .order_by(t.signals.c.seq)
    .limit(bindparam("most", type_=Integer))
)
_EMISSIONS = select(t.emissions).order_by(t.emissions.c.seq).limit(bindparam("most", type_=Integer))


def cursor(conn: Connection, name: str) -> int:
    """How far the reader `name` got: the position to read next; 0 before it ever ran."""
    return conn.execute(_CURSOR, {"the_name": name}).scalar_one_or_none() or 0


def set_cursor(conn: Connection, name: str, position: int) -> None:
    """Remember the position to read next."""
    upsert(conn, t.cursors, [{"name": name, "position": position}])


def add_signals(conn: Connection, signals: Sequence[Signal]) -> None:
    """Append signals; their `seq` is given here."""
    insert_rows(conn, t.signals, _COLUMNS, [_row(signal) for signal in signals])


def _row(signal: Signal) -> tuple[object, ...]:
    row = [getattr(signal, name) for name in _COLUMNS]
    if signal.event is not None:
        row[_EVENT] = as_json(signal.event)
    return tuple(row)


def read_signals(conn: Connection, position: int, limit: int) -> list[Signal]:
    """Signals with `seq` >= position, in order.

    Safe against commits out of order because evaluation is the only writer (one partition, one lease).
    """
    rows = conn.execute(_SIGNALS, {"position": position, "most": limit})
    return [Signal(**row) for row in rows.mappings()]


def emit(conn: Connection, events: Sequence[Event]) -> None:
    """Put events of our own on their way into the log, as part of this transaction.

    Their ids must be derived from what they report, so that the log's dedupe makes a repeated relay harmless.
    """
    if events:
        insert_rows(conn, t.emissions, ("payload",), [(_encoder.encode(event),) for event in events])


def read_emissions(conn: Connection, limit: int) -> tuple[list[int], list[Event]]:
    """The oldest emissions not yet relayed: their keys and the events."""
    rows = conn.execute(_EMISSIONS, {"most": limit}).all()
    return [row.seq for row in rows], [msgspec.msgpack.decode(row.payload, type=Event) for row in rows]


def drop_emissions(conn: Connection, keys: Sequence[int]) -> None:
    """Forget emissions that are in the log: these very ones, since another writer may yet commit a lower key."""
    for some in chunks(keys):
        conn.execute(delete(t.emissions).where(t.emissions.c.seq.in_(some)))


def count_up(conn: Connection, counts: dict[str, int]) -> None:
    """Add to durable counters; safe against others that count at the same time."""
    for name, value in counts.items():
        more = insert(conn, t.counters).values(name=name, value=value)
        whole = t.counters.c.value + more.excluded.value
        conn.execute(more.on_conflict_do_update(index_elements=[t.counters.c.name], set_={"value": whole}))


def signals_lag(conn: Connection, position: int) -> int:
    """How many signals wait."""
    return conn.execute(select(func.count()).where(t.signals.c.seq >= position)).scalar_one()
