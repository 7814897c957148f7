"""Events of our own on their way into the log."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert

from antiphon.model.event import Event
from antiphon.store.tables import emissions


def emit(conn: Connection, event: Event) -> None:
    """Hand an event to the relay, within the transaction that makes it true."""
    conn.execute(insert(emissions).values(payload=msgspec.msgpack.encode(event)))
