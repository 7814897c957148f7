"""Who matched when a rule was switched on is counted; who came to match while it was being filled is messaged, once."""

from __future__ import annotations

import time

import pytest

from antiphon.evaluate import fill
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.model.clock import DAY, HOUR
from antiphon.store import history
from antiphon.store.engine import Store
from factories import NOW, ManualClock, api_call, api_calls, group, identify
from pipeline import Pipeline

THREE = "count of api_call where status = 400 in the last 24 hours >= 3"
USERS = [f"u{number}" for number in range(30)]
WITH_THREE = {user for number, user in enumerate(USERS) if number % 2}


@pytest.fixture
def pipeline(store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setattr(fill, "SLICE", 7)
    pipeline = Pipeline(store, clock, EvaluateSettings(fill_within=0))
    for number, user in enumerate(USERS):
        pipeline.hear(*api_calls(2 + number % 2, 400, user_id=user, start=NOW - HOUR))
    return pipeline


def entered(pipeline: Pipeline) -> list[str]:
    return sorted(who for kind, who, _ in pipeline.moves() if kind == "entered")


def test_who_comes_to_match_by_an_event_meanwhile_is_messaged(pipeline: Pipeline) -> None:
    """One who had two errors has a third while the rule is filled, and a newcomer three; those who had three are only counted."""
    rule = pipeline.rule(THREE)
    pipeline.evaluator.tick()
    pipeline.hear(api_call(400, user_id="u0"), api_call(400, user_id="u1"), *api_calls(3, 400, user_id="new"))
    pipeline.until_filled()
    assert pipeline.members(rule) == {*WITH_THREE, "u0", "new"}
    assert entered(pipeline) == ["new", "u0"]


def test_who_comes_to_match_by_time_meanwhile_is_messaged(pipeline: Pipeline) -> None:
    """Nobody has been silent for a day when the rule is switched on; when it is filled, all but one have."""
    pipeline.hear(api_call(user_id="u1"))
    rule = pipeline.rule("time since last api_call >= 24 hours")
    pipeline.evaluator.tick()
    pipeline.clock.advance(DAY - HOUR + 10_000)
    pipeline.until_filled()
    assert pipeline.members(rule) == {*USERS} - {"u1"}
    assert entered(pipeline) == sorted({*USERS} - {"u1"})
    pipeline.advance(HOUR)
    assert entered(pipeline) == sorted(USERS), "and who comes to match afterwards, as ever"


def test_who_comes_to_match_by_a_trait_meanwhile_is_messaged(pipeline: Pipeline) -> None:
    """Traits are looked at as they were when the rule was switched on, and companies too."""
    pipeline.hear(identify("u0", plan="free"), identify("u1", plan="pro"), identify("u2", plan="free"))
    pipeline.hear(group("c1", "u4", tier="gold"), group("c2", "u5", tier="tin"))
    plan, tier = pipeline.rule('plan = "free"'), pipeline.rule('company.tier = "gold"', name="tier")
    pipeline.evaluator.tick()
    later = NOW + 1
    pipeline.hear(identify("u1", later, plan="free"), identify("u2", later, plan="pro"), group("c1", "u3", later))
    pipeline.hear(group("c2", "u5", later, tier="gold"))
    pipeline.until_filled()
    assert pipeline.members(plan) == {"u0", "u1"}
    assert pipeline.members(tier) == {"u3", "u4", "u5"}
    assert entered(pipeline) == ["u1", "u3", "u5"]


def test_who_changes_while_everybody_is_looked_at_is_judged_by_the_same(pipeline: Pipeline) -> None:
    """The turn of some comes only after an event of theirs: who matched before it is not messaged for it, who did not is."""
    rule = pipeline.rule(THREE)
    while not pipeline.evaluator._fillings.first:
        pipeline.evaluator.tick()
        time.sleep(0.002)
    pipeline.hear(*(api_call(400, user_id=user) for user in reversed(USERS)))
    pipeline.until_filled()
    assert pipeline.members(rule) == set(USERS)
    assert entered(pipeline) == sorted({*USERS} - WITH_THREE)


def test_the_moment_survives_a_crash_and_a_rule_that_joins(pipeline: Pipeline) -> None:
    """Each rule keeps the moment of its own switching on, whatever makes its filling begin anew."""
    first = pipeline.rule(THREE)
    pipeline.evaluator.tick()
    pipeline.hear(api_call(400, user_id="u0"))
    pipeline.restart()
    pipeline.evaluator.tick()
    pipeline.hear(api_call(400, user_id="u2"))
    second = pipeline.rule(THREE.replace(">= 3", ">= 4"), name="four")
    pipeline.evaluator.tick()
    pipeline.hear(api_call(400, user_id="u1"), api_call(400, user_id="u0"))
    pipeline.until_filled()
    assert pipeline.members(first) == {*WITH_THREE, "u0", "u2"}
    assert pipeline.members(second) == {"u0", "u1"}
    assert entered(pipeline) == ["u0", "u0", "u1", "u2"]


def test_an_edited_rule_messages_who_comes_to_match_after_it(pipeline: Pipeline) -> None:
    """Saved with a lower threshold: who had two errors is only counted; who had one and makes another meanwhile is messaged."""
    rule = pipeline.rule(THREE)
    pipeline.hear(api_call(400, user_id="one"))
    pipeline.until_filled()
    pipeline.change_rule(rule, text=THREE.replace(">= 3", ">= 2"))
    pipeline.evaluator.tick()
    pipeline.hear(api_call(400, user_id="one"))
    pipeline.until_filled()
    assert pipeline.members(rule) == {*USERS, "one"}
    assert entered(pipeline) == ["one"]


def test_who_leaves_meanwhile_is_told_of(pipeline: Pipeline) -> None:
    """Members that an edit alone puts out leave quietly; a member who matches the new version too, and then no more, does not."""
    rule = pipeline.rule("count of api_call where status = 400 in the last 24 hours >= 2")
    pipeline.until_filled()
    pipeline.change_rule(
        rule, text='all of (count of api_call where status = 400 in the last 24 hours >= 3; plan != "pro")'
    )
    pipeline.evaluator.tick()
    pipeline.hear(identify("u1", plan="pro"))
    pipeline.until_filled()
    assert pipeline.members(rule) == WITH_THREE - {"u1"}
    assert pipeline.moves() == [("left", "u1", 1)]


def test_rules_that_read_the_segment_follow_it(pipeline: Pipeline) -> None:
    """A rule in force about the segment of the one that is filled messages for those, and only those, who are news there."""
    pipeline.rule("in segment three", name="of three")
    pipeline.until_filled()
    pipeline.rule(THREE, name="three")
    pipeline.evaluator.tick()
    pipeline.hear(api_call(400, user_id="u0"))
    pipeline.until_filled()
    assert entered(pipeline) == ["u0", "u0"]


def test_the_past_is_held_as_it_was(store: Store, clock: ManualClock) -> None:
    """People that are held are read as they were, though others are stored before they are."""
    pipeline = Pipeline(store, clock)
    pipeline.hear(identify("u1", plan="free"))
    held = history.HistoryReader(store).hold_people()
    pipeline.hear(identify("u1", plan="pro"), identify("u2", plan="pro"))
    people = held.read()
    assert [(row["id"], row["traits"]) for row in people["profiles"].to_pylist()] == [("u1", '{"plan":"free"}')]
