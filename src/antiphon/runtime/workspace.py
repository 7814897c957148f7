"""The workspace's settings, read again at most once a second."""

from __future__ import annotations

import threading

from antiphon.model.clock import SECOND, Clock
from antiphon.model.workspace import Workspace
from antiphon.store.engine import Store
from antiphon.store.settings import read_workspace, signing_secret


class WorkspaceReader:
    """Gives the workspace as it stands, up to a second late; from any thread."""

    def __init__(self, store: Store, clock: Clock, public_url: str, sender: str) -> None:
        """`sender` (a From header) overrides the one set on the page when it is not empty."""
        self._store = store
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._sender = sender
        self._lock = threading.Lock()
        self._read_at = 0
        self._secret: str | None = None
        self._workspace: Workspace | None = None

    def __call__(self) -> Workspace:
        """The workspace."""
        with self._lock:
            now = self._clock()
            if self._workspace is None or abs(now - self._read_at) >= SECOND:
                self._workspace, self._read_at = self._read(), now
            return self._workspace

    def _read(self) -> Workspace:
        if self._secret is None:
            with self._store.state.write() as conn:
                self._secret = signing_secret(conn).hex()
        with self._store.state.read() as conn:
            kept = read_workspace(conn)
        return Workspace(
            name=kept.workspace_name,
            time_zone=kept.time_zone,
            sender=self._sender or kept.sender,
            public_url=self._public_url,
            secret=self._secret,
        )
