"""What the door answers, to whom, and what gets through it."""

from __future__ import annotations

import base64
import gzip
import zlib

import msgspec
import pytest

from antiphon.ingest.settings import IngestSettings
from asgi import call
from factories import NOW

GOOD = {"type": "track", "event": "e", "userId": "u", "messageId": "m1"}
BAD = {"type": "track", "event": "e", "messageId": "m2"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/batch", "/batch/"])
async def test_a_batch(door, path):
    """200, exactly, with what became of it."""
    answer = await door.post(path, {"batch": [GOOD, {**GOOD, "messageId": "m3"}]})
    assert (answer.status, answer.json) == (200, {"success": True, "accepted": 2, "rejected": []})
    assert [event.id for event in door.events] == ["m1", "m3"]
    assert {event.source for event in door.events} == {"7"}


async def test_an_empty_batch(door):
    """Nothing to take is no failure."""
    assert (await door.post("/v1/batch", {"batch": []})).json == {"success": True, "accepted": 0, "rejected": []}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("track", {"event": "e"}), ("identify", {"traits": {}}), ("group", {"groupId": "c"}), ("alias", {"previousId": "p"}),
     ("page", {"name": "p"}), ("screen", {"name": "s"})],
)  # fmt: skip
@pytest.mark.parametrize("slash", ["", "/"])
async def test_single_calls(door, kind, fields, slash):
    """Each call has its address, which says its type."""
    answer = await door.post(f"/v1/{kind}{slash}", {"userId": "u", **fields})
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert [(event.type, event.id) for event in door.events] == [(kind, "made-up")]


async def test_a_batch_with_bad_items(door):
    """The good ones are taken; the bad ones are listed with place, id and reason."""
    answer = await door.post("/v1/batch", {"batch": [GOOD, BAD, 5]})
    assert answer.status == 200
    assert answer.json["accepted"] == 1
    assert [(r["index"], r["message_id"], r["code"]) for r in answer.json["rejected"]] == [
        (1, "m2", "no_identity"),
        (2, None, "not_an_object"),
    ]
    assert all(r["message"] for r in answer.json["rejected"])
    assert door.sample("antiphon_ingest_dropped_events_total", reason="no_identity") == 1
    assert door.sample("antiphon_ingest_accepted_events_total") == 1


async def test_a_batch_of_bad_items_only(door):
    """400 with the same list; nothing is stored."""
    answer = await door.post("/v1/batch", {"batch": [BAD, BAD]})
    assert (answer.status, answer.json["code"], len(answer.json["rejected"])) == (400, "invalid_input", 2)
    assert door.events == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(BAD, 400, "no_identity"), ({"userId": "u", "event": "e", "properties": {"x": "y" * 40_000}}, 413, "too_large"),
     (b"{", 400, "invalid_input"), (b'{"userId":"u","event":"e","properties":{"a":1e999}}', 400, "bad_number")],
)  # fmt: skip
async def test_a_bad_single_call(door, body, status, code):
    """A refusal that says why."""
    answer = await door.post("/v1/track", body)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert door.events == []


@pytest.mark.parametrize(
    "headers",
    [basic("awk_test:"), basic("awk_test"), basic("ask_test:"), {"Authorization": "Bearer awk_test"},
     {"Authorization": "bearer  ask_test "}],
)  # fmt: skip
async def test_ways_to_show_a_key(door, headers):
    """HTTP Basic with the key as user, or Bearer; write keys and server keys."""
    assert (await door.post("/v1/track", GOOD, headers)).status == 200


async def test_the_key_in_the_body(door):
    """Browser and Node clients put it there."""
    assert (await door.post("/v1/batch", {"batch": [GOOD], "writeKey": "awk_test"}, {})).status == 200
    assert (await door.post("/v1/track", {**GOOD, "writeKey": "awk_test"}, {})).status == 200
    assert len(door.events) == 2


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"batch": [GOOD]}, {}),
        ({"batch": [GOOD], "writeKey": "wrong"}, {}),
        ({"batch": [GOOD], "writeKey": ""}, {}),
        ({"batch": [GOOD], "writeKey": 5}, {}),
        ({"batch": [GOOD]}, basic("wrong:")),
        ({"batch": [GOOD]}, {"Authorization": "Basic !!!"}),
        ({"batch": [GOOD]}, {"Authorization": "Basic"}),
        ({"batch": [GOOD]}, {"Authorization": "Digest x"}),
        ({"batch": [GOOD]}, {"Authorization": "Bearer " + "x" * 5000}),
        ({"batch": [GOOD]}, {"Authorization": "Bearer \u00ff\u00fe"}),
        (b"x" * 100, {"Authorization": "Bearer wrong"}),
    ],
)
async def test_wrong_or_missing_keys(door, body, headers):
    """401 with a code, and nothing is stored."""
    answer = await door.post("/v1/batch", body, headers)
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    assert "www-authenticate" in answer.headers
    assert door.events == []


