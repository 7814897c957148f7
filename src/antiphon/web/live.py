"""The live tail: one reader of the log for everybody who watches, and a short queue for each of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

import msgspec
import structlog
from litestar.concurrency import sync_to_thread

from antiphon.model.event import Event
from antiphon.store.faults import UNAVAILABLE
from antiphon.store.log import read
from antiphon.store.log_duplicates import between
from antiphon.store.signals import cursor
from antiphon.web.api.events import event_out
from antiphon.web.context import StoredEvent, WebContext

QUEUE = 500
"""Events that wait for one slow reader; older ones are dropped and counted."""
BATCH = 2_000
"""Events read at once: of a longer burst the newest are shown, the others are counted."""
REPLAYED = 1_000
"""Events that somebody who was away for a moment is given."""
HEARTBEAT_S = 15.0
LOOK_EVERY_S = 0.25
GATHER_S = 0.05
"""After a wake: evaluation needs a moment, and a few events are better read at once."""
STREAM_S = 600.0
"""A stream ends by itself; the browser comes back with the last id, and is asked who it is again."""

Filter = Callable[[Event], bool]
Item = tuple[int, Event, bytes]


class Watcher:
    """One open stream: what it wants to see and what waits for it."""

    def __init__(self, wanted: Filter) -> None:
        """Start with nothing."""
        self._wanted = wanted
        self._items: deque[Item] = deque()
        self._skipped = 0
        self._ready = asyncio.Event()

    def push(self, item: Item) -> None:
        """Offer an event."""
        if not self._wanted(item[1]):
            return
        if len(self._items) >= QUEUE:
            self._items.popleft()
            self._skipped += 1
        self._items.append(item)
        self._ready.set()

    def skip(self, count: int) -> None:
        """Say that `count` events were not even looked at."""
        self._skipped += count
        self._ready.set()

    async def take(self, timeout: float) -> bytes:  # noqa: ASYNC109 - running out of time is the heartbeat
        """All that waits, as server-sent events; a comment when nothing came for `timeout` seconds."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout)
        except TimeoutError:
            return b": heartbeat\n\n"
        self._ready.clear()
        lines: list[bytes] = []
        if self._skipped:
            lines.append(b'event: skipped\ndata: {"count":%d}\n\n' % self._skipped)
            self._skipped = 0
        lines += [b"id: %d\nevent: event\ndata: %s\n\n" % (offset, data) for offset, _, data in self._items]
        self._items.clear()
        return b"".join(lines)


class LiveTail:
    """Reads what evaluation has passed, while anybody watches, and hands it to the watchers."""

    def __init__(self, context: WebContext) -> None:
        """Read nothing yet."""
        self._context = context
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._position = 0

    async def stream(self, wanted: Filter, last_id: int | None) -> AsyncGenerator[bytes]:
        """Server-sent events from now on, or from after `last_id` where that is not too long ago."""
        watcher = Watcher(wanted)
        deadline = asyncio.get_running_loop().time() + STREAM_S
        try:
            missed = await self._join(watcher, last_id)
            yield b"retry: 1000\n: watching\n\n"
            for item in missed:
                watcher.push(item)
            while asyncio.get_running_loop().time() < deadline:
                yield await watcher.take(HEARTBEAT_S)
        finally:
            self._leave(watcher)

    async def _join(self, watcher: Watcher, last_id: int | None) -> list[Item]:
        """Add a watcher; what it missed since `last_id`, up to where the others are."""
        async with self._starting:
            if self._task is None or self._task.done():
                self._position = await sync_to_thread(self._evaluated)
                self._task = asyncio.create_task(self._run())
            position = self._position
            self._watchers.add(watcher)
        if last_id is None or last_id + 1 >= position:
            return []
        start = max(last_id + 1, position - REPLAYED)
        if start > last_id + 1:
            watcher.skip(start - last_id - 1)
        items, _ = await sync_to_thread(self._read, start, position)
        return items

    def _leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        listener = self._context.wake.listen("log")
        try:
            while True:
                if await listener.wait(LOOK_EVERY_S):
                    await asyncio.sleep(GATHER_S)
                try:
                    await self._step()
                except UNAVAILABLE as error:
                    structlog.get_logger().warning("live_tail_unavailable", error=type(error).__name__)
        finally:
            listener.close()

    async def _step(self) -> None:
        items, end = await sync_to_thread(self._read, self._position, None)
        skipped = max(0, end - BATCH - self._position)
        self._position = end
        for watcher in self._watchers:
            if skipped:
                watcher.skip(skipped)
            for item in items:
                watcher.push(item)

    def _evaluated(self) -> int:
        with self._context.store.state.read() as conn:
            return cursor(conn, "evaluate:0")

    def _read(self, start: int, end: int | None) -> tuple[list[Item], int]:
        """Events in [start, end), at most the newest `BATCH`, duplicates left out; and the end that was read to."""
        with self._context.store.state.read() as conn:
            end = cursor(conn, "evaluate:0") if end is None else end
            start = max(start, end - BATCH)
            if start >= end:
                return [], max(start, end)
            twice = between(conn, start, end)
        with self._context.store.log.read() as conn:
            segments = read(conn, start, end - start)
        items: list[Item] = []
        for segment in segments:
            for offset, event in enumerate(segment.events, segment.first_offset):
                if offset < end and offset not in twice:
                    data = msgspec.json.encode(event_out(StoredEvent(offset, event)))
                    items.append((offset, event, data))
        return items, end
