"""Computed traits through the API, with the real rule language and evaluation behind it."""

from __future__ import annotations

import dataclasses

import pytest

from antiphon.runtime.computed_traits import ComputedTraits
from antiphon.runtime.events import Events
from antiphon.runtime.rule_engine import RuleEngine
from antiphon.store.history import HistoryReader
from factories import NOW, api_call, identify, track
from pipeline import Pipeline

USED = "count of export_used ever"


@pytest.fixture
def context(context):
    """The web's context with real rules."""
    reader = HistoryReader(context.store)
    return dataclasses.replace(
        context,
        rules=RuleEngine(context.store, reader, Events(context.store, reader), context.clock),
        computed=ComputedTraits(context.store, reader, context.clock),
    )


@pytest.fixture
def pipeline(context):
    """Evaluation on the same store."""
    return Pipeline(context.store, context.clock)


async def create(client, name="used", text=USED, **more):
    answer = await client.post("/api/computed-traits", json={"name": name, "text": text, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_trait_is_made_kept_and_changed(admin, context, pipeline):
    """What is saved is on the profile at once, and again after a change; the list says that it is filled."""
    pipeline.hear(track("export_used"))
    made = await create(admin, description="How keen they are")
    assert made["sentence"] == "For each user: the number of export_used."
    assert made["formula"]["kind"] == "aggregate"
    assert (made["version"], made["filled"]) == (1, False)
    pipeline.settle()
    assert (await admin.get("/api/users/u1")).json()["profile"]["traits"] == {"used": 1}
    change = {"revision": 1, "text": f"10 * {USED}"}
    changed = (await admin.put(f"/api/computed-traits/{made['id']}", json=change)).json()
    assert (changed["version"], changed["text"]) == (2, f"10 * {USED}")
    stale = await admin.put(f"/api/computed-traits/{made['id']}", json=change)
    assert (stale.status_code, stale.json()["details"]["revision"]) == (409, 2)
    pipeline.hear(identify("u1", at=NOW + 1, used=5))
    assert (await admin.get("/api/users/u1")).json()["profile"]["traits"] == {"used": 10}
    listed = (await admin.get("/api/computed-traits")).json()["items"]
    assert [(t["name"], t["filled"], t["refused"]) for t in listed] == [("used", True, 1)]
    assert context.wake.topics == ["rules"] * 2


async def test_a_preview_shows_how_values_are_spread(admin, pipeline):
    """Smallest, median, largest and some people of numbers; the most frequent of texts; nothing is saved."""
    for number, user in enumerate(("a", "b", "c", "d")):
        pipeline.hear(api_call(user_id=user), *(track("export_used", user) for _ in range(number)))
    found = (await admin.post("/api/computed-traits/preview", json={"text": f"6 / {USED}"})).json()
    assert (found["of"], found["known"], found["gives"]) == (4, 3, "number")
    assert (found["least"], found["median"], found["most"]) == (2, 3, 6)
    assert [(person["id"], person["value"]) for person in found["sample"]] == [("b", 6), ("c", 3), ("d", 2)]
    text = f'if {USED} >= 1 then "keen" else "new"'
    found = (await admin.post("/api/computed-traits/preview", json={"text": text})).json()
    assert found["frequent"] == [{"value": "keen", "count": 3}, {"value": "new", "count": 1}]
    found = (await admin.post("/api/computed-traits/preview", json={"text": "today + 3 days"})).json()
    assert (found["gives"], found["least"], found["most"]) == ("date", "2026-09-24", "2026-09-24")
    assert (await admin.get("/api/computed-traits")).json() == {"items": []}


async def test_what_cannot_be_read_is_pointed_at(admin):
    """A wrong word, a wrong type, a name that templates could not read, both forms at once."""
    answer = await admin.post("/api/computed-traits/parse", json={"text": "count of a ever * fiv e"})
    assert (answer.status_code, answer.json()["code"]) == (400, "rule_syntax")
    assert answer.json()["details"]["position"] == 22
    for text, said in (
        ('"a" * 2', "takes numbers, not a text"),
        ("round(1, 2, 3)", "takes 1 to 2"),
        ("today * 2", "takes numbers, not a date"),
        ("user.seats + 1", None),
        ("today - signed_up", "date(...)"),
        ('if plan = "free" then 1 else today', "both must give the same"),
    ):
        answer = await admin.post("/api/computed-traits/parse", json={"text": text})
        assert answer.status_code == (200 if said is None else 400), text
        assert said is None or said in answer.json()["message"], answer.text
    of_user = await admin.post("/api/computed-traits/parse", json={"text": "user.seats", "subject_kind": "company"})
    assert "cannot read a trait of a user" in of_user.json()["message"]
    for name in ("", "two words", "1st", "email"):
        assert (await admin.post("/api/computed-traits", json={"name": name, "text": USED})).status_code == 400
    both = {"text": USED, "formula": {"kind": "now"}}
    assert (await admin.post("/api/computed-traits/parse", json=both)).status_code == 400


async def test_cycles_are_refused_and_named(admin):
    """Among computed traits, and through segments, whichever of them is saved last; also by a rule."""
    first = await create(admin, "a", "b + 1")
    answer = await admin.post("/api/computed-traits", json={"name": "b", "text": "a * 2"})
    assert answer.status_code == 400
    assert answer.json()["details"]["cycle"] == ["user trait b", "user trait a", "user trait b"]
    own = {"revision": first["revision"], "text": "a + 1"}
    assert (await admin.put(f"/api/computed-traits/{first['id']}", json=own)).status_code == 400
    await create(admin, "b", "if in segment Keen then 1 else 0")
    rule = {"name": "Keen", "text": "a >= 1"}
    answer = await admin.post("/api/rules", json=rule)
    assert answer.status_code == 400
    assert "segment Keen -> user trait a -> user trait b -> segment Keen" in answer.json()["message"]
    assert (await admin.post("/api/rules", json={**rule, "text": "c >= 1"})).status_code == 201
    # a company's trait of the same name is another one
    await create(admin, "a", "count of x ever", subject_kind="company")
    await create(admin, "d", "company.a + a")


async def test_what_is_read_is_not_deleted(admin, pipeline):
    """A computed trait that a rule or another reads stays; once nothing reads it, it leaves every profile."""
    used = await create(admin)
    other = await create(admin, "twice", "used * 2")
    rule = (await admin.post("/api/rules", json={"name": "Keen", "text": "used >= 1", "status": "active"})).json()
    pipeline.hear(track("export_used"))
    refused = await admin.delete(f"/api/computed-traits/{used['id']}")
    assert refused.status_code == 409
    assert refused.json()["details"]["readers"] == ["the rule “Keen”", "the computed trait “twice”"]
    await admin.post(f"/api/rules/{rule['id']}/status", json={"status": "draft", "revision": rule["revision"]})
    assert (await admin.delete(f"/api/computed-traits/{other['id']}")).status_code == 204
    assert (await admin.delete(f"/api/computed-traits/{used['id']}")).status_code == 204
    assert (await admin.get(f"/api/computed-traits/{used['id']}")).status_code == 404
    pipeline.settle()
    assert (await admin.get("/api/users/u1")).json()["profile"]["traits"] == {}


async def test_names_are_unique_within_a_kind(admin):
    """The same name for users and companies is two traits; twice for one kind is refused with the field named."""
    await create(admin)
    await create(admin, subject_kind="company")
    answer = await admin.post("/api/computed-traits", json={"name": "used", "text": USED})
    assert (answer.status_code, answer.json()["details"]) == (409, {"field": "name"})
