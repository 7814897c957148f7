"""Workflows through the API."""

from __future__ import annotations

import msgspec
import pytest

from antiphon.model.workflow import Lookups, WorkflowDefinition, problems
from antiphon.store.tables import enrollments

SEND = {"id": "s1", "kind": "send", "template_id": 1}
WHOLE = {"schema": 1, "trigger": {"kind": "event", "selector": "hello"}, "steps": [SEND]}


@pytest.fixture
async def template(admin):
    """A published template."""
    await admin.post("/api/templates", json={"name": "Hello", "content": {"subject": "s", "body": "b"}})
    await admin.post("/api/templates/1/publish", json={"revision": 1})


async def _create(admin, definition=WHOLE, name="Coach"):
    answer = await admin.post("/api/workflows", json={"name": name, "definition": definition})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_empty_draft_says_what_it_lacks(admin):
    """A draft may be incomplete; its problems are named, and it is not published."""
    made = (await admin.post("/api/workflows", json={"name": "New"})).json()
    assert made["definition"] == {"schema": 1, "trigger": None, "entry": {"reentry": "once"}, "steps": []}
    assert [p["message"] for p in made["problems"]] == [
        "Choose what starts this workflow.",
        "Nothing is sent: add a step that sends an email.",
    ]
    answer = await admin.post("/api/workflows/1/publish", json={"revision": 1})
    assert answer.status_code == 400
    assert answer.json()["details"]["problems"] == made["problems"]


@pytest.mark.usefixtures("template")
async def test_a_published_workflow_stays_while_its_draft_changes(admin, context):
    """Publishing puts a version in force; later saves touch the draft until they are published."""
    await _create(admin)
    published = (await admin.post("/api/workflows/1/publish", json={"revision": 1})).json()
    assert (published["status"], published["published_version"], published["changed"]) == ("active", 1, False)
    wait = {"id": "w", "kind": "wait", "minutes": 5}
    for revision, minutes in ((2, 5), (3, 6)):
        draft = {**WHOLE, "steps": [{**wait, "minutes": minutes}, SEND]}
        body = {"revision": revision, "name": "Coach", "definition": draft}
        saved = (await admin.put("/api/workflows/1", json=body)).json()
        assert (saved["published_version"], saved["changed"]) == (1, True)
    again = (await admin.post("/api/workflows/1/publish", json={"revision": 4})).json()
    assert (again["published_version"], again["changed"]) == (2, False)
    assert again["definition"]["steps"][0]["minutes"] == 6
    assert context.wake.topics.count("rules") == 2


@pytest.mark.usefixtures("template")
async def test_stale_saves_and_taken_names_are_refused(admin):
    """409 on save and on publish."""
    await _create(admin, name="One")
    await _create(admin, name="Two")
    stale = {"revision": 9, "name": "One", "definition": WHOLE}
    assert (await admin.put("/api/workflows/1", json=stale)).status_code == 409
    assert (await admin.post("/api/workflows/1/publish", json={"revision": 9})).status_code == 409
    taken = {"revision": 1, "name": "Two", "definition": WHOLE}
    assert (await admin.put("/api/workflows/1", json=taken)).json()["details"] == {"field": "name"}


@pytest.mark.usefixtures("template")
async def test_pausing_and_resuming(admin):
    """Only what runs can be paused, only what is paused resumed; twice is once."""
    await _create(admin)
    assert (await admin.post("/api/workflows/1/pause")).status_code == 409
    await admin.post("/api/workflows/1/publish", json={"revision": 1})
    for _ in range(2):
        assert (await admin.post("/api/workflows/1/pause")).json()["status"] == "paused"
    assert (await admin.post("/api/workflows/1/resume")).json()["status"] == "active"


@pytest.mark.usefixtures("template")
async def test_a_draft_is_deleted_and_what_ran_is_archived(admin):
    """What people went through is kept, out of sight, and its name is free again."""
    await _create(admin)
    assert (await admin.delete("/api/workflows/1")).status_code == 204
    assert (await admin.get("/api/workflows/1")).status_code == 404
    made = await _create(admin)
    await admin.post(f"/api/workflows/{made['id']}/publish", json={"revision": 1})
    assert (await admin.delete(f"/api/workflows/{made['id']}")).status_code == 204
    assert (await admin.get("/api/workflows")).json()["items"] == []
    assert (await admin.get(f"/api/workflows/{made['id']}")).json()["status"] == "archived"
    await _create(admin)


