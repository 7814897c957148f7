"""A past that cannot be read stops the rules that need it, says so, and nothing else; mended, they are filled exactly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from antiphon.evaluate import fill, fillings
from antiphon.evaluate.fillings import FIRST_REST, LONGEST_REST
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.measure.history_writer import HistoryWriter
from antiphon.measure.settings import MeasureSettings
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.rules.computed import FIRST_KEY
from antiphon.store import computed_traits, tables
from antiphon.store.engine import Store
from antiphon.store.history_table import location
from factories import ManualClock, api_call, api_calls
from pipeline import Pipeline, no_guard

THREE = "count of api_call where status = 400 in the last 24 hours >= 3"
USERS = [f"u{number}" for number in range(30)]
WITH_THREE = {user for number, user in enumerate(USERS) if number % 2}


class Past:
    """The files of history, which can be damaged and mended."""

    def __init__(self, store: Store) -> None:
        self._files = list(Path(location(store)).glob("*.parquet"))
        self._whole = {file: file.read_bytes() for file in self._files}

    def corrupt(self) -> None:
        for file in self._files:
            file.write_bytes(b"not what it was")

    def missing(self) -> None:
        for file in self._files:
            file.unlink()

    def forbidden(self) -> None:
        if os.geteuid() == 0:
            pytest.skip("nothing is forbidden to root")
        for file in self._files:
            file.chmod(0)

    def mend(self) -> None:
        for file, content in self._whole.items():
            if file.exists():
                file.chmod(0o600)
            file.write_bytes(content)


@pytest.fixture(params=["beside evaluation", "within a tick"])
def pipeline(request: pytest.FixtureRequest, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fill, "SLICE", 7)
    within = 0 if request.param == "beside evaluation" else 1_000_000
    pipeline = Pipeline(store, clock, EvaluateSettings(fill_within=within))
    for number, user in enumerate(USERS):
        pipeline.hear(*api_calls(2 + number % 2, 400, user_id=user))
    return pipeline


@pytest.fixture
def past(pipeline: Pipeline) -> Past:
    """All that was heard is in history."""
    writer = HistoryWriter(pipeline.store, pipeline.clock, MeasureSettings(history_interval_s=0), no_guard)
    assert writer.tick().written
    return Past(pipeline.store)


@pytest.mark.parametrize("damage", [Past.corrupt, Past.missing, Past.forbidden], ids=lambda way: way.__name__)
def test_evaluation_goes_on_and_the_rule_is_filled_when_it_can_be(
    pipeline: Pipeline, past: Past, damage: Callable[[Past], None]
) -> None:
    """Another rule judges on while the new one says what is wrong; mended, it counts the past and what came meanwhile once."""
    other = pipeline.rule("count of api_call where status = 500 ever >= 1", name="other")
    pipeline.until_filled()
    damage(past)
    rule, five = pipeline.rule(THREE), pipeline.rule(THREE.replace(">= 3", ">= 5"), name="five")
    failed = pipeline.until_failed()
    assert failed["error"].startswith("The events of the past cannot be read: ")
    assert failed["retry_at"] == pipeline.clock() + FIRST_REST
    pipeline.hear(api_call(500, user_id="u7"), *(api_call(400, user_id=user) for user in USERS))
    assert pipeline.members(other) == {"u7"}
    assert pipeline.members(rule) == set()
    past.mend()
    pipeline.settle()
    assert pipeline.members(rule) == set(), "it is not tried again before its time"
    pipeline.advance(FIRST_REST)
    pipeline.until_filled()
    assert pipeline.members(rule) == set(USERS)
    assert pipeline.members(five) == set()
    assert pipeline.rows(tables.fills) == []
    entered = [who for _, who, _ in pipeline.moves() if who != "u7"]
    assert sorted([*entered, "u7"]) == sorted({*USERS} - WITH_THREE | {"u7"}), (
        "who came to match meanwhile is messaged once"
    )


def test_the_pause_grows(pipeline: Pipeline, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as long after each failure, up to a bound; nothing is tried in between."""
    monkeypatch.setattr(fillings, "LONGEST_REST", 3 * FIRST_REST)
    past.corrupt()
    pipeline.rule(THREE)
    rests: list[int] = []
    for _ in range(3):
        row = pipeline.until_failed()
        rests.append(row["retry_at"] - pipeline.clock())
        progress = pipeline.evaluator.tick()
        assert progress.next_due == row["retry_at"]
        pipeline.clock.advance(rests[-1])
        pipeline._until(lambda before=row["retry_at"]: pipeline.rows(tables.fills)[0]["retry_at"] != before)
        pipeline._until(lambda: pipeline.rows(tables.fills)[0]["error"] is not None)
    assert rests == [FIRST_REST, 2 * FIRST_REST, 3 * FIRST_REST]


