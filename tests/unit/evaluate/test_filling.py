"""New rules on a long past: filled beside evaluation, a slice at each tick, with nothing missed and nothing counted twice."""

from __future__ import annotations

import time

import pytest

from antiphon.evaluate import behind, fill
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.model.clock import DAY, HOUR
from antiphon.store import tables
from antiphon.store.engine import Store
from factories import ManualClock, api_call, api_calls
from pipeline import Pipeline

THREE = "count of api_call where status = 400 in the last 24 hours >= 3"
USERS = [f"u{number}" for number in range(30)]


@pytest.fixture
def pipeline(store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setattr(fill, "SLICE", 7)
    pipeline = Pipeline(store, clock, EvaluateSettings(fill_within=0))
    for number, user in enumerate(USERS):
        pipeline.hear(*api_calls(2 + number % 2, 400, user_id=user))
    return pipeline


def test_everybody_who_matches_is_found_and_nobody_is_messaged(pipeline: Pipeline) -> None:
    """Half of them have three errors: they become members quietly, and nothing is left of the filling."""
    rule = pipeline.rule(THREE)
    pipeline.until_filled()
    assert pipeline.members(rule) == {user for number, user in enumerate(USERS) if number % 2}
    assert pipeline.moves() == []
    assert pipeline.rows(tables.fills) == []


def test_calls_that_come_meanwhile_count_once(pipeline: Pipeline) -> None:
    """One more error each while the past is being counted: all have three or four, none has more."""
    rule, four = pipeline.rule(THREE), pipeline.rule(THREE.replace(">= 3", ">= 5"), name="five")
    pipeline.evaluator.tick()
    for user in USERS:
        pipeline.hear(api_call(400, user_id=user))
    pipeline.until_filled()
    assert pipeline.members(rule) == set(USERS)
    assert pipeline.members(four) == set()


def test_a_crash_in_between_counts_nothing_twice(pipeline: Pipeline) -> None:
    """Evaluation starts anew after some of the past was merged; two errors are still two."""
    rule = pipeline.rule(THREE)
    for _ in range(4):
        pipeline.evaluator.tick()
        time.sleep(0.02)
    pipeline.evaluator.flush()
    pipeline.restart()
    pipeline.until_filled()
    assert pipeline.members(rule) == {user for number, user in enumerate(USERS) if number % 2}


def test_switching_off_cancels_and_switching_on_begins_anew(pipeline: Pipeline) -> None:
    """A rule that is switched off while it is filled has no members; switched on again it has the right ones."""
    rule = pipeline.rule(THREE)
    pipeline.evaluator.tick()
    pipeline.change_rule(rule, status="draft", filled_version=0)
    pipeline.settle()
    assert pipeline.rows(tables.fills) == []
    assert pipeline.members(rule) == set()
    pipeline.change_rule(rule, status="active")
    pipeline.until_filled()
    assert pipeline.members(rule) == {user for number, user in enumerate(USERS) if number % 2}


def test_those_who_match_can_be_messaged_too(pipeline: Pipeline) -> None:
    """The person who switches the rule on may choose that those who match already enter as if they did just now."""
    rule = pipeline.rule(THREE)
    pipeline.change_rule(rule, greets=True)
    pipeline.until_filled()
    assert len(pipeline.moves()) == len(pipeline.members(rule)) == len(USERS) // 2


def test_a_rule_that_shares_a_metric_waits_for_all_of_it(pipeline: Pipeline) -> None:
    """Switched on while the same count is still being filled for another rule, it sees the whole count as well."""
    first = pipeline.rule(THREE)
    pipeline.evaluator.tick()
    second = pipeline.rule(THREE.replace(">= 3", ">= 2"), name="two")
    pipeline.until_filled()
    assert pipeline.members(first) == {user for number, user in enumerate(USERS) if number % 2}
    assert pipeline.members(second) == set(USERS)


@pytest.mark.parametrize("ending", ["filled", "switched off", "crash"])
def test_a_rule_in_force_keeps_its_count_when_another_must_reach_further_back(pipeline: Pipeline, ending: str) -> None:
    """Half an hour and an hour have buckets of one width: the count is filled anew for both, whatever becomes of the other."""
    text = "count of api_call where status = 400 in the last 30 minutes >= 2"
    short = pipeline.rule(text)
    pipeline.until_filled()
    assert pipeline.members(short) == set(USERS)
    long = pipeline.rule(text.replace("30", "60"), name="long")
    for _ in range(3):
        pipeline.evaluator.tick()
        time.sleep(0.01)
    if ending == "switched off":
        pipeline.change_rule(long, status="draft", filled_version=0)
    if ending == "crash":
        pipeline.evaluator.flush()
        pipeline.restart()
    pipeline.hear(*api_calls(2, 400, user_id="later"))
    pipeline.until_filled()
    assert pipeline.members(short) == {*USERS, "later"}
    assert pipeline.members(long) == (set() if ending == "switched off" else {*USERS, "later"})
    assert ("entered", "later", 1) in pipeline.moves()
    assert {who for _, who, _ in pipeline.moves()} == {"later"}, "nobody enters or leaves but by what they did"


def test_timers_of_first_judgements_survive_a_crash(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has been silent for a week when the rule is filled; after a crash all of them are found when it is one."""
    monkeypatch.setattr(behind, "A_FEW", 0)  # nothing is stored that need not be
    monkeypatch.setattr(behind, "AT_REST", 0)
    rule = pipeline.rule("time since last api_call >= 7 days")
    pipeline.until_filled()
    pipeline.restart()
    pipeline.advance(7 * DAY + HOUR)
    assert pipeline.members(rule) == set(USERS)
