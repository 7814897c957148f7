"""Evaluation as a whole: events in, memberships and signals out, on both databases."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from antiphon.evaluate import behind, stage
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.model.event import LATE, Event
from antiphon.store import log, tables
from antiphon.store.engine import Store, StoreSettings, open_store
from antiphon.store.migrate import upgrade
from factories import NOW, ManualClock, alias, api_call, api_calls, group, identify, track
from pipeline import Pipeline

FIVE_ERRORS = "count of api_call where status = 400 in the last 24 hours >= 5"


@pytest.fixture
def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    return Pipeline(store, clock)


def test_the_fifth_error_enters_and_the_fourth_does_not(pipeline: Pipeline) -> None:
    """A first-time user fires at exactly the fifth call."""
    rule = pipeline.rule(FIVE_ERRORS)
    pipeline.hear(*api_calls(4, 400))
    assert pipeline.members(rule) == set()
    pipeline.hear(api_call(400))
    assert pipeline.members(rule) == {"u1"}
    assert pipeline.moves() == [("entered", "u1", 1)]


def test_a_repeated_message_id_counts_once(pipeline: Pipeline) -> None:
    """A client's retries, in the same batch or later, do not make the fifth error."""
    rule = pipeline.rule(FIVE_ERRORS)
    errors = api_calls(4, 400)
    pipeline.hear(*errors, errors[0], errors[3])
    pipeline.hear(*errors)
    pipeline.restart()
    pipeline.hear(errors[2])
    assert pipeline.members(rule) == set()
    assert len(pipeline.rows(tables.log_duplicates)) == 7


def test_a_window_that_slides_lets_people_leave_and_come_back(pipeline: Pipeline) -> None:
    """Leaving needs no event, only time; the next stay is the next episode."""
    rule = pipeline.rule(FIVE_ERRORS)
    pipeline.hear(*api_calls(5, 400))
    pipeline.advance(24 * HOUR - 1)
    assert pipeline.members(rule) == {"u1"}
    pipeline.advance(25 * MINUTE)  # a sixtieth of the window, and the minute in which the calls lay
    assert pipeline.members(rule) == set()
    pipeline.hear(*api_calls(5, 400, start=pipeline.clock()))
    assert pipeline.moves() == [("entered", "u1", 1), ("left", "u1", 1), ("entered", "u1", 2)]


def test_silence_fires_once_on_a_quiet_server(pipeline: Pipeline) -> None:
    """Seven days after the last call, at the very millisecond, without any event."""
    rule = pipeline.rule("time since last api_call >= 7 days")
    pipeline.hear(api_call())
    pipeline.advance(7 * DAY - 1)
    assert pipeline.members(rule) == set()
    pipeline.advance(1)
    assert pipeline.members(rule) == {"u1"}
    pipeline.advance(30 * DAY)
    assert pipeline.moves() == [("entered", "u1", 1)]


def test_an_absence_needs_an_observed_past(pipeline: Pipeline) -> None:
    """Somebody seen ten minutes ago has not been silent for a week."""
    rule = pipeline.rule("count of api_call in the last 7 days = 0")
    pipeline.hear(identify("u1", email="u1@example.com"))
    assert pipeline.members(rule) == set()
    pipeline.advance(7 * DAY)
    assert pipeline.members(rule) == {"u1"}


def test_late_events_are_left_out(pipeline: Pipeline) -> None:
    """An event flagged late is kept for history and changes no judgement."""
    rule = pipeline.rule("count of api_call ever >= 1")
    late = api_call(at=NOW - 2 * DAY)
    late.flags |= LATE
    pipeline.hear(late)
    assert pipeline.members(rule) == set()


def test_traits_decide_and_the_newest_wins_in_any_order(pipeline: Pipeline) -> None:
    """A trait set by an older identify call that arrives later does not overwrite the newer one."""
    rule = pipeline.rule('plan = "pro"')
    pipeline.hear(identify("u1", at=NOW, plan="pro"))
    pipeline.hear(identify("u1", at=NOW - HOUR, plan="free"))
    assert pipeline.members(rule) == {"u1"}
    assert pipeline.rows(tables.profiles)[0]["traits"] == {"plan": "pro"}