def test_switching_off_ends_it(pipeline: Pipeline, past: Past) -> None:
    """A rule that cannot be filled can be switched off, and says nothing any more."""
    past.corrupt()
    rule = pipeline.rule(THREE)
    pipeline.until_failed()
    pipeline.change_rule(rule, status="draft", filled_version=0)
    pipeline.settle()
    assert pipeline.rows(tables.fills) == []
    past.mend()
    pipeline.change_rule(rule, status="active")
    pipeline.until_filled()
    assert pipeline.members(rule) == WITH_THREE


def test_a_computed_trait_says_so_too(pipeline: Pipeline, past: Past) -> None:
    """It stands still with the reason beside it, is computed once the past can be read, and says nothing more then."""
    past.corrupt()
    trait = pipeline.computed("errors", "count of api_call where status = 400 ever")
    failed = pipeline.until_failed()
    assert failed["rule_id"] == FIRST_KEY + trait
    assert failed["error"].startswith("The events of the past cannot be read: ")
    past.mend()
    pipeline.advance(FIRST_REST)
    pipeline.settle()
    assert pipeline.rows(tables.fills) == []
    [stored] = pipeline.rows(tables.computed_traits)
    assert stored["filled_version"] == stored["version"]


def test_a_computed_trait_that_is_deleted_says_nothing_more(pipeline: Pipeline, past: Past) -> None:
    """What is no longer wanted is not tried again."""
    past.corrupt()
    trait = pipeline.computed("errors", "count of api_call where status = 400 ever")
    pipeline.until_failed()
    with pipeline.store.state.write() as conn:
        computed_traits.remove_computed_trait(conn, trait, pipeline.clock())
    pipeline.settle()
    assert pipeline.rows(tables.fills) == []


def test_a_rule_that_shares_a_metric_is_tried_with_it(pipeline: Pipeline, past: Past) -> None:
    """Switched on while the count that it needs cannot be had, a rule does not judge by half of it."""
    past.corrupt()
    first = pipeline.rule(THREE)
    pipeline.until_failed()
    second = pipeline.rule(THREE.replace(">= 3", ">= 2"), name="two")
    pipeline.until_failed()
    assert pipeline.members(second) == set()
    past.mend()
    pipeline.advance(LONGEST_REST)
    pipeline.until_filled()
    assert pipeline.members(first) == WITH_THREE
    assert pipeline.members(second) == set(USERS)


def test_nobody_leaves_a_rule_by_time_while_its_count_is_lost(pipeline: Pipeline, past: Past) -> None:
    """Its window is made longer while the past cannot be read: timers of the members come due, and nobody is judged by nothing."""
    rule = pipeline.rule(THREE)
    pipeline.until_filled()
    past.corrupt()
    pipeline.change_rule(rule, text=THREE.replace("24 hours", "7 days"))
    pipeline.until_failed()
    pipeline.advance(2 * DAY)
    pipeline._until(lambda: (pipeline.rows(tables.fills)[0]["retry_at"] or 0) > pipeline.clock())
    assert pipeline.members(rule) == WITH_THREE
    past.mend()
    pipeline.advance(LONGEST_REST)
    pipeline.until_filled()
    assert pipeline.members(rule) == WITH_THREE
    assert pipeline.moves() == []
    pipeline.advance(6 * DAY)
    assert pipeline.members(rule) == set(), "and timers are there again"


def test_a_crash_in_between_tries_again_at_once(pipeline: Pipeline, past: Past) -> None:
    """Evaluation starts anew while a filling rests: it is tried again, and who came to match meanwhile is still news."""
    past.corrupt()
    rule = pipeline.rule(THREE)
    pipeline.until_failed()
    pipeline.hear(api_call(400, user_id="u0"))
    pipeline.restart()
    past.mend()
    pipeline.until_filled()
    assert pipeline.members(rule) == {*WITH_THREE, "u0"}
    assert pipeline.moves() == [("entered", "u0", 1)]


def test_computed_traits_wait_too(store: Store, clock: ManualClock) -> None:
    """A computed trait whose past cannot be read has no value, and the right one later."""
    pipeline = Pipeline(store, clock)
    for user in ("u1", "u2"):
        pipeline.hear(*api_calls(3, 400, user_id=user))
    HistoryWriter(store, clock, MeasureSettings(history_interval_s=0), no_guard).tick()
    past = Past(store)
    past.corrupt()
    pipeline.computed("errors", "count of api_call where status = 400 ever")
    pipeline.hear(api_call(400, user_id="u1"))
    assert "errors" not in pipeline.traits("u1")
    past.mend()
    pipeline.advance(MINUTE)
    pipeline.advance(HOUR)
    assert (pipeline.traits("u1")["errors"], pipeline.traits("u2")["errors"]) == (4, 3)
