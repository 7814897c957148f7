"""Keys, settings, demo traffic and the overview."""

from __future__ import annotations

import pytest

from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.store.log import append_events
from antiphon.store.signals import set_cursor
from antiphon.store.tables import log_duplicates, messages
from factories import NOW, track

SETTINGS = {
    "workspace_name": "Acme", "time_zone": "Europe/Berlin", "sender": "Acme <hi@acme.test>", "redact_keys": ["Token"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "prefix"), [("write", "awk_"), ("server", "ask_"), ("admin", "aat_")])
async def test_a_keys_secret_is_shown_once(owner, anyone, kind, prefix):
    """The secret is in the answer to its creation, works, and is gone from the list; revoked it stops at once."""
    made = (await owner.post("/api/keys", json={"name": "CI", "kind": kind})).json()
    assert made["secret"].startswith(prefix)
    assert made["secret"].startswith(made["prefix"])
    listed = (await owner.get("/api/keys")).json()["items"]
    key = next(item for item in listed if item["id"] == made["id"])
    assert made["secret"] not in str(listed)
    assert (key["name"], key["used_at"]) == ("CI", None)
    used = {"authorization": f"Bearer {made['secret']}"}
    assert (await anyone.get("/api/rules", headers=used)).status_code == (200 if kind == "admin" else 403)
    assert (await owner.delete(f"/api/keys/{made['id']}")).status_code == 204
    assert (await anyone.get("/api/rules", headers=used)).status_code == 401
    assert (await owner.delete(f"/api/keys/{made['id']}")).status_code == 404


@pytest.mark.usefixtures("context")
async def test_a_session_cannot_be_revoked_as_a_key(owner):
    """The list of keys holds no sessions, and none can be ended by its number."""
    kinds = {item["kind"] for item in (await owner.get("/api/keys")).json()["items"]}
    assert kinds <= {"write", "server", "admin"}
    for number in range(1, 6):
        await owner.delete(f"/api/keys/{number}")
    assert (await owner.get("/api/session")).status_code == 200


@pytest.mark.usefixtures("context")
async def test_settings_are_saved_by_revision(admin):
    """What is saved is read back, keys to redact in lower case and once; a stale save is refused."""
    before = (await admin.get("/api/settings")).json()
    assert before["revision"] == 0
    assert "authorization" in before["redact_keys"]
    assert before["channel"] == {"provider": "inbox", "host": None, "port": None}
    body = {**SETTINGS, "redact_keys": ["Token", "token", "Secret"], "revision": 0}
    saved = (await admin.put("/api/settings", json=body)).json()
    assert (saved["revision"], saved["redact_keys"]) == (1, ["token", "secret"])
    assert (await admin.get("/api/settings")).json() == saved
    assert (await admin.put("/api/settings", json={**SETTINGS, "revision": 0})).status_code == 409
    assert (await admin.get("/api/session")).json()["workspace"]["name"] == "Acme"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"sender": "nobody in particular"}, "sender"),
        ({"sender": "Acme <hi@acme.test>\r\nBcc: x@evil.test"}, "sender"),
    ],
)
async def test_odd_settings_are_refused(admin, change, field):
    """A zone that is none, a sender that is none or brings a header along."""
    answer = await admin.put("/api/settings", json={**SETTINGS, "revision": 0, **change})
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)


async def test_demo_traffic_is_started_and_stopped(admin, context):
    """The page's switch; where it cannot run, it says so."""
    assert (await admin.get("/api/demo")).json() == {"available": True, "running": False, "started_at": None}
    assert (await admin.post("/api/demo")).json()["running"] is True
    assert (await admin.delete("/api/demo")).json()["running"] is False
    context.demo.available = False
    assert (await admin.post("/api/demo")).status_code == 409


def _message(conn, key, status, **more):
    row = {
        "idempotency_key": key, "lane": "behavioural", "channel": "email", "user_id": "ada", "template_id": 1,
        "variables": {}, "status": status, "attempts": 0, "due_at": 1, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    conn.execute(messages.insert().values(row | more))


async def test_an_empty_overview_teaches(admin):
    """Nothing yet: zeros, no times, and snippets with the real address."""
    found = (await admin.get("/api/overview")).json()
    assert (found["events_total"], found["first_event_at"]) == (0, None)
    assert found["time_to_message"] == {"p50_ms": None, "p99_ms": None, "count": 0}
    assert len(found["events_per_minute"]) == 60
    assert len(found["messages_per_day"]) == 30
    assert all("http://testserver" in snippet for snippet in found["snippets"].values())


async def test_the_overview_counts(admin, context, clock, person):
    """Events without duplicates, by the minute of receipt; messages by status and day; times of the last ones."""
    person("ada")
    store = context.store
    with store.log.write() as conn:
        append_events(conn, [track(), track()], NOW - 2 * HOUR)
        append_events(conn, [track(), track(), track()], NOW - MINUTE)
    with store.state.write() as conn:
        set_cursor(conn, "evaluate:0", 5)
        conn.execute(log_duplicates.insert().values(partition=0, offset=1, conflicting=False))
        for number in range(100):
            _message(conn, f"s{number}", "sent", sent_at=NOW - number, caused_at=NOW - number - (number + 1))
        _message(conn, "old", "sent", sent_at=NOW - 40 * DAY)
        for status in ("queued", "deferred", "failed", "suppressed", "uncertain"):
            _message(conn, status, status)
    found = (await admin.get("/api/overview")).json()
    assert (found["events_total"], found["users"], found["companies"]) == (4, 1, 0)
    assert found["first_event_at"] == NOW - 2 * HOUR
    assert sum(minute["count"] for minute in found["events_per_minute"]) == 3
    assert found["events_per_minute"][-2]["count"] == 3
    assert found["messages"] == {"sent": 101, "queued": 2, "failed": 1, "suppressed": 1, "uncertain": 1}
    assert sum(day["sent"] for day in found["messages_per_day"]) == 100
    assert found["time_to_message"] == {"p50_ms": 50, "p99_ms": 99, "count": 100}
    assert len(found["recent_messages"]) == 10
    clock.now += MINUTE
    with store.log.write() as conn:
        append_events(conn, [track()], clock.now)
    again = (await admin.get("/api/overview")).json()["events_per_minute"]
    assert (again[-1]["count"], again[-3]["count"]) == (1, 3)
