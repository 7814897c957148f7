"""Who may do what."""

from __future__ import annotations

import base64

import pytest

from antiphon.model.clock import DAY
from antiphon.store.accounts import create_account
from antiphon.store.tables import accounts
from antiphon.web.openapi import document
from antiphon.web.sessions import start_session

METHODS = ("get", "post", "put", "delete")
OPEN = {
    ("post", "/api/session"),
    ("get", "/api/openapi.json"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/signin"),
    ("post", "/signin"),
    ("get", "/unsubscribe/x"),
    ("post", "/unsubscribe/x"),
}
"""Everything that answers without credentials; a new entry wants a good reason."""


def _routes() -> list[tuple[str, str]]:
    documented = [
        (method, path.replace("{user_id}", "u").replace("{company_id}", "c"))
        for path, operations in document()["paths"].items()
        for method in operations
    ]
    filled = [
        (method, "/".join("1" if part.startswith("{") else part for part in p.split("/"))) for method, p in documented
    ]
    return sorted({*filled, *OPEN, ("get", "/metrics")})


@pytest.mark.parametrize(("method", "path"), _routes())
async def test_a_route_answers_nobody_without_credentials(anyone, method, path):
    """Every route answers 401 without credentials, but for those that are open on purpose."""
    answer = await anyone.request(method, path, json={} if method in ("post", "put") else None)
    if (method, path) in OPEN:
        assert answer.status_code != 401
    else:
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("method", "path"), [r for r in _routes() if r not in OPEN and not r[1].startswith("/v1")])
async def test_a_write_key_reads_and_changes_nothing(anyone, key, method, path):
    """A key that leaked from a browser opens none of these routes."""
    headers = {"authorization": f"Bearer {key('write')}"}
    answer = await anyone.request(method, path, headers=headers, json={} if method in ("post", "put") else None)
    assert answer.status_code == 403


async def test_a_server_key_sends_and_nothing_else(anyone, key):
    """A server key may use /v1/messages, not the page's API; a write key not even that."""
    server = {"authorization": f"Bearer {key('server')}"}
    assert (await anyone.get("/api/users", headers=server)).status_code == 403
    body = {"user_id": "nobody", "template_id": 1}
    assert (await anyone.post("/v1/messages", headers=server, json=body)).status_code == 404
    write = {"authorization": f"Bearer {key('write')}"}
    assert (await anyone.post("/v1/messages", headers=write, json=body)).status_code == 403


async def test_basic_authentication_carries_a_key(anyone, key):
    """`Basic base64("key:")` is as good as Bearer, as event clients send it."""
    basic = base64.b64encode(f"{key('admin')}:".encode()).decode()
    assert (await anyone.get("/api/rules", headers={"authorization": f"Basic {basic}"})).status_code == 200
    assert (await anyone.get("/api/rules", headers={"authorization": "Basic %%%"})).status_code == 401


async def test_a_session_is_no_bearer_token_and_a_token_no_cookie(anyone, owner, key):
    """What the browser sends by itself is only ever a session, and a session is only ever sent by the browser."""
    session = owner.cookies["antiphon"]
    assert (await anyone.get("/api/session", headers={"authorization": f"Bearer {session}"})).status_code == 401
    assert (await anyone.get("/api/session", headers={"cookie": f"antiphon={key('admin')}"})).status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://testserver.evil.test", None])
async def test_another_sites_page_cannot_write_with_our_cookie(owner, origin):
    """A write by cookie needs our own Origin."""
    headers = {"origin": origin} if origin else {}
    owner.headers.pop("origin")
    answer = await owner.post("/api/keys", json={"name": "x", "kind": "write"}, headers=headers)
    assert answer.status_code == 403


async def test_a_session_ends_by_time_and_by_signing_out(owner, clock):
    """Signing out ends the session in the database, and so does its age."""
    cookie = {"cookie": f"antiphon={owner.cookies['antiphon']}"}
    assert (await owner.get("/api/session", headers=cookie)).status_code == 200
    clock.now += 31 * DAY
    assert (await owner.get("/api/session", headers=cookie)).status_code == 401
    clock.now -= 31 * DAY
    assert (await owner.delete("/api/session")).status_code == 204
    assert (await owner.get("/api/session", headers=cookie)).status_code == 401


@pytest.mark.parametrize(("role", "rules", "keys"), [("viewer", 403, 403), ("editor", 201, 403), ("other", 403, 403)])
async def test_roles_bound_what_a_person_may_do(anyone, context, role, rules, keys):
    """A viewer changes nothing, an editor no keys, and a role that is not known may do nothing."""
    with context.store.state.write() as conn:
        account = create_account(conn, email="x@y.test", name="X", role=role, now=0)
        session = start_session(conn, account.id, context.settings, context.clock())
    headers = {"cookie": f"antiphon={session}", "origin": "http://testserver"}
    rule = {"name": "r", "text": "met"}
    assert (await anyone.post("/api/rules", json=rule, headers=headers)).status_code == rules
    assert (await anyone.post("/api/keys", json={"name": "k", "kind": "admin"}, headers=headers)).status_code == keys


async def test_a_role_taken_away_counts_at_once(owner, context):
    """Rights are read with each request, not kept in the session."""
    with context.store.state.write() as conn:
        conn.execute(accounts.update().values(role="viewer"))
    assert (await owner.post("/api/keys", json={"name": "k", "kind": "admin"})).status_code == 403


async def test_fields_that_are_not_asked_for_are_refused(admin):
    """A write takes only the fields of its model: nothing is assigned by the way."""
    answer = await admin.post("/api/rules", json={"name": "r", "text": "met", "version": 9})
    assert answer.status_code == 400
    assert "version" in answer.json()["message"]
