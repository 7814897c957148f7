"""Users and companies through the API."""

from __future__ import annotations

import pytest

from antiphon.model.event import LATE, Event
from antiphon.store.tables import identities, memberships, messages, signals
from antiphon.web.context import StoredEvent
from factories import NOW


def _event(offset, **fields):
    base = {"id": f"e{offset}", "type": "track", "name": "hello", "timestamp": NOW, "received_at": NOW, "source": "k"}
    return StoredEvent(offset, Event(**(base | fields)))


async def test_users_are_listed_last_seen_first_in_pages(admin, person):
    """Everybody once, companies not among them, with the total."""
    for number in range(5):
        person(f"u{number}", seen=NOW + number // 2)
    person("acme", "company")
    seen, cursor = [], None
    while True:
        page = (await admin.get("/api/users", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        assert page["total"] == 5
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["u4", "u3", "u2", "u1", "u0"]


@pytest.mark.parametrize(
    ("search", "found"),
    [("ADA", ["u1"]), ("acme.test", ["u2", "u1"]), ("100%", ["u3"]), ("_", ["u_4"]), (" ", 4), ("nobody", [])],
)
async def test_search_looks_in_id_name_and_email(admin, person, search, found):
    """Whatever the case, and with no wildcards but what was typed."""
    person("u1", name="Ada", email="ada@acme.test")
    person("u2", name="Bob", email="bob@acme.test", seen=NOW + 1)
    person("u3", name="100% Carl", email="carl@x.test")
    person("u_4")
    page = (await admin.get("/api/users", params={"search": search})).json()
    ids = [item["id"] for item in page["items"]]
    assert (ids if isinstance(found, list) else len(ids)) == found
    assert page["total"] == len(ids)


async def test_names_and_addresses_are_found_in_the_traits(admin, person):
    """`name`, or first and last name in either spelling; odd types are no names."""
    person("a", name=" Ada ")
    person("b", first_name="Bob", last_name="Bell")
    person("c", firstName="Carl")
    person("d", name=5, email=["x"])
    items = (await admin.get("/api/users")).json()["items"]
    assert {item["id"]: item["name"] for item in items} == {"a": "Ada", "b": "Bob Bell", "c": "Carl", "d": None}
    assert items[0]["email"] is None


async def test_a_user_with_everything_around(admin, person, context):
    """Profile, company, other ids, memberships and counts; a former id leads to the same user."""
    await admin.post("/api/rules", json={"name": "Errors", "text": "met"})
    person("ada", name="Ada", company_id="acme", plan="free")
    person("acme", "company", name="Acme")
    context.events.stored = [_event(2, user_id="ada"), _event(1, user_id="bob")]
    with context.store.state.write() as conn:
        conn.execute(identities.insert().values(kind="anonymous", id="anon", user_id="ada", linked_at=5))
        row = {"rule_id": 1, "subject_kind": "user", "subject_id": "ada", "episode": 2, "member": True, "since": 7}
        conn.execute(memberships.insert().values(row))
    user = (await admin.get("/api/users/ada")).json()
    assert user["profile"]["traits"] == {"name": "Ada", "plan": "free"}
    assert user["company"]["name"] == "Acme"
    assert user["identities"] == [{"kind": "anonymous", "id": "anon", "linked_at": 5}]
    assert user["memberships"] == [{"rule_id": 1, "name": "Errors", "member": True, "episode": 2, "since": 7}]
    assert (user["events"], user["messages"]) == (1, 0)
    assert (await admin.get("/api/users/anon")).json() == user
    assert (await admin.get("/api/users/eve")).status_code == 404
    members = (await admin.get("/api/users", params={"rule_id": 1})).json()
    assert [item["id"] for item in members["items"]] == ["ada"]


@pytest.mark.parametrize("user_id", ["a/b", "a b", "ä@ö.test", "auth0|1", "100%", "a%2Fb", "?x=1#y", ".."])
async def test_any_id_can_be_looked_at(admin, person, user_id):
    """Ids are the customers': slashes, signs and percent signs are part of them."""
    person(user_id)
    encoded = "".join(f"%{byte:02X}" for byte in user_id.encode())
    answer = await admin.get(f"/api/users/{encoded}")
    assert answer.status_code == 200
    assert answer.json()["profile"]["id"] == user_id
    assert (await admin.get(f"/api/users/{encoded}/messages")).status_code == 200


async def test_a_timeline_shows_the_users_events(admin, person, context):
    """Every field of an event, a full page names where to go on."""
    person("ada")
    context.events.stored = [_event(9, user_id="ada", flags=LATE, properties={"n": 1}), _event(8, user_id="ada")]
    page = (await admin.get("/api/users/ada/events", params={"limit": 2})).json()
    assert page["next_before"] == 8
    assert page["items"][0] == {
        "offset": 9, "event_id": "e9", "type": "track", "name": "hello", "user_id": "ada", "anonymous_id": None,
        "company_id": None, "timestamp": NOW, "received_at": NOW, "properties": {"n": 1}, "late": True, "source": "k",
    }  # fmt: skip
    assert (await admin.get("/api/users/ada/events", params={"limit": 3})).json()["next_before"] is None
    assert len((await admin.get("/api/events", params={"name": "hello"})).json()["items"]) == 2


async def test_a_company_with_its_users(admin, person):
    """Who belongs to a company is counted and listed."""
    person("acme", "company", name="Acme")
    person("ada", company_id="acme")
    person("bob", company_id="other")
    company = (await admin.get("/api/companies/acme")).json()
    assert (company["profile"]["name"], company["users"], company["events"]) == ("Acme", 1, 0)
    users = (await admin.get("/api/companies/acme/users")).json()
    assert [item["id"] for item in users["items"]] == ["ada"]
    assert (await admin.get("/api/companies")).json()["total"] == 1
    for path in ("", "/events", "/users", "/explain?rule_id=1"):
        assert (await admin.get(f"/api/companies/none{path}")).status_code == 404


@pytest.fixture
async def coached(admin, person):
    """A user, a rule, and a workflow that the rule starts."""
    person("ada")
    await admin.post("/api/rules", json={"name": "Errors", "text": "met", "status": "active"})
    await admin.post("/api/templates", json={"name": "Hello", "content": {"subject": "s", "body": "b"}})
    await admin.post("/api/templates/1/publish", json={"revision": 1})
    steps = [{"id": "s", "kind": "send", "template_id": 1}]
    definition = {"trigger": {"kind": "enters", "rule_id": 1}, "steps": steps}
    await admin.post("/api/workflows", json={"name": "Coach", "definition": definition})
    assert (await admin.post("/api/workflows/1/publish", json={"revision": 1})).status_code == 200


async def _explain(admin):
    return (await admin.get("/api/users/ada/explain", params={"rule_id": 1})).json()


@pytest.mark.usefixtures("coached")
async def test_why_a_message_was_not_sent_is_read_from_what_was_stored(admin, context, clock):
    """From not a member over a silent fill to what became of the message, each answer is a stored fact."""

    def transition(at, quiet):
        row = {"kind": "entered", "subject_kind": "user", "subject_id": "ada", "rule_id": 1, "episode": 1}
        with context.store.state.write() as conn:
            conn.execute(signals.insert().values(**row, at=at, quiet=quiet))

    found = await _explain(admin)
    assert (found["member"], found["met"], found["conditions"][0]["needed"]) == (False, True, "at least 5")
    assert [m["outcome"] for m in found["messages"]] == ["not a member"]
    transition(clock.now, quiet=True)
    assert "matched already" in (await _explain(admin))["messages"][0]["outcome"]
    transition(clock.now - 1, quiet=False)
    assert "before the workflow was published" in (await _explain(admin))["messages"][0]["outcome"]
    with context.store.state.write() as conn:
        row = {
            "idempotency_key": "k", "lane": "behavioural", "channel": "email", "user_id": "ada", "template_id": 1,
            "workflow_id": 1, "variables": {}, "status": "suppressed", "reason": "unsubscribed", "attempts": 0,
            "due_at": 1, "created_at": 1, "updated_at": 9,
        }  # fmt: skip
        conn.execute(messages.insert().values(row))
    assert (await _explain(admin))["messages"] == [
        {"workflow_id": 1, "workflow_name": "Coach", "outcome": "suppressed: unsubscribed", "at": 9, "message_id": 1}
    ]
    shown = (await admin.get("/api/users/ada/messages")).json()["items"][0]
    assert (shown["workflow_name"], shown["template_name"], shown["status"]) == ("Coach", "Hello", "suppressed")
    assert (await admin.get("/api/messages", params={"status": "sent"})).json()["items"] == []
    assert (await admin.get("/api/messages/1")).json() == shown
    assert (await admin.get("/api/messages/2")).status_code == 404


@pytest.mark.usefixtures("coached")
async def test_a_rule_about_users_explains_no_company(admin, person):
    """A rule is asked only about its own kind of subject."""
    person("acme", "company")
    answer = await admin.get("/api/companies/acme/explain", params={"rule_id": 1})
    assert answer.status_code == 400
    assert "about users" in answer.json()["message"]
    assert (await admin.get("/api/users/ada/explain", params={"rule_id": 9})).status_code == 404
    assert (await admin.get("/api/users/ada/explain")).status_code == 400
