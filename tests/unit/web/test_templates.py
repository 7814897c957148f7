"""Templates through the API."""

from __future__ import annotations

import pytest

CONTENT = {"subject": "Hello", "preview_text": "", "language": "html", "body": "Hi {{ user.name }}", "text": ""}


async def _create(client, name="Hello"):
    answer = await client.post("/api/templates", json={"name": name, "content": CONTENT})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_save_is_a_draft_until_it_is_published(admin):
    """Each changed content is a version; publishing picks the latest; what is published stays while one writes on."""
    made = await _create(admin)
    assert (made["published_version"], made["latest_version"]) == (None, 1)
    published = (await admin.post("/api/templates/1/publish", json={"revision": 1})).json()
    assert published["published_version"] == 1
    change = {"revision": 2, "name": "Hello", "content": {**CONTENT, "subject": "Hello again"}}
    saved = (await admin.put("/api/templates/1", json=change)).json()
    assert (saved["published_version"], saved["latest_version"]) == (1, 2)
    assert saved["content"]["subject"] == "Hello again"
    assert [v["version"] for v in saved["versions"]] == [2, 1]
    assert (await admin.get("/api/templates/1/versions/1")).json()["subject"] == "Hello"
    assert (await admin.get("/api/templates/1/versions/9")).status_code == 404


async def test_a_new_name_is_no_new_version(admin):
    """Versions count contents."""
    await _create(admin)
    saved = (await admin.put("/api/templates/1", json={"revision": 1, "name": "Other", "content": CONTENT})).json()
    assert (saved["name"], saved["revision"], saved["latest_version"]) == ("Other", 2, 1)


async def test_stale_saves_and_taken_names_are_refused(admin):
    """409 for a revision that is not the stored one, and for another's name."""
    await _create(admin, "One")
    await _create(admin, "Two")
    stale = {"revision": 7, "name": "One", "content": CONTENT}
    assert (await admin.put("/api/templates/1", json=stale)).status_code == 409
    assert (await admin.post("/api/templates/1/publish", json={"revision": 7})).status_code == 409
    taken = {"revision": 1, "name": "Two", "content": CONTENT}
    assert (await admin.put("/api/templates/1", json=taken)).json()["details"] == {"field": "name"}


async def test_a_deleted_template_leaves_its_name(admin):
    """It is gone from every list, and another may take its name."""
    await _create(admin)
    assert (await admin.delete("/api/templates/1")).status_code == 204
    assert (await admin.get("/api/templates/1")).status_code == 404
    assert (await admin.get("/api/templates")).json()["items"] == []
    assert (await _create(admin))["id"] == 2


async def test_a_template_that_a_workflow_sends_stays(admin):
    """Deleting it names the workflow."""
    await _create(admin)
    await admin.post("/api/templates/1/publish", json={"revision": 1})
    definition = {
        "trigger": {"kind": "event", "selector": "hello"},
        "steps": [{"id": "s", "kind": "send", "template_id": 1}],
    }
    await admin.post("/api/workflows", json={"name": "Coach", "definition": definition})
    await admin.post("/api/workflows/1/publish", json={"revision": 1})
    answer = await admin.delete("/api/templates/1")
    assert answer.status_code == 409
    assert "Coach" in answer.json()["message"]


async def test_a_preview_is_for_a_real_user(admin, person):
    """The template sees the user's traits; a user that is not there is said to be missing."""
    person("ada", name="Ada")
    found = (await admin.post("/api/templates/preview", json={"content": CONTENT, "user_id": "ada"})).json()
    assert (found["html"], found["clipped"], found["size_bytes"]) == ("Hi Ada", False, 6)
    answer = await admin.post("/api/templates/preview", json={"content": CONTENT, "user_id": "eve"})
    assert answer.status_code == 404


async def test_a_broken_template_is_pointed_at(admin):
    """The renderer's message comes with part and line."""
    content = {**CONTENT, "body": "{% nonsense %}"}
    answer = await admin.post("/api/templates/preview", json={"content": content})
    assert answer.status_code == 400
    assert answer.json()["details"] == {"where": "body", "line": 3}


async def test_a_test_send_reaches_each_address_once(admin, context):
    """A few addresses, each once; too many or a broken one is refused."""
    body = {"content": CONTENT, "to": ["a@acme.test", "b@acme.test", "a@acme.test"]}
    answer = await admin.post("/api/templates/test-send", json=body)
    assert [item["recipient"] for item in answer.json()["items"]] == ["a@acme.test", "b@acme.test"]
    assert context.test_send.sent == [("a@acme.test", "Hello"), ("b@acme.test", "Hello")]


@pytest.mark.parametrize("to", [[], ["x@y.test"] * 6, ["no address"]])
async def test_odd_addresses_are_refused(admin, to):
    """Nobody is sent anything."""
    answer = await admin.post("/api/templates/test-send", json={"content": CONTENT, "to": to})
    assert answer.status_code == 400