@pytest.mark.usefixtures("template")
async def test_who_is_inside(admin, person, context):
    """Enrollments come newest first, by status if asked, with names; the workflow counts them."""
    await _create(admin)
    person("ada", name="Ada", email="ada@acme.test")
    with context.store.state.write() as conn:
        for number, status in enumerate(("completed", "active", "active")):
            row = {
                "workflow_id": 1, "version": 1, "user_id": "ada", "trigger_key": str(number), "status": status,
                "visit": 1, "context": {}, "created_at": number,
            }  # fmt: skip
            conn.execute(enrollments.insert().values(row))
    page = (await admin.get("/api/workflows/1/enrollments", params={"limit": 2})).json()
    assert [item["id"] for item in page["items"]] == [3, 2]
    assert page["items"][0]["name"] == "Ada"
    rest = (await admin.get("/api/workflows/1/enrollments", params={"cursor": page["next_cursor"]})).json()
    assert [item["status"] for item in rest["items"]] == ["completed"]
    done = (await admin.get("/api/workflows/1/enrollments", params={"status": "completed"})).json()
    assert len(done["items"]) == 1
    stats = (await admin.get("/api/workflows/1")).json()["stats"]
    assert (stats["active"], stats["completed"]) == (2, 1)


LOOKUPS = Lookups(
    rule={1: "active", 2: "draft"}.get,
    template={1: True, 2: False}.get,
    selector=lambda text: "expected a name" if text == "broken" else None,
)


@pytest.mark.parametrize(
    ("trigger", "steps", "said"),
    [
        ({"kind": "enters", "rule_id": 1}, [SEND], []),
        ({"kind": "leaves", "rule_id": 1}, [SEND, {"id": "x", "kind": "exit"}], []),
        ({"kind": "enters"}, [SEND], [(None, "Choose the rule")]),
        ({"kind": "enters", "rule_id": 2}, [SEND], [(None, "not switched on")]),
        ({"kind": "leaves", "rule_id": 3}, [SEND], [(None, "no longer exists")]),
        ({"kind": "event"}, [SEND], [(None, "choose an event")]),
        ({"kind": "event", "selector": "broken"}, [SEND], [(None, "expected a name")]),
        ({"kind": "enters", "rule_id": 1}, [{**SEND, "template_id": None}], [("s1", "Choose the email")]),
        ({"kind": "enters", "rule_id": 1}, [{**SEND, "template_id": 2}], [("s1", "not published")]),
        ({"kind": "enters", "rule_id": 1}, [{**SEND, "template_id": 3}], [("s1", "no longer exists")]),
        ({"kind": "enters", "rule_id": 1}, [SEND, SEND], [("s1", "Two steps are called s1")]),
        ({"kind": "enters", "rule_id": 1}, [{"id": "x", "kind": "exit"}, SEND], [("s1", "never reached")]),
        ({"kind": "enters", "rule_id": 1}, [{"id": "w", "kind": "wait", "minutes": 1}], [(None, "Nothing is sent")]),
    ],
)
def test_every_problem_has_its_place_and_words(trigger, steps, said):
    """Each thing that keeps a definition from being published is named where it is."""
    definition = msgspec.convert({"trigger": trigger, "steps": steps}, WorkflowDefinition)
    found = problems(definition, LOOKUPS)
    assert len(found) == len(said)
    for problem, (step_id, words) in zip(found, said, strict=True):
        assert problem.step_id == step_id
        assert words in problem.message


@pytest.mark.parametrize(
    "definition",
    [
        {"schema": 2},
        {"steps": [{"id": "a b", "kind": "exit"}]},
        {"steps": [{"id": "w", "kind": "wait", "minutes": 0}]},
        {"steps": [{"id": "x", "kind": "loop"}]},
        {"trigger": {"kind": "moon"}},
        {"steps": [{"id": str(n), "kind": "exit"} for n in range(101)]},
    ],
)
async def test_what_is_no_definition_is_refused(admin, definition):
    """Another format version, odd ids, waits, kinds and sizes do not get into the store."""
    answer = await admin.post("/api/workflows", json={"name": "x", "definition": definition})
    assert answer.status_code == 400
