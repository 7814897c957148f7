"""Requests in the exact shape of each client, and what they must become."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from antiphon.ingest.access import Access, AccessReader, IngestKey
from antiphon.ingest.http import IngestApp
from antiphon.ingest.pressure import Pressure
from antiphon.ingest.settings import IngestSettings
from antiphon.model.event import LATE
from asgi import call
from factories import ManualClock
from ingest_door import unpacked

REQUESTS = json.loads((Path(__file__).parent / "data" / "segment_requests.json").read_text())
RECEIVED = 1789996398552  # half a second after the clients say they sent


class Kept(list):
    """Where events go."""

    async def append(self, batches):
        for batch in batches:
            self.extend(unpacked(batch))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["client"])
async def test_captured_request(request_):
    """Accepted with 200 and without loss, each call as the right kind of event at the corrected time."""
    kept, clock, settings = Kept(), ManualClock(RECEIVED), IngestSettings()
    access = AccessReader(lambda: Access({hashlib.sha256(b"KEY").digest(): IngestKey("1", "write")}, ()), clock)
    app = IngestApp(kept, access, Pressure(settings, clock, lambda: 0), settings, clock, CollectorRegistry())
    body = json.dumps(request_["body"]).encode()
    answer = await call(
        app, "/v1/batch", gzip.compress(body) if request_["gzip"] else body, headers=request_["headers"]
    )
    items = request_["body"]["batch"]
    assert (answer.status, answer.json) == (200, {"success": True, "accepted": len(items), "rejected": []})
    for item, event in zip(items, kept, strict=True):
        assert (event.id, event.type) == (item["messageId"], item["type"])
        assert (event.user_id, event.anonymous_id) == (item.get("userId"), item.get("anonymousId"))
        expected = item["event"] if item["type"] == "track" else item["type"]
        assert event.name == expected
        if item["type"] == "identify":
            traits = item.get("traits") or item["context"]["traits"]
            assert event.properties == traits
        if item["type"] in {"page", "screen"}:
            assert event.properties == {**item["properties"], "name": "Quickstart", "category": "Docs"}
        assert event.previous_id == item.get("previousId")
        assert event.company_id == item.get("groupId")
        assert bool(event.flags & LATE) == item["timestamp"].startswith("2024")
        assert event.timestamp != RECEIVED
    fresh = [event for event in kept if not event.late]
    assert all(0 < event.received_at - event.timestamp < 10_000 for event in fresh)
