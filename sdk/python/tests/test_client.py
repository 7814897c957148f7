"""What the client puts on the wire, and what it refuses."""

import enum
import json
import logging
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import tomllib

import antiphon_sdk
from antiphon_sdk import Client


def test_every_kind_has_the_segment_shape(server, make_client):
    """Each call becomes one event of the batch format, with the fields that the format names."""
    client = make_client()
    client.identify("u1", {"name": "Ada"}, anonymous_id="anon")
    client.track("Signed Up", {"n": 1}, user_id=7, company_id="acme", message_id="my-id", timestamp=1_700_000_000.25)
    client.group("acme", {"name": "Acme"}, user_id="u1")
    client.alias("anon", "u1")
    client.page("Home", {"url": "/"}, user_id="u1", category="Docs")
    client.screen("Start", anonymous_id="anon")
    assert client.flush()
    (request,) = server.requests
    assert request["path"] == "/v1/batch"
    assert server.key(request) == "awk_test:"
    assert request["headers"]["Content-Type"] == "application/json"
    assert datetime.fromisoformat(request["body"]["sentAt"]).tzinfo is not None
    identify, track, group, alias, page, screen = server.events
    assert (identify["type"], identify["userId"], identify["anonymousId"]) == ("identify", "u1", "anon")
    assert identify["traits"] == {"name": "Ada"}
    assert track["event"] == "Signed Up"
    assert track["userId"] == "7"
    assert track["messageId"] == "my-id"
    assert track["timestamp"] == "2023-11-14T22:13:20.250+00:00"
    assert track["context"] == {"groupId": "acme"}
    assert (group["groupId"], group["traits"], group["userId"]) == ("acme", {"name": "Acme"}, "u1")
    assert (alias["previousId"], alias["userId"]) == ("anon", "u1")
    assert (page["name"], page["category"], page["properties"]) == ("Home", "Docs", {"url": "/"})
    assert (screen["type"], screen["anonymousId"]) == ("screen", "anon")
    assert len({event["messageId"] for event in server.events}) == 6


def test_values_without_a_json_form_get_one(server, make_client, failures):
    """Dates, decimals, sets and the like arrive readable; what is not a number arrives as null."""

    class Plan(enum.Enum):
        PRO = "pro"

    client = make_client()
    client.identify(
        "u1",
        {
            "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "day": date(2026, 1, 2),
            "price": Decimal("1.50"),
            "count": Decimal(3),
            "key": uuid.UUID(int=1),
            "plan": Plan.PRO,
            "tags": {"a"},
            "ratio": float("nan"),
            "odd": "\ud83d",
        },
    )
    client.flush()
    assert not failures
    assert server.events[0]["traits"] == {
        "at": "2026-01-02T03:04:05.000+00:00",
        "day": "2026-01-02",
        "price": 1.5,
        "count": 3,
        "key": "00000000-0000-0000-0000-000000000001",
        "plan": "pro",
        "tags": ["a"],
        "ratio": None,
        "odd": "?",
    }


def test_later_changes_of_the_callers_objects_change_nothing(server, make_client):
    """An event is what it was when the call was made."""
    client = make_client()
    properties = {"list": [1]}
    client.track("a", properties, user_id="u")
    properties["list"].append(2)
    client.flush()
    assert server.events[0]["properties"] == {"list": [1]}


def test_bad_calls_are_reported_and_never_raise(server, make_client, failures):
    """A call that cannot be sent answers None and tells on_error; the application goes on."""
    client = make_client()
    loop = []
    loop.append(loop)
    assert client.track("a", {}) is None
    assert client.track("", {}, user_id="u") is None
    assert client.track("a", {"x": object()}, user_id="u") is None
    assert client.track("a", {"x": loop}, user_id="u") is None
    assert client.track("a", {"x": b"bytes"}, user_id="u") is None
    assert client.track("a", {}, user_id="u", timestamp=1e30) is None
    assert client.track("a", {"x": "y" * 40_000}, user_id="u") is None
    assert client.group("", {}, user_id="u") is None
    assert client.alias("", "u") is None
    assert [failure.reason for failure in failures] == ["invalid_event"] * 6 + ["too_large"] + ["invalid_event"] * 2
    assert client.track("good", {}, user_id="u")
    client.flush()
    assert [event["event"] for event in server.events] == ["good"]


