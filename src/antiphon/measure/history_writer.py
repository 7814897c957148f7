"""The history stage: from the log into the table, in batches of a second or so."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import structlog

from antiphon.measure.settings import MeasureSettings
from antiphon.model.clock import MINUTE, Clock
from antiphon.store import dedupe, log, signals
from antiphon.store.engine import Store
from antiphon.store.history import EVALUATE_CURSOR, read_unique
from antiphon.store.history_table import HistoryTable, location
from antiphon.store.lease import Guard

logger = structlog.get_logger(__name__)
BATCH = 100_000
CURSOR = "history:0"


class Progress(msgspec.Struct, frozen=True):
    """Events written, whether more wait, and when to write next (ms)."""

    written: int
    more: bool
    next_due: int | None


class HistoryWriter:
    """Writes history; `tick` is called from one thread."""

    def __init__(self, store: Store, clock: Clock, settings: MeasureSettings, guard: Guard) -> None:
        """The table is opened at the first tick; `guard` refuses to write once another worker has taken over."""
        self._store = store
        self._clock = clock
        self._guard = guard
        self._settings = settings
        self._table: HistoryTable | None = None
        self._position = 0
        self._written_at = 0
        self._trimmed_at = 0

    def tick(self) -> Progress:
        """Write what evaluation has seen, at most once an interval unless a full batch waits."""
        now = self._clock()
        if self._table is None:
            self._table = HistoryTable(location(self._store))
            self._position = self._table.position
        interval = round(self._settings.history_interval_s * 1000)
        with self._store.log.read() as log_conn, self._store.state.read() as conn:
            seen, stored = signals.cursor(conn, EVALUATE_CURSOR), signals.cursor(conn, signals.STORED)
            waiting = seen - self._position
            if waiting < BATCH and now - self._written_at < interval:
                return Progress(0, more=False, next_due=self._written_at + interval if waiting else None)
            rows, reached = read_unique(conn, log_conn, self._position, min(seen, self._position + BATCH))
        written = self._write(rows, reached, now)
        if now - self._trimmed_at > MINUTE:
            self._trim(seen, stored, now)
        more = seen - self._position >= BATCH
        return Progress(written, more, self._written_at + interval if seen > self._position else None)

    def _write(self, rows: pa.Table, reached: int, now: int) -> int:
        if self._table is None or reached == self._position:
            return 0
        with self._store.state.write() as conn:
            self._guard(conn)
        if rows.num_rows:
            self._table.append(rows, reached)
        self._position, self._written_at = reached, now
        with self._store.state.write() as conn:
            signals.set_cursor(conn, CURSOR, reached)
        return rows.num_rows

    def _trim(self, seen: int, stored: int, now: int) -> None:
        """Forget the part of the log that everybody has read, but for a while of it (the live view, the dedupe index).

        What is not yet in the stored state of subjects must stay, since a start replays it.
        """
        self._trimmed_at = now
        needed = min(self._position, stored, seen // dedupe.BLOCK * dedupe.BLOCK)
        with self._store.log.write() as conn:
            old = log.end_before(conn, now - round(self._settings.log_keep_s * 1000))
            trimmed = log.trim(conn, min(needed, old))
        if trimmed:
            logger.info("log trimmed", segments=trimmed)
