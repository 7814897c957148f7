"""An ASGI app on a listening socket, started and stopped from our own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn

STOP_GRACE_S = 10
KEEP_ALIVE_S = 75


class _Server(uvicorn.Server):
    """uvicorn, with signals left to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing: the role's own handlers stop everything in order."""
        yield


class HttpServer:
    """Serves `app` until `stop`; requests under way are given `STOP_GRACE_S` seconds."""

    def __init__(self, app: Any, sock: socket.socket) -> None:
        """`sock` listens already."""
        self._sock = sock
        config = uvicorn.Config(
            app,
            http="httptools",
            loop="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_GRACE_S,
            proxy_headers=False,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve; returns when requests are answered. Raises when the app's start-up fails."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._sock]), name="http")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError("the HTTP server ended while it was starting")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Take no more requests, finish those under way."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
