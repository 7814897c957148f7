"""When to refuse: too much is waiting, or the disk is nearly full."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from antiphon.errors import Overloaded, Unavailable
from antiphon.ingest.settings import IngestSettings
from antiphon.model.clock import SECOND, Clock

RETRY_AFTER_S = 1

DiskSpace = Callable[[], tuple[int, int]]
"""Gives (free bytes, total bytes)."""


def disk_space_of(folder: Path) -> DiskSpace:
    """The space that we may use on the disk of `folder`."""

    def measure() -> tuple[int, int]:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    return measure


class Pressure:
    """Looks at what waits on each request, and at the disk each second."""

    def __init__(
        self,
        settings: IngestSettings,
        clock: Clock,
        pending_bytes: Callable[[], int],
        lag: Callable[[], int] | None = None,
        disk_space: DiskSpace | None = None,
    ) -> None:
        """`pending_bytes` waits for its commit; `lag` is how many events wait for evaluation, cheap to ask."""
        self._settings = settings
        self._clock = clock
        self._pending_bytes = pending_bytes
        self._lag = lag
        self._disk_space = disk_space
        self._checked_at: int | None = None
        self._full = ""

    def check(self) -> None:
        """Pass, or raise.

        Raises:
            Overloaded: more is waiting than the high-water marks allow.
            Unavailable: too little of the disk is free.
        """
        settings = self._settings
        if self._pending_bytes() > settings.high_water_bytes:
            raise Overloaded("Too much is waiting for the disk; send again in a moment.", retry_after=RETRY_AFTER_S)
        if self._lag is not None and self._lag() > settings.high_water_events:
            raise Overloaded("Too many events wait for evaluation; send again later.", retry_after=RETRY_AFTER_S * 5)
        if self._disk_space is not None:
            now = self._clock()
            if self._checked_at is None or not 0 <= now - self._checked_at < SECOND:
                self._checked_at = now
                self._full = self._fullness(self._disk_space)
            if self._full:
                raise Unavailable(self._full, retry_after=RETRY_AFTER_S * 10)

    def _fullness(self, disk_space: DiskSpace) -> str:
        try:
            free, total = disk_space()
        except OSError as error:
            return f"The disk cannot be read: {error.strerror}."
        least = max(self._settings.min_free_bytes, int(self._settings.min_free_ratio * total))
        if free >= least:
            return ""
        return f"The disk is nearly full: {free >> 20} MiB are free, {least >> 20} MiB are needed to go on."
