"""Which kind of wake a store needs."""

from __future__ import annotations

from antiphon.store.engine import Store
from antiphon.store.wake import LocalWake, Wake
from antiphon.store.wake_postgres import PostgresWake


def open_wake(store: Store) -> Wake:
    """Sockets in the data folder when embedded, NOTIFY with PostgreSQL."""
    return LocalWake(store.settings.data) if store.embedded else PostgresWake(store.state.url)
