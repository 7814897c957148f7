"""What completion knows of a workspace: names and values from history and profiles, bounded, the frequent ones first."""

from __future__ import annotations

from antiphon.runtime.seen import FRESH, MOST_VALUES, SeenNames, catalogue
from antiphon.store.history import HistoryReader
from factories import api_call, group, identify, track
from pipeline import Pipeline


def test_names_and_values_come_from_what_happened(store, clock):
    """Events, properties, values, traits of users and companies, and rules in force, on both databases."""
    live = Pipeline(store, clock)
    live.rule("count of api_call ever >= 1", "Callers")
    live.rule("count of api_call ever >= 1", "Draft", status="draft")
    live.hear(identify("u1", plan="pro", secret="[redacted]"), group("c1", "u1", plan_limit=1000))
    live.hear(api_call(400), api_call(400), api_call(200), track("paid", properties={"amount": 1, "gift": True}))
    seen = SeenNames(store, HistoryReader(store), clock)
    assert list(seen.events()) == ["api_call", "paid"]
    assert set(seen.properties("paid")) == {"amount", "gift"}
    assert "status" in seen.properties(None)
    assert (list(seen.values("api_call", "status")), list(seen.values("paid", "status"))) == ([400, 200], [])
    assert list(seen.values(None, "gift")) == [True]
    assert (set(seen.traits("user")), list(seen.traits("company"))) == ({"plan", "secret"}, ["plan_limit"])
    assert (list(seen.trait_values("user", "plan")), list(seen.trait_values("user", "secret"))) == (["pro"], [])
    assert list(seen.trait_values("company", "plan_limit")) == [1000]
    assert (list(seen.segments("user")), list(seen.segments("company"))) == (["Callers"], [])


def test_what_is_known_is_read_again_when_it_is_old(sqlite_store, clock):
    """A look at an old catalogue has it read again; until it is there the old one answers."""
    live = Pipeline(sqlite_store, clock)
    live.hear(track("old"))
    seen = SeenNames(sqlite_store, HistoryReader(sqlite_store), clock)
    assert list(seen.events()) == ["old"]
    live.hear(track("new"), track("new"))
    assert list(seen.events()) == ["old"]
    clock.advance(FRESH)
    seen.events()
    seen.wait()
    assert list(seen.events()) == ["new", "old"]


def test_a_catalogue_is_bounded():
    """Values that nobody would complete (each came once, out of many) and endless ones are not offered."""
    events = [("a", {"id": f"m{number}", "plan": "pro", "long": "x" * 500, "n": number % 5}) for number in range(1_000)]
    known = catalogue(["a", "x" * 500], events, {"user": []})
    assert known.events == ["a"]
    assert (known.values["a", "plan"], known.values["a", "id"]) == (["pro"], [])
    assert "long" in known.properties["a"]
    assert ("a", "long") not in known.values
    assert sorted(known.values["a", "n"]) == [0, 1, 2, 3, 4]
    repeated = [("a", {"v": number % (MOST_VALUES * 2)}) for number in range(5_000)]
    assert len(catalogue(["a"], repeated, {}).values["a", "v"]) == MOST_VALUES
