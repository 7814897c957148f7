"""How many events wait for evaluation, asked often and read seldom."""

from __future__ import annotations

from antiphon.model.clock import SECOND, Clock
from antiphon.store import log, signals
from antiphon.store.engine import Store
from antiphon.store.history import EVALUATE_CURSOR


class Lag:
    """Gives the lag as of at most a second ago."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Read from `store` when asked."""
        self._store = store
        self._clock = clock
        self._read_at: int | None = None
        self._lag = 0

    def __call__(self) -> int:
        """Events that wait; a read of two rows, once a second."""
        now = self._clock()
        if self._read_at is None or not 0 <= now - self._read_at < SECOND:
            self._read_at = now
            with self._store.log.read() as conn:
                head = log.head(conn)
            with self._store.state.read() as conn:
                self._lag = head - signals.cursor(conn, EVALUATE_CURSOR)
        return self._lag
