"""Runs a synchronous stage in a thread of its own: tick, sleep until woken or due, tick again."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from antiphon.errors import Superseded
from antiphon.model.clock import Clock

log = structlog.get_logger(__name__)
POLL_S = 1.0
"""Longest sleep (s): a lost wake only delays by this much."""

BACKOFF_S = 0.5


class TickResult(Protocol):
    """What a stage says after a tick: more waits right now; when the next thing is due (ms), or None."""

    @property
    def more(self) -> bool:
        """Whether to tick again at once."""
        ...

    @property
    def next_due(self) -> int | None:
        """When something becomes due by time alone."""
        ...


class StageLoop:
    """One stage in one thread."""

    def __init__(
        self, name: str, tick: Callable[[], TickResult], wait: Callable[[float], object], clock: Clock
    ) -> None:
        """`wait(seconds)` sleeps until the stage is woken or the time is up."""
        self._name = name
        self._tick = tick
        self._wait = wait
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failures = 0

    def start(self) -> None:
        """Begin ticking."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the tick under way and end; waits for it."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                result = self._tick()
            except Superseded as error:
                log.error("stage ends", stage=self._name, why=error.message)  # noqa: TRY400 - nothing went wrong here
                os.kill(os.getpid(), signal.SIGTERM)
                return
            except Exception:
                # The stage's transaction is rolled back: nothing is half-done, so the same work is simply tried again.
                self.failures += 1
                log.exception("stage failed; trying again", stage=self._name, failures=self.failures)
                self._stop.wait(min(BACKOFF_S * self.failures, 10))
                continue
            self.failures = 0
            if not result.more and not self._stop.is_set():
                self._wait(self._pause(result.next_due))

    def _pause(self, next_due: int | None) -> float:
        if next_due is None:
            return POLL_S
        return min(max(next_due - self._clock(), 0) / 1000, POLL_S)
