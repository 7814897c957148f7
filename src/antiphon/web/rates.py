"""Events a minute over the last hour, counted once: each look reads only the segments that are new."""

from __future__ import annotations

import threading

from antiphon.model.clock import HOUR, MINUTE, Clock
from antiphon.store.engine import Store
from antiphon.store.overview import LogCount, count_minutes, offset_at

PARTITION = 0


class EventRate:
    """Counts by minute of commit; thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Read nothing yet."""
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._offset: int | None = None

    def last_hour(self) -> list[LogCount]:
        """60 minutes, the present one last; quiet ones are 0."""
        now = self._clock()
        present = now - now % MINUTE
        with self._lock:
            self._read(present - HOUR + MINUTE)
            return [
                LogCount(minute=minute, count=self._counts.get(minute, 0))
                for minute in range(present - HOUR + MINUTE, present + MINUTE, MINUTE)
            ]

    def _read(self, since: int) -> None:
        with self._store.log.read() as conn:
            if self._offset is None:
                self._offset = offset_at(conn, PARTITION, since)
            counts, self._offset = count_minutes(conn, PARTITION, self._offset)
        for found in counts:
            self._counts[found.minute] = self._counts.get(found.minute, 0) + found.count
        for minute in [minute for minute in self._counts if minute < since]:
            del self._counts[minute]
