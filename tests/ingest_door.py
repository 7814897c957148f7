"""The door of ingest with everything behind it in the test's hands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import msgspec
from prometheus_client import CollectorRegistry

from antiphon.errors import Unavailable
from antiphon.ingest.access import Access, AccessReader, IngestKey
from antiphon.ingest.http import IngestApp
from antiphon.ingest.pressure import Pressure
from antiphon.ingest.redact import DEFAULT_KEYS
from antiphon.ingest.settings import IngestSettings
from antiphon.model.event import Event
from antiphon.store import log
from asgi import Response, call
from factories import ManualClock

SECRET = "awk_test"


def unpacked(batch: log.Packed) -> list[Event]:
    """The events of a packed batch."""
    payload = b"\xdd" + batch.count.to_bytes(4, "big") + batch.body
    return log.unpack(log.RawSegment(0, batch.count, "raw", payload, 0)).events


class Door:
    """An IngestApp over a list."""

    def __init__(self, clock: ManualClock, settings: IngestSettings) -> None:
        self.clock = clock
        self.events: list[Event] = []
        self.keys = {SECRET: IngestKey("7", "write"), "ask_test": IngestKey("8", "server")}
        self.redact_keys: Sequence[str] = DEFAULT_KEYS
        self.loads = 0
        self.broken = False
        self.pending = 0
        self.lag = 0
        self.disk: Callable[[], tuple[int, int]] = lambda: (100 << 30, 200 << 30)
        self.registry = CollectorRegistry()
        pressure = Pressure(settings, clock, lambda: self.pending, lambda: self.lag, lambda: self.disk())  # noqa: PLW0108 - tests replace it
        access = AccessReader(self._load, clock)
        self.app = IngestApp(self, access, pressure, settings, clock, self.registry, lambda: "made-up")

    async def append(self, batches: Sequence[log.Packed]) -> None:
        if self.broken:
            raise Unavailable("The log cannot be written right now; send the events again.")
        for batch in batches:
            self.events += unpacked(batch)

    def _load(self) -> Access:
        self.loads += 1
        keys = {hashlib.sha256(secret.encode()).digest(): key for secret, key in self.keys.items()}
        return Access(keys, self.redact_keys)

    async def post(self, path: str, body: object, headers: dict[str, str] | None = None, **kwargs) -> Response:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Authorization": f"Bearer {SECRET}"} if headers is None else headers
        answer = await call(self.app, path, data, headers=headers, **kwargs)
        assert answer is not None
        if answer.status != 204:
            assert answer.headers["content-type"] == "application/json"
            assert int(answer.headers["content-length"]) == len(answer.body)
            assert "code" in answer.json or answer.status == 200
        return answer

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)
