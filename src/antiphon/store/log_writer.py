"""Group commit: one thread appends everything that queued up while the previous commit was on its way to disk.

Alone, an append is committed at once; under load the commits grow by themselves, with no timer to tune.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from typing import NamedTuple

from antiphon.errors import Unavailable
from antiphon.model.clock import Clock
from antiphon.store.engine import Database
from antiphon.store.log import Packed, append_packed
from antiphon.store.wake import Wake

COMMIT_BYTES = 8 << 20
"""A commit takes at most about this much, so that one never takes long."""


class _Entry(NamedTuple):
    batches: Sequence[Packed]
    size: int
    future: asyncio.Future[None] | Future[None]


class LogWriter:
    """Appends to one partition of the log; safe to use from any thread and event loop."""

    def __init__(self, database: Database, clock: Clock, wake: Wake, *, partition: int = 0) -> None:
        """Start the thread; `close` ends it."""
        self._database = database
        self._clock = clock
        self._wake = wake
        self._partition = partition
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._pending = 0
        self._count_lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"log-writer-{partition}", daemon=True)
        self._thread.start()

    @property
    def pending_bytes(self) -> int:
        """What was handed in and is not committed yet."""
        return self._pending

    async def append(self, batches: Sequence[Packed]) -> None:
        """Return once all events of `batches` are on disk.

        Raises:
            Unavailable: storage failed and none of them was stored.
        """
        if batches:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._put(batches, future)
            await future

    def append_sync(self, batches: Sequence[Packed]) -> None:
        """As `append`, for a thread."""
        if batches:
            future: Future[None] = Future()
            self._put(batches, future)
            future.result()

    def close(self) -> None:
        """Commit what was handed in and end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _put(self, batches: Sequence[Packed], future: asyncio.Future[None] | Future[None]) -> None:
        if self._closed:
            raise Unavailable("The log is closing; send the events again.")
        size = sum(len(batch.body) for batch in batches)
        with self._count_lock:
            self._pending += size
        self._queue.put(_Entry(batches, size, future))

    def _run(self) -> None:
        ending = False
        while not ending:
            entry = self._queue.get()
            entries: list[_Entry] = []
            size = 0
            while entry is not None:
                entries.append(entry)
                size += entry.size
                if size >= COMMIT_BYTES:
                    break
                try:
                    entry = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                ending = True
            if entries:
                self._commit(entries, size)
        self._refuse_the_rest()

    def _commit(self, entries: list[_Entry], size: int) -> None:
        error: Unavailable | None = None
        try:
            batches = [batch for entry in entries for batch in entry.batches]
            with self._database.write() as conn:
                append_packed(conn, batches, self._clock(), self._partition)
        except Exception as cause:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            error = Unavailable("The log cannot be written right now; send the events again.")
            error.__cause__ = cause
        else:
            self._wake.notify("log")
        with self._count_lock:
            self._pending -= size
        _settle(entries, error)

    def _refuse_the_rest(self) -> None:
        entries: list[_Entry] = []
        while not self._queue.empty():
            entry = self._queue.get()
            if entry is not None:
                entries.append(entry)
        _settle(entries, Unavailable("The log is closing; send the events again."))


def _settle(entries: list[_Entry], error: Unavailable | None) -> None:
    """Tell everyone who waits; one call into each event loop, however many of its requests took part."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for entry in entries:
        if isinstance(entry.future, Future):
            _finish(entry.future, error)
        else:
            by_loop.setdefault(entry.future.get_loop(), []).append(entry.future)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_finish_all, futures, error)
        except RuntimeError:  # that loop has ended, and with it whoever waited
            continue


def _finish_all(futures: list[asyncio.Future[None]], error: Unavailable | None) -> None:
    for future in futures:
        _finish(future, error)


def _finish(future: asyncio.Future[None] | Future[None], error: Unavailable | None) -> None:
    try:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
    except (InvalidStateError, asyncio.InvalidStateError):  # cancelled meanwhile: the client went away
        return