def test_a_trait_that_is_said_again_may_now_be_the_newest(pipeline: Pipeline) -> None:
    """Of two ids of one person: the older one's plan does not change by being said again, the person's does."""
    rule = pipeline.rule('plan = "pro"')
    pipeline.hear(identify("old", at=NOW, plan="free"), identify("new", at=NOW + 1, plan="pro"), alias("old", "new"))
    assert pipeline.members(rule) == {"new"}
    pipeline.hear(identify("old", at=NOW + 2, plan="free"))
    assert pipeline.members(rule) == set()


def test_members_count_for_their_company_after_a_restart(pipeline: Pipeline) -> None:
    """Nobody is in memory then, the company neither, until somebody asks whose member has called."""
    rule = pipeline.rule("count of api_call ever >= 3", kind="company")
    pipeline.hear(group("c1", "u1"), api_call(user_id="u1"), api_call(user_id="u1"))
    pipeline.evaluator.flush()
    pipeline.restart()
    pipeline.hear(api_call(user_id="u1"))
    assert pipeline.members(rule) == {"c1"}


def test_what_was_done_before_signing_in_counts(pipeline: Pipeline) -> None:
    """Anonymous calls join the user that an identify call links them to; nobody anonymous is a member."""
    rule = pipeline.rule("count of api_call ever >= 3")
    pipeline.hear(*(track("api_call", None, NOW + i, anonymous_id="a1") for i in range(3)))
    assert pipeline.members(rule) == set()
    pipeline.hear(identify("u1", anonymous_id="a1"))
    assert pipeline.members(rule) == {"u1"}
    assert {row["id"] for row in pipeline.rows(tables.profiles)} == {"u1"}


def test_an_alias_moves_a_former_user_into_the_new_one(pipeline: Pipeline) -> None:
    """The former id's calls count for the new id, and the former id is a member of nothing any more."""
    rule = pipeline.rule("count of api_call ever >= 2")
    pipeline.hear(*api_calls(2, user_id="old"), *api_calls(1, user_id="new"))
    assert pipeline.members(rule) == {"old"}
    pipeline.hear(alias("old", "new"))
    assert pipeline.members(rule) == {"new"}
    pipeline.hear(api_call(user_id="old"))
    assert pipeline.members(rule) == {"new"}


def test_a_company_is_judged_by_its_members_and_its_own_events(pipeline: Pipeline) -> None:
    """Calls of two members and one that names only the company make three."""
    rule = pipeline.rule("count of api_call ever >= 3", kind="company")
    pipeline.hear(group("c1", "u1", plan_limit=3), group("c1", "u2"))
    pipeline.hear(api_call(user_id="u1"), api_call(user_id="u2"))
    assert pipeline.members(rule) == set()
    pipeline.hear(track("api_call", None, company_id="c1"))
    assert pipeline.members(rule) == {"c1"}


def test_who_changes_company_takes_their_calls_along(pipeline: Pipeline) -> None:
    """A company's events are those of its present members."""
    rule = pipeline.rule("count of api_call ever >= 2", kind="company")
    pipeline.hear(group("c1", "u1"), *api_calls(2, user_id="u1"))
    assert pipeline.members(rule) == {"c1"}
    pipeline.hear(group("c2", "u1", at=NOW + HOUR))
    assert pipeline.members(rule) == {"c2"}


def test_a_users_rule_reads_their_companys_traits(pipeline: Pipeline) -> None:
    """A quota of the company, reached by the user's calls, or lowered under them."""
    rule = pipeline.rule("count of api_call ever >= 80% of company.plan_limit")
    pipeline.hear(group("c1", "u1", plan_limit=10), *api_calls(7))
    assert pipeline.members(rule) == set()
    pipeline.hear(api_call())
    assert pipeline.members(rule) == {"u1"}
    pipeline.hear(group("c1", "u2", at=NOW + 1, plan_limit=100))
    assert pipeline.members(rule) == set()


