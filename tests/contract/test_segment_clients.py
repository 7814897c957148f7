"""The real clients of the family deliver every event once, without a second attempt where none is due."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from ingest_server import KEY, serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the client's own, on import
    from segment.analytics.client import Client

NODE = Path(__file__).parent / "node"
TRACKS = 120


@pytest.fixture
def server(store, free_port):
    """A running server."""
    with serve(store, free_port()) as running:
        yield running


@pytest.fixture(scope="module")
def node_clients():
    """Installs what the lock file says, once."""
    if not (NODE / "node_modules" / "@segment").exists():
        npm = shutil.which("npm")
        assert npm, "Node 20 is needed"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, capture_output=True)
    return NODE


def python_client(server, **options):
    failures: list[Exception] = []
    client = Client(
        KEY, host=server.url, on_error=lambda error, _batch: failures.append(error), upload_interval=0.05, **options
    )
    return client, failures


def kinds(events) -> dict[str, int]:
    return {kind: sum(event.type == kind for event in events) for kind in sorted({event.type for event in events})}


@pytest.mark.parametrize("gzip", [False, True])
def test_python_client(server, gzip):
    """One call of each kind and some more, compressed and not: each is stored once, as it was meant."""
    client, failures = python_client(server, gzip=gzip, upload_size=50)
    client.identify("ada", {"email": "ada@example.com", "name": "Zoë 😀"})
    client.group("ada", "acme", {"name": "Acme"})
    client.alias("visitor-1", "ada")
    client.page("ada", "Docs", "Quickstart", {"url": "https://docs.example.com/"})
    client.screen("ada", "Docs", "Home")
    for n in range(TRACKS):
        client.track("ada", "api_call", {"path": f"/v1/items/{n}", "status": 400})
    client.track(event="Signed Up", anonymous_id="visitor-2", context={"groupId": "acme"})
    client.shutdown()
    events = server.events()
    assert failures == []
    assert kinds(events) == {"alias": 1, "group": 1, "identify": 1, "page": 1, "screen": 1, "track": TRACKS + 1}
    assert len({event.id for event in events}) == len(events)
    assert set(server.answers) == {200}
    assert len(server.answers) <= len(events), "batches, not single calls"
    by_type = {event.type: event for event in events}
    assert by_type["identify"].properties == {"email": "ada@example.com", "name": "Zoë 😀"}
    assert (by_type["group"].company_id, by_type["group"].properties) == ("acme", {"name": "Acme"})
    assert (by_type["alias"].previous_id, by_type["alias"].user_id) == ("visitor-1", "ada")
    calls = [event for event in events if event.name == "api_call"]
    assert [event.properties["path"] for event in calls] == [f"/v1/items/{n}" for n in range(TRACKS)]
    assert {event.properties["route"] for event in calls} == {"/v1/items/{id}"}
    assert all(abs(event.received_at - event.timestamp) < 60_000 and event.flags == 0 for event in events)
    signed_up = next(event for event in events if event.name == "Signed Up")
    assert (signed_up.user_id, signed_up.anonymous_id, signed_up.company_id) == (None, "visitor-2", "acme")


def test_python_client_and_a_bad_event(server):
    """NaN, as its encoder writes it, costs that event only, and causes no second attempt."""
    client, failures = python_client(server)
    client.track("ada", "fine", {"n": 1})
    client.track("ada", "broken", {"n": float("nan")})
    client.track("ada", "fine", {"n": 2})
    client.shutdown()
    assert failures == []
    assert [event.properties for event in server.events() if event.name == "fine"] == [{"n": 1}, {"n": 2}]
    assert set(server.answers) == {200}


def test_python_client_with_a_wrong_key(server):
    """It is told once, and gives up."""
    failures: list[Exception] = []
    client = Client(
        "wrong", host=server.url, on_error=lambda error, _batch: failures.append(error), upload_interval=0.05
    )
    client.track("ada", "e")
    client.shutdown()
    assert (server.answers, server.events(), len(failures)) == ([401], [], 1)


def test_python_client_sends_again_after_trouble(server):
    """A failed commit stores nothing; the client's second attempt is the one that counts."""
    server.fail_next = 1
    client, failures = python_client(server)
    for n in range(5):
        client.track("ada", "e", {"n": n})
    client.shutdown()
    assert failures == []
    assert sorted(event.properties["n"] for event in server.events()) == [0, 1, 2, 3, 4]
    assert server.answers.count(503) == 1


@pytest.mark.node
def test_node_client(server, node_clients):
    """The same from Node."""
    node = shutil.which("node")
    assert node
    command = [node, "send.js", server.url, KEY, str(TRACKS)]
    done = subprocess.run(command, cwd=node_clients, check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout.splitlines()[-1]) == {"failures": []}
    events = server.events()
    assert kinds(events) == {"alias": 1, "group": 1, "identify": 1, "page": 1, "screen": 1, "track": TRACKS}
    assert set(server.answers) == {200}
    by_type = {event.type: event for event in events}
    assert by_type["identify"].properties["name"] == "Zoë 😀"
    assert (by_type["page"].properties["name"], by_type["page"].properties["category"]) == ("Quickstart", "Docs")
    assert {event.id for event in events if event.type == "track"} == {f"track-{n}" for n in range(TRACKS)}
    assert all(abs(event.received_at - event.timestamp) < 60_000 and event.flags == 0 for event in events)