def test_an_on_error_that_raises_is_contained(make_client):
    """Even the application's own error callback cannot break the call."""

    def broken(_):
        raise RuntimeError("mine")

    assert make_client(on_error=broken).track("a", {}) is None


def test_disabled_checks_and_sends_nothing(server, make_client, failures):
    """For an application's own tests: calls are checked, nothing leaves, no thread runs."""
    client = make_client(disabled=True)
    assert client.track("a", {}, user_id="u")
    assert client.track("a", {}) is None
    assert client.messages.send(user_id="u", template_id=1).ok
    assert client.flush()
    assert client.stats().waiting == 0
    assert not server.requests
    assert [failure.reason for failure in failures] == ["invalid_event"]


@pytest.mark.parametrize(
    ("key", "host"), [("", "http://127.0.0.1:1"), ("awk", ""), ("awk", "ftp://x"), ("awk", "http://h:port")]
)
def test_a_missing_key_or_host_disables_with_a_warning(key, host, monkeypatch, caplog):
    """A misconfigured client says so once, and the application starts all the same."""
    for name in ("ANTIPHON_WRITE_KEY", "ANTIPHON_URL", "ANTIPHON_SERVER_KEY"):
        monkeypatch.delenv(name, raising=False)
    seen = []
    with caplog.at_level(logging.WARNING), Client(key, host, on_error=seen.append) as client:
        assert client.disabled
        assert client.track("a", {}, user_id="u")
    assert [failure.reason for failure in seen] == ["misconfigured"]
    assert "nothing is sent" in caplog.text


def test_settings_from_the_environment(server, monkeypatch):
    """Key and address may come from the environment."""
    monkeypatch.setenv("ANTIPHON_WRITE_KEY", "awk_env")
    monkeypatch.setenv("ANTIPHON_URL", server.url + "/prefix/")
    with Client() as client:
        client.track("a", user_id="u")
    assert server.requests[0]["path"] == "/prefix/v1/batch"
    assert server.key(server.requests[0]) == "awk_env:"


def test_a_message_is_sent_and_retried_with_one_key(server, make_client):
    """messages.send waits for the answer; its attempts share the idempotency key."""
    client = make_client(server_key="ask_test")
    server.script += [(503, {}, {}), (202, {}, {"id": 12, "status": "queued"})]
    result = client.messages.send(user_id="u1", template_id=7, variables={"code": Decimal(1)})
    assert (result.ok, result.id, result.status) == (True, "12", "queued")
    first, second = server.requests
    assert first["path"] == "/v1/messages"
    assert server.key(first) == "ask_test:"
    assert first["headers"]["Idempotency-Key"] == second["headers"]["Idempotency-Key"]
    assert first["body"] == {
        "user_id": "u1",
        "channel": "email",
        "template_id": 7,
        "variables": {"code": 1},
        "idempotency_key": first["headers"]["Idempotency-Key"],
    }


def test_a_refused_message_says_why(server, make_client, failures):
    """A 4xx is an answer, not an exception, and is not tried again."""
    client = make_client(server_key="ask_test")
    server.script.append((404, {}, {"code": "not_found", "message": "no template 7"}))
    result = client.messages.send(user_id="u1", template_id=7, idempotency_key="order-1")
    assert not result.ok
    assert result.failure.status == 404
    assert "no template 7" in result.failure.message
    assert failures == [result.failure]
    assert len(server.requests) == 1
    assert server.requests[0]["headers"]["Idempotency-Key"] == "order-1"


def test_a_message_needs_a_server_key(make_client, server):
    """Without the key the result says so."""
    result = make_client().messages.send(user_id="u1", template_id=7)
    assert result.failure.reason == "misconfigured"
    assert not server.requests


def test_versions_agree():
    """The version on the wire is the version of the distribution."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["version"] == antiphon_sdk.__version__


def test_debug_logs_what_happens(make_client, caplog):
    """With the logger at debug level, queueing and delivery can be followed."""
    with caplog.at_level(logging.DEBUG, logger="antiphon_sdk"):
        client = make_client()
        message_id = client.track("a", user_id="u")
        client.flush()
    assert f"queued track {message_id}" in caplog.text
    assert "1 events taken" in caplog.text
    assert json.dumps("awk_test") not in caplog.text