def test_a_rule_about_another_rules_segment_follows_it_at_once(pipeline: Pipeline) -> None:
    """The dependent rule is judged after the one it reads, so that nobody enters for a moment."""
    pipeline.rule('all of (not in segment "stuck"; count of api_call ever >= 5)', name="fine")
    stuck = pipeline.rule(FIVE_ERRORS, name="stuck")
    coach = pipeline.rule('in segment "stuck"', name="coach")
    pipeline.hear(*api_calls(5, 400))
    assert pipeline.members(stuck) == pipeline.members(coach) == {"u1"}
    assert sorted(pipeline.moves()) == [("entered", "u1", 1)] * 2


def test_a_new_rule_starts_from_history_and_messages_nobody(pipeline: Pipeline) -> None:
    """Those who match already are members at once, quietly; the next call counts on from there."""
    pipeline.hear(*api_calls(4, 400, "u1"), *api_calls(5, 400, "u2"))
    rule = pipeline.rule(FIVE_ERRORS)
    pipeline.settle()
    assert pipeline.members(rule) == {"u2"}
    assert pipeline.moves() == []
    pipeline.hear(api_call(400, "u1"))
    assert pipeline.moves() == [("entered", "u1", 1)]


def test_an_edited_rule_moves_people_by_difference(pipeline: Pipeline) -> None:
    """Who matches both versions neither leaves nor enters again."""
    rule = pipeline.rule("count of api_call ever >= 2")
    pipeline.hear(*api_calls(2, user_id="u1"), *api_calls(5, user_id="u2"))
    pipeline.change_rule(rule, text="count of api_call ever >= 4")
    pipeline.settle()
    assert pipeline.members(rule) == {"u2"}
    assert [(s.kind, s.subject_id, s.quiet) for s in pipeline.signals()][2:] == [("left", "u1", True)]


def test_a_rule_that_is_switched_off_has_no_members(pipeline: Pipeline) -> None:
    """Switched on again it counts on with the next episode."""
    rule = pipeline.rule("count of api_call ever >= 1")
    pipeline.hear(api_call())
    pipeline.change_rule(rule, status="draft")
    pipeline.settle()
    assert pipeline.members(rule) == set()
    pipeline.change_rule(rule, status="active", filled_version=0)
    pipeline.settle()
    assert pipeline.members(rule) == {"u1"}
    assert pipeline.rows(tables.memberships)[0]["episode"] == 2


def test_entering_is_itself_an_event_on_its_way_to_the_log(pipeline: Pipeline) -> None:
    """The emission is committed with the membership."""
    pipeline.rule("count of api_call ever >= 1", name="first call")
    pipeline.hear(api_call())
    assert len(pipeline.rows(tables.emissions)) == 1


def test_a_start_replays_no_more_than_it_may(pipeline: Pipeline) -> None:
    """Rounds through everybody are fast enough for `replay_events`, people of companies too; at rest nothing is left to replay."""
    pipeline.settings = EvaluateSettings(replay_events=600, evaluate_batch=50)
    pipeline.restart()
    pipeline.rule("count of api_call ever >= 1000")
    pipeline.rule("count of api_call ever >= 1000", "of companies", kind="company")
    pipeline.hear(*(group(f"c{number % 7}", f"u{number}") for number in range(200)))
    dice, heard = random.Random(2), 200
    for _ in range(60):
        calls = [api_call(user_id=f"u{dice.randrange(200)}") for _ in range(40)]
        with pipeline.store.log.write() as conn:
            log.append_events(conn, calls, pipeline.clock())
        pipeline.evaluator.tick()
        heard += len(calls)
        assert pipeline.stored_from() >= heard - 600 - 50
    assert pipeline.stored_from() < heard
    pipeline.settle()
    pipeline.evaluator.tick()
    pipeline.evaluator.tick()
    assert pipeline.stored_from() == heard
    before = pipeline.hashes()
    pipeline.restart()
    assert pipeline.hashes() == before


