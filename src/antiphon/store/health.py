"""Whether the databases can be worked with."""

from __future__ import annotations

from sqlalchemy import select

from antiphon.store.engine import Store
from antiphon.store.log_tables import log_heads
from antiphon.store.tables import cursors


def probe(store: Store) -> None:
    """Read a row of each database; raises one of `faults.UNAVAILABLE` when it or its tables are not there."""
    with store.state.read() as conn:
        conn.execute(select(cursors.c.name).limit(1)).first()
    with store.log.read() as conn:
        conn.execute(select(log_heads.c.partition).limit(1)).first()