async def test_keys_are_read_again(door, clock):
    """A new key works at once, a revoked one for a second at most; a wrong one does not make us read without end."""
    assert (await door.post("/v1/track", GOOD)).status == 200
    loads = door.loads
    assert (await door.post("/v1/track", GOOD)).status == 200
    assert door.loads == loads
    clock.advance(200)
    door.keys["awk_new"] = door.keys["awk_test"]
    assert (await door.post("/v1/track", GOOD, basic("awk_new:"))).status == 200
    del door.keys["awk_test"], door.keys["awk_new"]
    clock.advance(1000)
    assert (await door.post("/v1/track", GOOD)).status == 401
    loads = door.loads
    for _ in range(50):
        assert (await door.post("/v1/track", GOOD, basic("guess:"))).status == 401
    assert door.loads == loads
    clock.advance(-5000)
    assert (await door.post("/v1/track", GOOD)).status == 401, "a clock that jumps back stops nothing"


async def test_gzip(door):
    """With the header, and without: its first bytes say so too."""
    data = gzip.compress(msgspec.json.encode({"batch": [GOOD]}))
    for encoding in ({"Content-Encoding": "gzip"}, {"Content-Encoding": "GZIP"}, {}):
        answer = await door.post("/v1/batch", data, {"Authorization": "Bearer awk_test", **encoding})
        assert answer.status == 200
    twice = gzip.compress(b'{"batch":[') + gzip.compress(b"]}")
    assert (await door.post("/v1/batch", twice)).status == 200, "two members make one body"


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b'{"batch":[]}', mtime=0)[:-4], gzip.compress(b'{"batch":[]}', mtime=0)[:12], b"\x1f\x8b" + b"x" * 50,
     gzip.compress(b'{"batch":[]}', mtime=0) + b"junk"],
)  # fmt: skip
async def test_broken_gzip(door, data):
    """A refusal, never a failure of ours."""
    assert (await door.post("/v1/batch", data)).status == 400


async def test_other_encodings(door):
    """Are named and refused."""
    headers = {"Authorization": "Bearer awk_test", "Content-Encoding": "br"}
    answer = await door.post("/v1/batch", zlib.compress(b"{}"), headers)
    assert (answer.status, "gzip" in answer.json["message"]) == (400, True)


async def test_bombs(door):
    """A body may inflate 20-fold beyond 1 MiB, and to 8 MiB at most."""
    bomb = gzip.compress(b'{"batch":[' + b" " * (9 << 20) + b"]}")
    assert (await door.post("/v1/batch", bomb)).status == 413
    steep = gzip.compress(b'{"batch":[' + b" " * (3 << 20) + b"]}")
    assert (await door.post("/v1/batch", steep)).status == 413
    small = gzip.compress(b'{"batch":[' + b" " * (1 << 19) + b"]}")
    assert (await door.post("/v1/batch", small)).status == 200


async def test_bodies_beyond_the_limit(door):
    """Refused by their header, or when they have grown too long."""
    headers = {"Authorization": "Bearer awk_test", "Content-Length": str(9 << 20)}
    assert (await call(door.app, "/v1/batch", b"", headers=headers)).status == 413
    pieces = [b" " * (1 << 20)] * 9
    assert (await call(door.app, "/v1/batch", pieces, headers={"Authorization": "Bearer awk_test"})).status == 413


async def test_a_body_in_pieces(door):
    """Is put together."""
    data = msgspec.json.encode({"batch": [GOOD]})
    answer = await call(
        door.app, "/v1/batch", [data[:5], data[5:9], data[9:]], headers={"Authorization": "Bearer awk_test"}
    )
    assert (answer.status, len(door.events)) == (200, 1)


@pytest.mark.parametrize("settings", [IngestSettings(body_timeout_s=0.01)])
@pytest.mark.parametrize("pieces", [[b"{"], [b"{", b"}"]])
async def test_a_client_that_never_ends(door, pieces):
    """Is refused after a while."""
    answer = await call(door.app, "/v1/batch", pieces, headers={"Authorization": "Bearer awk_test"}, hang=True)
    assert (answer.status, answer.json["code"]) == (400, "invalid_input")


