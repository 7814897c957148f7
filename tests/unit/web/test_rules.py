"""Rules through the API."""

from __future__ import annotations

import pytest

from antiphon.store.tables import memberships


async def _create(client, name="Five errors", **more):
    answer = await client.post("/api/rules", json={"name": name, "text": "met", **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_rule_is_made_changed_and_listed(admin, context):
    """A save with another meaning is another version, one without is not; evaluation is woken."""
    rule = await _create(admin)
    assert (rule["version"], rule["revision"], rule["status"], rule["filled"]) == (1, 1, "draft", False)
    assert rule["sentence"] == "Who is met"
    change = {"revision": 1, "name": "Errors", "description": "More", "text": "met"}
    renamed = (await admin.put("/api/rules/1", json=change)).json()
    assert (renamed["version"], renamed["revision"], renamed["name"]) == (1, 2, "Errors")
    changed = (await admin.put("/api/rules/1", json={"revision": 2, "name": "Errors", "text": "met twice"})).json()
    assert (changed["version"], changed["revision"], changed["tree"]["text"]) == (2, 3, "met twice")
    assert [r["name"] for r in (await admin.get("/api/rules")).json()["items"]] == ["Errors"]
    assert context.wake.topics == ["rules"] * 3


async def test_a_stale_save_overwrites_nobody(admin):
    """The second of two who opened the same revision is told so, with the revision that is there."""
    await _create(admin)
    change = {"revision": 1, "name": "Mine", "text": "met"}
    assert (await admin.put("/api/rules/1", json=change)).status_code == 200
    answer = await admin.put("/api/rules/1", json={**change, "name": "Theirs"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["details"]["revision"] == 2
    assert (await admin.get("/api/rules/1")).json()["name"] == "Mine"


async def test_names_are_unique(admin):
    """Two rules of one name are refused when made and when renamed, with the field named."""
    await _create(admin, "One")
    await _create(admin, "Two")
    again = await admin.post("/api/rules", json={"name": "One", "text": "met"})
    renamed = await admin.put("/api/rules/2", json={"name": "One", "text": "met", "revision": 1})
    assert again.status_code == renamed.status_code == 409
    assert again.json()["details"] == {"field": "name"}


async def test_a_text_that_does_not_parse_is_pointed_at(admin):
    """The error of the language comes through with its position, on save and on parse."""
    for path, body in (("/api/rules", {"name": "r"}), ("/api/rules/parse", {}), ("/api/rules/preview", {})):
        answer = await admin.post(path, json={**body, "text": "broken"})
        assert (answer.status_code, answer.json()["code"]) == (400, "rule_syntax")
        assert answer.json()["details"]["position"] == 0


@pytest.mark.parametrize("body", [{}, {"text": "met", "tree": {"text": "met"}}, {"tree": {"x": 1}}])
async def test_a_rule_is_text_or_tree(admin, body):
    """Neither, both, or a tree that is none: refused."""
    assert (await admin.post("/api/rules/parse", json=body)).status_code == 400


async def test_text_and_tree_are_faces_of_one_rule(admin):
    """Parse gives the tree of a text and the text of that tree."""
    parsed = (await admin.post("/api/rules/parse", json={"text": " met "})).json()
    again = (await admin.post("/api/rules/parse", json={"tree": parsed["tree"]})).json()
    assert again == parsed


async def test_a_preview_names_people(admin, person):
    """Counts come with a sample: who has a profile is named, who has none is shown by id."""
    person("ada", name="Ada", email="ada@acme.test")
    found = (await admin.post("/api/rules/preview", json={"text": "met"})).json()
    assert (found["total"], found["of"]) == (2, 3)
    assert found["sample"] == [
        {"id": "ada", "name": "Ada", "email": "ada@acme.test", "reasons": ["5 errors"]},
        {"id": "ghost", "name": None, "email": None, "reasons": ["6 errors"]},
    ]


async def _workflow_on(admin, rule_id):
    template = {"name": "Hello", "content": {"subject": "s", "body": "b"}}
    made = (await admin.post("/api/templates", json=template)).json()
    await admin.post(f"/api/templates/{made['id']}/publish", json={"revision": 1})
    definition = {
        "schema": 1,
        "trigger": {"kind": "enters", "rule_id": rule_id},
        "steps": [{"id": "s1", "kind": "send", "template_id": made["id"]}],
    }
    flow = (await admin.post("/api/workflows", json={"name": "Coach", "definition": definition})).json()
    answer = await admin.post(f"/api/workflows/{flow['id']}/publish", json={"revision": 1})
    assert answer.status_code == 200, answer.text
    return flow["id"]


async def test_a_rule_that_starts_a_workflow_stays_on(admin):
    """Switching it off, archiving or deleting it names the workflow; with that paused it may go."""
    await _create(admin, status="active")
    flow = await _workflow_on(admin, 1)
    for status in ("draft", "archived"):
        answer = await admin.post("/api/rules/1/status", json={"status": status, "revision": 1})
        assert answer.status_code == 409
        assert answer.json()["details"]["workflows"] == [{"id": flow, "name": "Coach"}]
    assert (await admin.delete("/api/rules/1")).status_code == 409
    await admin.post(f"/api/workflows/{flow}/pause")
    answer = await admin.post("/api/rules/1/status", json={"status": "archived", "revision": 1})
    assert answer.json()["status"] == "archived"
    assert (await admin.get("/api/rules")).json()["items"] == []
    assert len((await admin.get("/api/rules", params={"archived": True})).json()["items"]) == 1


async def test_a_draft_is_deleted(admin):
    """A rule that nobody needs goes; an active one does not."""
    await _create(admin)
    assert (await admin.delete("/api/rules/1")).status_code == 204
    assert (await admin.get("/api/rules/1")).status_code == 404
    rule = await _create(admin, "On", status="active")
    assert (await admin.delete(f"/api/rules/{rule['id']}")).status_code == 409


async def test_members_come_in_pages(admin, person, context):
    """Every member once, the newest first, with a total; people who left are not among them."""
    await _create(admin)
    person("u03", name="Three")
    with context.store.state.write() as conn:
        for number in range(5):
            row = {"rule_id": 1, "subject_kind": "user", "subject_id": f"u{number:02}", "episode": 1}
            conn.execute(memberships.insert().values(**row, member=number != 1, since=1_000 + number // 2))
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/api/rules/1/members", params=query)).json()
        assert page["total"] == 4
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [member["id"] for member in seen] == ["u04", "u03", "u02", "u00"]
    assert seen[1]["name"] == "Three"
    assert (await admin.get("/api/rules/1")).json()["members"] == 4
    assert (await admin.get("/api/rules/9/members")).status_code == 404
