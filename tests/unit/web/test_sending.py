"""POST /v1/messages: transactional mail for servers."""

from __future__ import annotations

import pytest

from antiphon.store.tables import messages


@pytest.fixture
async def server(anyone, admin, key, person):
    """A customer's server, a user to write to and a template."""
    person("ada", name="Ada", email="ada@acme.test")
    person("eve", name="Eve")
    for name in ("receipt", "draft"):
        await admin.post("/api/templates", json={"name": name, "content": {"subject": "s", "body": "b"}})
    await admin.post("/api/templates/1/publish", json={"revision": 1})
    anyone.headers["authorization"] = f"Bearer {key('server')}"
    return anyone


async def test_a_message_is_queued(server, context, clock):
    """202 with id and status; the outbox holds who, what and the lane, and delivery is woken."""
    body = {"user_id": "ada", "channel": "email", "template_id": "receipt", "variables": {"total": 5}}
    answer = await server.post("/v1/messages", json=body)
    assert (answer.status_code, answer.json()) == (202, {"id": 1, "status": "queued"})
    with context.store.state.read() as conn:
        row = conn.execute(messages.select()).mappings().one()
    assert (row["lane"], row["recipient"], row["template_version"]) == ("transactional", "ada@acme.test", 1)
    assert row["variables"] == {"total": 5}
    assert row["caused_at"] == row["created_at"] == clock.now
    assert context.wake.topics == ["outbox"]


@pytest.mark.parametrize("in_header", [True, False])
async def test_the_same_key_is_the_same_message(server, in_header):
    """A retried request gives the same answer and no second mail; another key does."""
    body = {"user_id": "ada", "template_id": 1}

    async def send(own: str):
        if in_header:
            return (await server.post("/v1/messages", json=body, headers={"idempotency-key": own})).json()
        return (await server.post("/v1/messages", json={**body, "idempotency_key": own})).json()

    first, again, other = await send("order-1"), await send("order-1"), await send("order-2")
    assert first == again
    assert other["id"] != first["id"]


async def test_a_key_belongs_to_one_server(server, key):
    """Two servers that count their orders alike do not take each other's messages away."""
    body = {"user_id": "ada", "template_id": 1, "idempotency_key": "order-1"}
    first = (await server.post("/v1/messages", json=body)).json()
    other = {"authorization": f"Bearer {key('server')}"}
    second = (await server.post("/v1/messages", json=body, headers=other)).json()
    assert first["id"] != second["id"]


async def test_without_a_key_each_request_is_a_message(server):
    """Nobody is deduplicated who did not ask for it."""
    body = {"user_id": "ada", "template_id": 1}
    ids = {(await server.post("/v1/messages", json=body)).json()["id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"user_id": "nobody"}, 404, "user_id"),
        ({"user_id": "eve"}, 400, "user_id"),
        ({"template_id": "nothing"}, 404, "template_id"),
        ({"template_id": 99}, 404, None),
        ({"template_id": "draft"}, 409, "template_id"),
        ({"channel": "pigeon"}, 400, None),
        ({"idempotency_key": ""}, 400, None),
        ({"idempotency_key": "x" * 256}, 400, None),
    ],
)
async def test_what_cannot_be_sent_is_said(server, change, status, field):
    """A user or template that is not there, no address, no published version, odd values."""
    answer = await server.post("/v1/messages", json={"user_id": "ada", "template_id": "receipt", **change})
    assert answer.status_code == status
    assert answer.json()["details"].get("field") == field
