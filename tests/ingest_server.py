"""A real server around the door, its log in a real store, and a record of every request."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry

from antiphon.errors import Unavailable
from antiphon.ingest.access import Access, AccessReader, IngestKey
from antiphon.ingest.http import IngestApp
from antiphon.ingest.pressure import Pressure
from antiphon.ingest.redact import DEFAULT_KEYS
from antiphon.ingest.settings import IngestSettings
from antiphon.model.clock import wall_clock
from antiphon.model.event import Event
from antiphon.store import log
from antiphon.store.engine import Store
from antiphon.store.log_writer import LogWriter
from antiphon.store.wake import open_wake

KEY = "awk_contract"


class IngestServer:
    """Where clients send to; `answers` holds the status of each answer, `fail_next` makes the next ones fail."""

    def __init__(self, store: Store, port: int) -> None:
        self.store = store
        self.url = f"http://127.0.0.1:{port}"
        self.answers: list[int] = []
        self.fail_next = 0

    def events(self) -> list[Event]:
        """What the log holds."""
        with self.store.log.read() as conn:
            return [event for segment in log.read(conn, 0, 10**9) for event in segment.events]


class _FailingWriter:
    """The log's writer, which fails while the server is told to."""

    def __init__(self, writer: LogWriter, server: IngestServer) -> None:
        self._writer = writer
        self._server = server

    async def append(self, batches: Any) -> None:
        if self._server.fail_next > 0:
            self._server.fail_next -= 1
            raise Unavailable("The log cannot be written right now; send the events again.")
        await self._writer.append(batches)


@contextmanager
def serve(store: Store, port: int) -> Generator[IngestServer]:
    """Serve on loopback until the block ends."""
    server = IngestServer(store, port)
    wake = open_wake(store)
    writer = LogWriter(store.log, wall_clock, wake)
    settings = IngestSettings(min_free_bytes=0, min_free_ratio=0)
    digest = hashlib.sha256(KEY.encode()).digest()
    app = IngestApp(
        _FailingWriter(writer, server),
        AccessReader(lambda: Access({digest: IngestKey("1", "write")}, DEFAULT_KEYS), wall_clock),
        Pressure(settings, wall_clock, lambda: writer.pending_bytes),
        settings,
        wall_clock,
        CollectorRegistry(),
    )

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            if message["type"] == "http.response.start":
                server.answers.append(message["status"])
            await send(message)

        await app(scope, receive, note)

    config = uvicorn.Config(recorded, "127.0.0.1", port, log_config=None, lifespan="off", ws="none")
    inner = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(inner.serve()), name="ingest-server")
    thread.start()
    while not inner.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        thread.join(0.01)
    try:
        yield server
    finally:
        inner.should_exit = True
        thread.join()
        writer.close()
        wake.close()
