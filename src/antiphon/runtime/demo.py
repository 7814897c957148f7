"""Demo traffic started from the page: `antiphon demo` as a child process of the web process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from antiphon.model.clock import Clock
from antiphon.runtime.child import PARENT_PID
from antiphon.web.context import DemoState

STOP_MOST = 20.0
"""Seconds that the child gets to stop its own children in order."""


class DemoTraffic:
    """Starts and stops one child; there is never a second. Its life ends with ours."""

    def __init__(self, url: str, data: Path, clock: Clock, command: Sequence[str] | None = None) -> None:
        """`url` is where this very server listens, `data` its data folder, where the local admin token lies."""
        self._command = command or (sys.executable, "-m", "antiphon.cli", "demo", "--url", url, "--data", str(data))
        self._clock = clock
        self._child: asyncio.subprocess.Process | None = None
        self._started_at: int | None = None
        self._lock = asyncio.Lock()

    async def state(self) -> DemoState:
        """How it stands; what the demo needs comes with a checkout, or with `antiphon[demo]`."""
        available = all(find_spec(name) is not None for name in ("antiphon_sdk", "fastapi"))
        return DemoState(available=available, started_at=self._started_at if self._running() else None)

    async def start(self) -> DemoState:
        """Start it, if it can run and does not yet."""
        async with self._lock:
            state = await self.state()
            if state.available and state.started_at is None:
                self._child = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.DEVNULL,
                    env={**os.environ, PARENT_PID: str(os.getpid())},
                )
                self._started_at = self._clock()
        return await self.state()

    async def stop(self) -> DemoState:
        """Stop it, if it runs; answers when it has ended."""
        async with self._lock:
            child = self._child
            if child is not None and child.returncode is None:
                child.terminate()
                try:
                    await asyncio.wait_for(child.wait(), STOP_MOST)
                except TimeoutError:
                    child.kill()
                    await child.wait()
            self._child = None
            self._started_at = None
        return await self.state()

    def _running(self) -> bool:
        return self._child is not None and self._child.returncode is None
