"""The stage that keeps history fast to read: small files become few sorted ones, beside the writer and never in its way."""

from __future__ import annotations

import structlog

from antiphon.measure.history_writer import Progress
from antiphon.model.clock import SECOND, Clock
from antiphon.store.engine import Store
from antiphon.store.history_table import HistoryTable, location
from antiphon.store.lease import Guard

logger = structlog.get_logger(__name__)
EVERY = 10 * SECOND
"""How often (ms) the table is looked at."""

BUSY_EVENTS = 150_000
"""So many events between two looks need the processor more than their files need joining."""

BUSY_FILES = 500
"""So many files are joined all the same."""


class HistoryJoiner:
    """Joins history's files; `tick` is called from one thread."""

    def __init__(self, store: Store, clock: Clock, guard: Guard) -> None:
        """The table is opened at the first tick; `guard` refuses once another worker has taken over."""
        self._store = store
        self._clock = clock
        self._guard = guard
        self._table: HistoryTable | None = None
        self._looked_at: int | None = None
        self._position = 0

    def tick(self) -> Progress:
        """Look at the table now and then, and join what has become small files enough; `written` says how many."""
        now = self._clock()
        if self._looked_at is not None and now - self._looked_at < EVERY:
            return Progress(0, more=False, next_due=self._looked_at + EVERY)
        if self._table is None:
            self._table = HistoryTable(location(self._store))
        with self._store.state.write() as conn:
            self._guard(conn)
        self._looked_at = now
        position, self._position = self._position, self._table.refresh()
        if self._position - position >= BUSY_EVENTS and self._table.files < BUSY_FILES:
            return Progress(0, more=False, next_due=now + EVERY)
        joined = self._table.join()
        if joined:
            logger.info("history files joined", files=joined)
            self._looked_at = None  # there may be more
        return Progress(joined, more=joined > 0, next_due=now + EVERY)
