"""States in buckets: cut as people come, read again when needed, and those who changed in between."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.errors import InvalidInput
from antiphon.evaluate.buckets import MOST
from antiphon.evaluate.record import decode, encode
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.model.clock import DAY, HOUR
from antiphon.model.subject import SubjectKey
from antiphon.store import states, tables
from antiphon.store.engine import Store
from factories import NOW, ManualClock, api_call, group, identify, track
from pipeline import Pipeline

PEOPLE = 400


@pytest.fixture
def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    return Pipeline(store, clock)


def _many(pipeline: Pipeline) -> list[int]:
    rules = [
        pipeline.rule("count of api_call ever >= 2"),
        pipeline.rule("count of api_call in the last 3 hours = 0"),
        pipeline.rule("count of api_call ever >= 30", kind="company"),
    ]
    pipeline.hear(*(group(f"c{number % 9}", f"u{number}") for number in range(PEOPLE)))
    pipeline.hear(*(api_call(user_id=f"u{number}") for number in range(PEOPLE)))
    pipeline.hear(*(api_call(user_id=f"u{number}") for number in range(0, PEOPLE, 3)))
    pipeline.hear(*(track("api_call", None, anonymous_id=f"u{number}") for number in range(40)))
    return rules


def _members(pipeline: Pipeline) -> list[SubjectKey]:
    return [key for row in pipeline.rows(tables.states) for key in decode(row["content"]).members()]


@pytest.mark.parametrize("hot", [1_000_000, 20])
def test_everybody_is_stored_once_and_found_again(pipeline: Pipeline, hot: int) -> None:
    """However few of them there is room for in memory; a device may have the id of a user."""
    pipeline.settings = EvaluateSettings(hot_subjects=hot)
    pipeline.restart()
    rules = _many(pipeline)
    before, members = pipeline.hashes(), [pipeline.members(rule) for rule in rules]
    assert len(before) == PEOPLE + 40 + 9
    stored = _members(pipeline)
    assert len(stored) == len(set(stored))
    assert {(key.kind, key.id) for key in stored} == before.keys()
    buckets = pipeline.rows(tables.states)
    assert len(buckets) > len(stored) / MOST
    assert all(len(decode(row["content"])) <= MOST for row in buckets)
    for row in buckets:
        later = (other["lowest"] for other in buckets if other["lowest"] > row["lowest"])
        end = min(later, default=states.PLACES)
        assert all(row["lowest"] <= states.place_of(key.id) < end for key in decode(row["content"]).members())
    pipeline.restart()
    assert pipeline.hashes() == before
    pipeline.settings = EvaluateSettings(hot_subjects=30)
    pipeline.restart()
    pipeline.hear(*(api_call(user_id=f"u{number}") for number in range(1, PEOPLE, 3)))
    assert pipeline.members(rules[0]) == {f"u{number}" for number in range(PEOPLE) if number % 3 != 2}
    assert pipeline.members(rules[2]) == {f"c{number}" for number in range(9)} >= members[2]
    assert len(_members(pipeline)) == len(stored)


def test_timers_of_those_who_are_not_in_memory_fire(pipeline: Pipeline) -> None:
    """Each at its own time, and nobody's bucket is looked at again before somebody in it is due."""
    pipeline.settings = EvaluateSettings(hot_subjects=10)
    pipeline.restart()
    rule = pipeline.rule("count of api_call in the last 3 hours = 0")
    pipeline.hear(*(api_call(user_id=f"u{number}", at=NOW + number * 60_000) for number in range(200)))
    assert pipeline.members(rule) == set()
    in_memory = sum(map(len, pipeline.evaluator.residents.places.values()))
    assert in_memory < 20
    pipeline.advance(3 * HOUR + 100 * 60_000)
    inside = pipeline.members(rule)
    assert {f"u{number}" for number in range(90)} <= inside <= {f"u{number}" for number in range(101)}
    pipeline.advance(DAY)
    assert len(pipeline.members(rule)) == 200
    assert all(row["recheck_at"] is None for row in pipeline.rows(tables.states))


def test_who_changed_is_stored_alone_until_the_bucket_is(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of many: the small row holds what is new, also for those who read it, and goes when the bucket is written."""
    rule = pipeline.rule("count of api_call ever >= 2")
    pipeline.hear(*(api_call(user_id=f"u{number}") for number in range(40)))
    pipeline.evaluator.flush()
    monkeypatch.setattr("antiphon.evaluate.behind.A_FEW", 0)
    monkeypatch.setattr("antiphon.evaluate.behind.AT_REST", 0)
    monkeypatch.setattr("antiphon.evaluate.behind.SHARE", 1e12)
    pipeline.settings = EvaluateSettings(replay_events=10**12)
    pipeline.restart()
    pipeline.hear(api_call(user_id="u7"), identify("u9", plan="pro"))
    changed = pipeline.rows(tables.changed_states)
    assert {(row["kind"], row["id"], row["place"]) for row in changed} == {
        ("user", "u7", states.place_of("u7")),
        ("user", "u9", states.place_of("u9")),
    }
    with pipeline.store.state.read() as conn:
        newest, bucket = states.contents_for(conn, SubjectKey("user", "u7"))
        assert [len(decode(newest)), len(decode(bucket))] == [1, 40]
        assert len(states.contents_for(conn, SubjectKey("user", "u8"))) == 1
    before = pipeline.evaluator.residents.judgements(pipeline.evaluator.residents.places["user"]["u7"])
    pipeline.restart()
    pipeline.evaluator.tick()
    residents = pipeline.evaluator.residents
    assert residents.judgements(residents.places["user"]["u7"]) == before
    assert residents.extra(residents.places["user"]["u9"]).traits["plan"][0] == "pro"
    pipeline.evaluator.flush()
    assert pipeline.rows(tables.changed_states) == []
    assert pipeline.members(rule) == {"u7"}
    pipeline.restart()
    pipeline.hear(api_call(user_id="u7"))
    assert pipeline.moves() == [("entered", "u7", 1)]


def test_a_bucket_of_another_version_is_refused(pipeline: Pipeline) -> None:
    """At the start, with what to do."""
    pipeline.rule("count of api_call ever >= 2")
    pipeline.hear(api_call())
    pipeline.evaluator.flush()

    def spoil(**values: Any) -> None:
        with pipeline.store.state.write() as conn:
            conn.execute(tables.states.update().values(**values))

    content = decode(pipeline.rows(tables.states)[0]["content"])
    for wrong in (b"\xc1", b"\x93\x01\x02\x03"):
        spoil(content=wrong)
        pipeline.restart()
        with pytest.raises(InvalidInput, match="new data folder"):
            pipeline.evaluator.tick()
    content.blocks = b"\x01" * len(content.blocks)
    spoil(content=encode(content))
    pipeline.restart()
    with pytest.raises(InvalidInput, match="new data folder"):
        pipeline.evaluator.tick()