def test_who_is_read_on_the_way_is_judged_when_their_time_comes(pipeline: Pipeline) -> None:
    """Timers of those who come into memory for another's sake fire too: here for a device of theirs that does what no rule reads."""
    pipeline.settings = EvaluateSettings(hot_subjects=16)
    pipeline.restart()
    rule = pipeline.rule("count of api_call in the last 3 hours = 0")
    pipeline.hear(api_call(user_id="u1", at=NOW - DAY), api_call(user_id="u1", at=NOW - HOUR))
    pipeline.hear(identify("u1", at=NOW - HOUR, anonymous_id="d1"))
    pipeline.hear(*(api_call(user_id=f"other{number}", at=NOW - DAY) for number in range(60)))
    pipeline.hear(*(api_call(user_id=f"other{number}") for number in range(60)))
    assert "u1" not in pipeline.evaluator.residents.places["user"], "there is room for few"
    pipeline.hear(track("looked around", None, anonymous_id="d1"))
    assert "u1" in pipeline.evaluator.residents.places["user"]
    pipeline.advance(2 * HOUR + 5 * MINUTE)
    assert pipeline.members(rule) == {"u1"}


def test_a_tick_that_fails_leaves_nothing_behind(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cursor, state and membership commit together or not at all, and the next tick does the work."""
    rule = pipeline.rule("count of api_call ever >= 1")
    pipeline.settle()

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(stage.signals, "set_cursor", fail)
        with pytest.raises(OSError, match="disk full"):
            pipeline.hear(api_call())
    assert pipeline.members(rule) == set()
    pipeline.settle()
    assert pipeline.members(rule) == {"u1"}


def _stream(seed: int) -> list[Event]:
    """Calls, identities, companies and traits of a few people, in order of time."""
    dice = random.Random(seed)
    events: list[Event] = []
    for i in range(120):
        at = NOW - dice.randrange(20 * HOUR)
        user = f"u{dice.randrange(4)}"
        match dice.randrange(8):
            case 0:
                events.append(identify(user, at=at, plan=dice.choice(["free", "pro"])))
            case 1:
                events.append(identify(user, at=at, anonymous_id=f"a{dice.randrange(4)}"))
            case 2:
                events.append(group(f"c{dice.randrange(2)}", user, at=at, plan_limit=dice.randrange(10)))
            case 3:
                events.append(
                    track("api_call", None, at, anonymous_id=f"a{dice.randrange(4)}", properties={"status": 400})
                )
            case 4:
                events.append(track("report", user, at, company_id=dice.choice(["c0", "c1", None])))
            case 5 if i % 3 == 0:
                events.append(alias(f"u{dice.randrange(4)}", user, at=at))
            case _:
                events.append(api_call(dice.choice([200, 400]), user, at))
    return events


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 22, 36, 45, 89, 110])
def test_order_and_repetition_do_not_matter(
    seed: int, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any order, any batches and any repetition of the same events come to the same state and memberships."""
    events = _stream(seed)
    if seed % 2:  # restarts replay all that need not be stored
        monkeypatch.setattr(behind, "A_FEW", 0)
        monkeypatch.setattr(behind, "AT_REST", 0)
    dice = random.Random(seed + 1000)
    found = []
    for round_ in range(3):
        store = sqlite_store if round_ == 0 else _another(tmp_path / str(round_))
        pipeline = Pipeline(store, ManualClock())
        if seed % 3 == 0:  # who is not in memory is read when needed, others have to go
            pipeline.settings = EvaluateSettings(hot_subjects=3)
            pipeline.restart()
        for text in (FIVE_ERRORS, 'plan = "pro"', "count of report in the last 3 hours = 0"):
            pipeline.rule(text)
        pipeline.rule("count of api_call ever >= 10", kind="company")
        pipeline.rule("count of api_call ever >= company.plan_limit", name="quota")
        pipeline.settle()
        shuffled = events if round_ == 0 else dice.sample(events, len(events)) + dice.sample(events, 30)
        while shuffled:
            size = 1 + dice.randrange(30)
            pipeline.hear(*shuffled[:size])
            shuffled = shuffled[size:]
            if round_ and dice.random() < 0.2:
                pipeline.restart()
        found.append((pipeline.hashes(), [pipeline.members(rule) for rule in range(1, 6)]))
        if store is not sqlite_store:
            store.close()
    assert found[0][1] == found[1][1] == found[2][1]
    assert found[0][0] == found[1][0] == found[2][0]


def _another(folder: Path) -> Store:
    other = open_store(StoreSettings(data=folder))
    upgrade(other)
    return other
