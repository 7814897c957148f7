"""The queue and the thread that empties it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, Union

from antiphon_sdk._delivery import Delivery
from antiphon_sdk.failure import Failure

logger = logging.getLogger("antiphon_sdk")

BATCH_EVENTS = 500
BATCH_BYTES = 500_000


class Later(Protocol):
    """An event that the thread turns into bytes, so that the caller need not wait for it."""

    def encode(self) -> bytes:
        """The event as JSON; raises TypeError, ValueError or RecursionError when it has no JSON form."""
        ...


Item = Union[bytes, Later, threading.Event]
"""An encoded event, one to encode, or the mark of somebody who waits until all before it is settled."""


class Worker:
    """A bounded queue, and a daemon thread that sends what is in it. One per process: see `reset`."""

    def __init__(
        self,
        connect: Callable[[Callable[[float], bool]], tuple[Delivery, Callable[[], None]]],
        *,
        flush_at: int,
        flush_interval: float,
        max_queue: int,
        report: Callable[[Failure], None],
    ) -> None:
        """`connect(pause)` makes the delivery and what closes it; `flush_interval` is in seconds."""
        self._connect = connect
        self._flush_at = flush_at
        self._interval = flush_interval
        self._max_queue = max_queue
        self._report = report
        self._left_behind: list[object] = []
        self.reset()

    def reset(self) -> None:
        """Begin anew, with an empty queue and no thread: in a forked child, where the parent's thread is not.

        The parent's connection and locks are kept but never touched: another thread may have held them at the fork,
        and finalising them would wait for it for ever.
        """
        if hasattr(self, "_delivery"):
            self._left_behind += [self._queue, self._wake, self._stopping, self._lock, self._delivery, self._close]
        self._queue: deque[Item] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._deadline = float("inf")
        self._dropped = 0
        self._unreported = 0
        self._in_hand = 0
        self._delivery, self._close = self._connect(self._pause)

    # -- the application's side -----------------------------------------------------------------------------------

    def put(self, item: Item) -> bool:
        """Queue an event; False when the queue is full or closed. Cheap: no lock, no I/O."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= self._max_queue or self._stopping.is_set():
            return self._drop()
        queue.append(item)
        if self._thread is None:
            self._start()
        if waiting + 1 >= self._flush_at and not self._wake.is_set():
            self._wake.set()
        return True

    def flush(self, timeout: float | None) -> bool:
        """Wait until everything queued before is taken or given up; False when `timeout` (s) came first."""
        if self._thread is None and not self._queue:
            return True
        if self._thread is None:
            self._start()
        if self._thread in {None, threading.current_thread()}:
            return False
        mark = threading.Event()
        self._queue.append(mark)
        self._wake.set()
        return mark.wait(timeout)

    def shutdown(self, timeout: float) -> int:
        """Send what is queued within `timeout` seconds, stop the thread, and answer how many events were left."""
        self._deadline = time.monotonic() + timeout
        self._stopping.set()
        self._wake.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            self._close()
            return 0
        thread.join(timeout)
        return self._waiting() if thread.is_alive() else 0

    def counts(self) -> tuple[int, int, int, int]:
        """(waiting, sent, dropped, retries), in events but for the retries."""
        return self._waiting(), self._delivery.sent, self._delivery.lost + self._dropped, self._delivery.retries

    def _waiting(self) -> int:
        return self._in_hand + sum(1 for item in list(self._queue) if not isinstance(item, threading.Event))

    def _drop(self) -> bool:
        with self._lock:
            self._dropped += 1
            self._unreported += 1
        return False

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="antiphon-sdk", daemon=True)
                with suppress(RuntimeError):  # the interpreter is going down: flush finds nobody, and gives up in time
                    thread.start()
                    self._thread = thread

    # -- the thread's side ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait(self._interval)
            self._wake.clear()
            last = self._stopping.is_set()
            try:
                self._drain()
                self._tell_drops()
            except Exception:  # a bug of ours must not end the thread, nor reach the application
                logger.exception("an unexpected error while sending; going on")
            if last:
                self._close()
                return

    def _drain(self) -> None:
        batch: list[bytes] = []
        size = 0
        queue = self._queue
        while queue:
            item = queue.popleft()
            if isinstance(item, threading.Event):
                self._send(batch)
                batch, size = [], 0
                item.set()
                continue
            data = item if isinstance(item, bytes) else self._encode(item)
            if data is None:
                continue
            if size + len(data) > BATCH_BYTES or len(batch) >= BATCH_EVENTS:
                self._send(batch)
                batch, size = [], 0
            batch.append(data)
            size += len(data)
            self._in_hand = len(batch)
        self._send(batch)

    def _encode(self, item: Later) -> bytes | None:
        try:
            return item.encode()
        except (TypeError, ValueError, RecursionError) as error:
            with self._lock:
                self._dropped += 1
            self._report(Failure("invalid_event", f"a captured call has no JSON form: {error}", 1, error=error))
            return None

    def _send(self, batch: list[bytes]) -> None:
        if batch:
            self._in_hand = len(batch)
            self._delivery.send(batch)
        self._in_hand = 0

    def _tell_drops(self) -> None:
        """One report for many drops, from here rather than from the application's hot path."""
        with self._lock:
            count, self._unreported = self._unreported, 0
        if count:
            self._report(Failure("queue_full", f"the queue holds {self._max_queue} events and was full", count))

    def _pause(self, seconds: float) -> bool:
        """Wait between attempts; a shutdown cuts it short, and its deadline ends it."""
        self._tell_drops()
        if self._stopping.wait(seconds):
            left = self._deadline - time.monotonic()
            time.sleep(max(0.0, min(seconds, left, 0.1)))
        return time.monotonic() < self._deadline