async def test_a_client_that_goes_away(door):
    """Gets no answer, and nothing of it is stored."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/batch", "headers": [(b"authorization", b"Bearer awk_test")]}
    await door.app(scope, receive, send)
    assert (sent, door.events) == ([], [])


async def test_other_addresses_and_methods(door):
    """JSON with a code, never a redirect."""
    assert (await door.post("/v1/nothing", {})).status == 404
    assert (await door.post("/v1", {})).status == 404
    answer = await door.post("/v1/batch", b"", method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


async def test_browsers(door):
    """A preflight is answered, and every answer may be read."""
    answer = await door.post("/v1/batch", b"", {}, method="OPTIONS")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert (await door.post("/v1/batch", {"batch": []})).headers["access-control-allow-origin"] == "*"
    assert (await door.post("/v1/batch", {"batch": []}, {})).headers["access-control-allow-origin"] == "*"


async def test_secrets_are_not_stored(door):
    """Neither in properties nor in the context; what the workspace adds counts within a second."""
    event = {**GOOD, "properties": {"headers": {"Authorization": "hush"}, "pin": 1}, "context": {"cookie": "hush"}}
    await door.post("/v1/batch", {"batch": [event]})
    assert door.events[0].properties == {"headers": {"Authorization": "[redacted]"}, "pin": 1}
    assert door.events[0].context == {"cookie": "[redacted]"}
    door.redact_keys = ["pin"]
    door.clock.advance(1000)
    await door.post("/v1/batch", {"batch": [event]})
    assert door.events[1].properties == {"headers": {"Authorization": "hush"}, "pin": "[redacted]"}


async def test_the_clients_clock(door):
    """A client whose clock is an hour behind, in a batch and in a single call."""
    body = {**GOOD, "timestamp": "2026-09-21T13:13:19Z"}
    door.clock.now = NOW
    sent = "2026-09-21T13:13:20Z"
    await door.post("/v1/batch", {"batch": [body], "sentAt": sent})
    await door.post("/v1/track", {**body, "sentAt": sent})
    assert [event.timestamp for event in door.events] == [NOW - 1000, NOW - 1000]


async def test_backpressure(door):
    """429 with a time to wait while too much waits for the disk or for evaluation."""
    door.pending = 65 << 20
    answer = await door.post("/v1/track", GOOD)
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (429, "overloaded", "1")
    door.pending, door.lag = 0, 5_000_001
    assert (await door.post("/v1/track", GOOD)).status == 429
    door.lag = 0
    assert (await door.post("/v1/track", GOOD)).status == 200


@pytest.mark.parametrize(("free", "total"), [((1 << 30) - 1, 2 << 30), (4 << 30, 100 << 30)])
async def test_a_full_disk(door, free, total):
    """503 while less than 1 GiB or 5 % is free; looked at once a second."""
    door.disk = lambda: (free, total)
    answer = await door.post("/v1/track", GOOD)
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    door.disk = lambda: (50 << 30, 100 << 30)
    assert (await door.post("/v1/track", GOOD)).status == 503
    door.clock.advance(1000)
    assert (await door.post("/v1/track", GOOD)).status == 200


async def test_a_disk_that_cannot_be_read(door):
    """Counts as full."""

    def broken():
        raise OSError(5, "Input/output error")

    door.disk = broken
    assert (await door.post("/v1/track", GOOD)).status == 503


async def test_storage_trouble(door):
    """503 for the whole batch: nothing of it is stored, the client sends it again."""
    door.broken = True
    answer = await door.post("/v1/batch", {"batch": [GOOD]})
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    door.broken = False
    assert (await door.post("/v1/batch", {"batch": [GOOD]})).status == 200
    assert door.sample("antiphon_ingest_requests_total", status="503") == 1


async def test_a_mistake_of_ours_is_a_500(door, monkeypatch):
    """The client hears that nothing was stored, in the form that it knows."""
    monkeypatch.setattr(door.app, "_current_plain", None)
    answer = await door.post("/v1/batch", {"batch": [GOOD]})
    assert (answer.status, answer.json["code"], door.events) == (500, "error", [])


async def test_a_large_batch_gives_others_their_turn(door):
    """2,500 events, as the documents of the clients allow, and more."""
    answer = await door.post("/v1/batch", {"batch": [{**GOOD, "messageId": f"m{i}"} for i in range(6000)]})
    assert (answer.status, len(door.events)) == (200, 6000)


async def test_posthog_clients_are_told(door):
    """Their batches look similar; the answer says what is expected instead."""
    body = {"api_key": "awk_test", "batch": [{"event": "e", "distinct_id": "u", "properties": {}}]}
    assert (await door.post("/batch/", body, {})).status == 401
    assert (await door.post("/batch/", body)).json["rejected"][0]["code"] == "unknown_type"
