"""Ingest without a network: requests a second through the whole ASGI app into a real log, and CPU by stage.

Usage: bench/ingest_inprocess.py [seconds a size]. Clients are coroutines in the same process (their bodies are made
beforehand), so that everything shown is ours; the log is SQLite with `synchronous=FULL` in a temporary folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path

import msgspec
import uvloop
from prometheus_client import CollectorRegistry

from antiphon.ingest.access import Access, AccessReader, IngestKey
from antiphon.ingest.http import IngestApp
from antiphon.ingest.measures import STAGES
from antiphon.ingest.pressure import Pressure, disk_space_of
from antiphon.ingest.redact import DEFAULT_KEYS
from antiphon.ingest.settings import IngestSettings
from antiphon.model.clock import wall_clock
from antiphon.store import log
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.log_writer import LogWriter
from antiphon.store.migrate import upgrade
from antiphon.store.wake import open_wake

KEY = "awk_bench"
CLIENTS = {1: 64, 10: 64, 100: 16, 500: 8}


def body(size: int) -> bytes:
    """A batch as our SDK sends it; each event names one of 1,000 users."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime())
    return msgspec.json.encode(
        {
            "batch": [
                {
                    "type": "track",
                    "event": "api_call",
                    "messageId": str(uuid.uuid4()),
                    "timestamp": moment,
                    "userId": f"user_{i % 1000}",
                    "context": {"groupId": f"company_{i % 100}"},
                    "properties": {
                        "method": "POST",
                        "route": "/v1/reports/{id}",
                        "path": "/v1/reports/8812",
                        "status": 400 if i % 20 == 0 else 200,
                        "latency_ms": 12.5,
                        "request_bytes": 310,
                        "response_bytes": 2048,
                    },
                }
                for i in range(size)
            ],
            "sentAt": moment,
        }
    )


async def client(app: IngestApp, bodies: list[bytes], until: float) -> int:
    """Post one body after the other; how many."""
    sent = 0
    while time.perf_counter() < until:
        data = bodies[sent % len(bodies)]
        scope = {
            "type": "http", "method": "POST", "path": "/v1/batch",
            "headers": [(b"authorization", f"Bearer {KEY}".encode()), (b"content-type", b"application/json")],
        }  # fmt: skip

        async def receive(data: bytes = data) -> dict[str, object]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            assert message.get("status", 200) == 200, message

        await app(scope, receive, send)
        sent += 1
    return sent


async def run(size: int, seconds: float) -> None:
    """One batch size."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data=Path(folder)))
        upgrade(store)
        wake = open_wake(store)
        writer = LogWriter(store.log, wall_clock, wake)
        registry = CollectorRegistry()
        settings = IngestSettings(min_free_bytes=0)
        access = AccessReader(
            lambda: Access({hashlib.sha256(KEY.encode()).digest(): IngestKey("1", "write")}, DEFAULT_KEYS), wall_clock
        )
        pressure = Pressure(settings, wall_clock, lambda: writer.pending_bytes, None, disk_space_of(Path(folder)))
        app = IngestApp(writer, access, pressure, settings, wall_clock, registry)
        bodies = [body(size) for _ in range(max(4, 200 // size))]
        began, cpu = time.perf_counter(), time.process_time()
        sent = await asyncio.gather(*(client(app, bodies, began + seconds) for _ in range(CLIENTS[size])))
        took, used = time.perf_counter() - began, time.process_time() - cpu
        writer.close()
        events = sum(sent) * size
        with store.log.read() as conn:
            assert log.head(conn) == events
        stages = [
            registry.get_sample_value("antiphon_ingest_stage_seconds_total", {"stage": s}) or 0 for s in STAGES[:3]
        ]
        wal = (Path(folder) / "log.db").stat().st_size
        print(
            f"batch {size:>3}: {events / took:>9,.0f} events/s  {sum(sent) / took:>7,.0f} requests/s  "
            f"CPU {used / events * 1e6:5.2f} us/event (all threads)  "
            + "  ".join(f"{s} {t / events * 1e6:.2f}" for s, t in zip(STAGES, stages, strict=False))
            + f"  log {wal / events:.0f} B/event  RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB"
        )
        store.close()
        wake.close()


if __name__ == "__main__":
    for batch in CLIENTS:
        uvloop.run(run(batch, float(sys.argv[1]) if len(sys.argv) > 1 else 3.0))
