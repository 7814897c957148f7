"""The relay: events of our own, from the transaction that made them true into the log.

It may relay an event twice after a crash; the event's id is the same then, and the log's dedupe drops the second.
"""

from __future__ import annotations

import msgspec

from antiphon.model.clock import Clock
from antiphon.store import log, signals
from antiphon.store.engine import Store
from antiphon.store.wake import Wake

BATCH = 1_000


class Progress(msgspec.Struct, frozen=True):
    """How many events were relayed, and whether more wait."""

    relayed: int
    more: bool
    next_due: int | None = None


class Relay:
    """Moves emissions into the log; `tick` is called from one thread."""

    def __init__(self, store: Store, clock: Clock, wake: Wake) -> None:
        """Read from `store.state`, append to `store.log`."""
        self._store = store
        self._clock = clock
        self._wake = wake

    def tick(self) -> Progress:
        """Append the oldest emissions to the log, then forget them; two transactions, in this order."""
        with self._store.state.read() as conn:
            keys, events = signals.read_emissions(conn, BATCH)
        if not events:
            return Progress(0, more=False)
        with self._store.log.write() as conn:
            log.append_events(conn, events, self._clock())
        with self._store.state.write() as conn:
            signals.drop_emissions(conn, keys)
        self._wake.notify("log")
        return Progress(len(events), more=len(events) == BATCH)
