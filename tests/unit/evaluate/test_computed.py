"""Computed traits kept up to date by events, trait changes and timers, on both databases."""

from __future__ import annotations

import random

import pytest

from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.rules.computed import FIRST_KEY
from antiphon.store import computed_traits, tables
from antiphon.store.engine import Store
from factories import NOW, ManualClock, alias, api_call, api_calls, group, identify, track
from pipeline import Pipeline

SCORE = "min(100, count of api_call in the last 7 days + 5 * days active of api_call in the last 30 days)"
USED = "count of export_used ever"
QUOTA = "round(count of api_call this month / plan_limit, 4)"
RUN_OUT = "today + (plan_limit - count of api_call this month) / (count of api_call in the last 7 days / 7)"


@pytest.fixture
def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    return Pipeline(store, clock)


# -- the four ready examples ---------------------------------------------------------------------------------------


def test_engagement_score(pipeline: Pipeline) -> None:
    """Calls of a week and active days of a month make a score, which falls as the days pass and ends at 100."""
    pipeline.computed("engagement_score", SCORE)
    pipeline.hear(*api_calls(3))
    assert pipeline.traits("u1")["engagement_score"] == 8
    pipeline.advance(DAY)
    pipeline.hear(api_call(at=pipeline.clock()))
    assert pipeline.traits("u1")["engagement_score"] == 14
    pipeline.advance(6 * DAY + 3 * HOUR)
    assert pipeline.traits("u1")["engagement_score"] == 11
    pipeline.advance(40 * DAY)
    assert pipeline.traits("u1")["engagement_score"] == 0
    pipeline.hear(*api_calls(200, start=pipeline.clock(), every=1))
    assert pipeline.traits("u1")["engagement_score"] == 100


def test_used_event_count(pipeline: Pipeline) -> None:
    """How often somebody used a feature, 0 for whoever never did, and a rule reads it."""
    pipeline.computed("used_event_count", USED)
    rule = pipeline.rule("used_event_count >= 2")
    pipeline.hear(track("export_used"), api_call(user_id="u2"))
    assert (pipeline.traits("u1")["used_event_count"], pipeline.traits("u2")["used_event_count"]) == (1, 0)
    pipeline.hear(track("export_used"))
    assert pipeline.traits("u1")["used_event_count"] == 2
    assert pipeline.moves() == [("entered", "u1", 1)]
    assert pipeline.members(rule) == {"u1"}


def test_quota_share(pipeline: Pipeline) -> None:
    """A company's share of its quota follows calls, and its limit when that is raised; without a limit there is none."""
    pipeline.computed("quota_share", QUOTA, "company")
    rule = pipeline.rule("quota_share >= 0.8", kind="company")
    pipeline.hear(group("acme", "u1"), *api_calls(7))
    assert "quota_share" not in pipeline.traits("acme", "company")
    pipeline.hear(group("acme", "u1", plan_limit=10))
    assert pipeline.traits("acme", "company")["quota_share"] == 0.7
    pipeline.hear(api_call())
    assert pipeline.members(rule) == {"acme"}
    pipeline.hear(group("acme", "u1", plan_limit=1000, at=NOW + 1))
    assert pipeline.traits("acme", "company")["quota_share"] == 0.008
    assert pipeline.members(rule) == set()


def test_predicted_day_of_quota_run_out(pipeline: Pipeline) -> None:
    """A date that moves with use and with the days; whoever uses nothing never runs out."""
    pipeline.computed("quota_runs_out", RUN_OUT, "company")
    rule = pipeline.rule("quota_runs_out within the next 7 days", kind="company")
    pipeline.hear(group("acme", "u1", plan_limit=100))
    assert "quota_runs_out" not in pipeline.traits("acme", "company")
    pipeline.hear(*api_calls(28))  # 4 a day, 72 are left: 18 days from Monday, 21 September
    assert pipeline.traits("acme", "company")["quota_runs_out"] == "2026-10-09"
    pipeline.advance(DAY)
    assert pipeline.traits("acme", "company")["quota_runs_out"] == "2026-10-10"
    pipeline.hear(*api_calls(40, start=pipeline.clock()))  # 68 in a week, 32 are left: 3.3 days
    assert pipeline.traits("acme", "company")["quota_runs_out"] == "2026-09-25"
    assert pipeline.members(rule) == {"acme"}


# -- what a company's traits mean to its people --------------------------------------------------------------------


def test_a_rule_about_users_reads_a_computed_trait_of_the_company(pipeline: Pipeline) -> None:
    """A colleague's call changes the company's value, and with it who is in the rule: the quiet ones too."""
    pipeline.computed("quota_share", QUOTA, "company")
    rule = pipeline.rule('all of (company.quota_share >= 0.5; role = "admin")')
    pipeline.hear(group("acme", "u1", plan_limit=4), group("acme", "u2"), identify("u2", role="admin"))
    pipeline.hear(api_call())
    assert pipeline.members(rule) == set()
    pipeline.hear(api_call())
    assert pipeline.members(rule) == {"u2"}


def test_a_computed_trait_reads_another_and_a_segment(pipeline: Pipeline) -> None:
    """In the order in which they hang together, whatever the order in which they were made."""
    pipeline.computed("grade", 'if in segment Keen then "hot" else "cold"')
    rule = pipeline.rule("points >= 20", name="Keen")
    pipeline.computed("points", "10 * used + company.bonus")
    pipeline.computed("used", USED)
    pipeline.computed("bonus", "count of payment ever", "company")
    after = pipeline.rule('grade = "hot"')
    pipeline.hear(group("acme", "u1"), track("export_used"))
    assert pipeline.traits("u1")["points"] == 10
    assert pipeline.traits("u1")["grade"] == "cold"
    pipeline.hear(track("export_used", company_id="acme"))
    assert pipeline.traits("u1")["points"] == 20
    assert pipeline.traits("u1")["grade"] == "hot"
    assert pipeline.members(rule) == pipeline.members(after) == {"u1"}
    pipeline.hear(*(track("payment", user_id=None, company_id="acme") for _ in range(3)))
    assert pipeline.traits("u1")["points"] == 23


# -- time ----------------------------------------------------------------------------------------------------------


def test_an_age_changes_by_the_hour_and_writes_no_oftener(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile is written when the value changes: 24 times a day for an age, not each minute."""
    pipeline.computed("idle_days", "time since last api_call")
    pipeline.hear(api_call())
    assert pipeline.traits("u1")["idle_days"] == 0
    for _ in range(59):
        pipeline.advance(MINUTE)
        assert pipeline.traits("u1")["idle_days"] == 0
    pipeline.advance(MINUTE)
    assert pipeline.traits("u1")["idle_days"] == round(1 / 24, 6)
    pipeline.advance(2 * DAY)
    assert pipeline.traits("u1")["idle_days"] == round(49 / 24, 6)
    [bucket] = pipeline.rows(tables.states)
    assert bucket["recheck_at"] == NOW + 50 * HOUR


# -- who is who ----------------------------------------------------------------------------------------------------


def test_any_order_and_restarts_give_the_same_values(store: Store, clock: ManualClock) -> None:
    """Linked ids count together, whenever the link comes, and nothing lives in memory only."""
    pipeline = Pipeline(store, clock)
    pipeline.computed("used", USED)
    events = [
        track("export_used", user_id=None, anonymous_id="a1"),
        track("export_used"),
        track("export_used", user_id="old"),
        identify("u1", anonymous_id="a1", plan="pro"),
        alias("old", "u1"),
    ]
    random.Random(5).shuffle(events)
    for event in events:
        pipeline.hear(event)
        pipeline.restart()
    assert pipeline.traits("u1") == {"plan": "pro", "used": 3}


def test_a_call_cannot_set_a_computed_trait(pipeline: Pipeline) -> None:
    """The formula wins, also over what was set before; each attempt is counted."""
    pipeline.hear(identify("u1", used="many", plan="pro"))
    pipeline.computed("used", "count of export_used in the last 24 hours * weight")
    pipeline.settle()
    assert pipeline.traits("u1") == {"plan": "pro"}
    pipeline.hear(identify("u1", at=NOW + 1, used=99, weight=2), track("export_used"))
    assert pipeline.traits("u1") == {"plan": "pro", "weight": 2, "used": 2}
    with pipeline.store.state.read() as conn:
        assert computed_traits.refused_counts(conn) == {"computed_trait_refused:user.used": 1}


# -- new, changed, deleted -----------------------------------------------------------------------------------------


def test_a_new_trait_is_filled_from_history_and_quietly(pipeline: Pipeline) -> None:
    """Everybody has the value at once; rules that read it count them, and nobody is messaged."""
    pipeline.hear(track("export_used"), track("export_used"), api_call(user_id="u2"))
    rule = pipeline.rule("used >= 2")
    pipeline.settle()
    pipeline.computed("used", USED)
    pipeline.settle()
    assert (pipeline.traits("u1")["used"], pipeline.traits("u2")["used"]) == (2, 0)
    assert pipeline.members(rule) == {"u1"}
    assert pipeline.moves() == []
    pipeline.hear(track("export_used", user_id="u2"), track("export_used", user_id="u2"))
    assert pipeline.moves() == [("entered", "u2", 1)]


def test_a_changed_formula_moves_everybody_quietly(pipeline: Pipeline) -> None:
    """Values and memberships follow the new formula at once."""
    trait = pipeline.computed("used", USED)
    rule = pipeline.rule("used >= 2")
    pipeline.hear(track("export_used"), track("export_used"))
    pipeline.change_computed(trait, "count of export_used ever / 2")
    pipeline.settle()
    assert pipeline.traits("u1")["used"] == 1
    assert pipeline.members(rule) == set()
    assert [m for m in pipeline.moves() if m[0] == "left"] == []
    row = pipeline.rows(tables.computed_traits)[0]
    assert row["filled_version"] == row["version"] == 2


def test_a_deleted_trait_leaves_the_profiles(pipeline: Pipeline) -> None:
    """Its value is gone from everybody, its row too, and its name can be used again."""
    trait = pipeline.computed("used", USED)
    pipeline.hear(track("export_used"))
    with pipeline.store.state.write() as conn:
        computed_traits.remove_computed_trait(conn, trait, pipeline.clock())
    again = pipeline.computed("used", "1 + 1")
    pipeline.settle()
    assert pipeline.traits("u1") == {"used": 2}
    assert [row["id"] for row in pipeline.rows(tables.computed_traits)] == [again]
    with pipeline.store.state.write() as conn:
        computed_traits.remove_computed_trait(conn, again, pipeline.clock())
    pipeline.settle()
    assert pipeline.traits("u1") == {}
    assert pipeline.rows(tables.computed_traits) == []


def test_an_event_costs_only_the_traits_that_it_touches(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fifty computed traits an event computes the one that counts it."""
    for number in range(50):
        pipeline.computed(f"used_{number}", f"count of feature_{number} ever")
    pipeline.hear(track("feature_7"))
    computed: list[int] = []
    program = pipeline.evaluator._current.program
    compute = program.compute
    monkeypatch.setattr(program, "compute", lambda key, view, now: computed.append(key) or compute(key, view, now))
    pipeline.hear(track("feature_7"), track("something_else"))
    assert computed == [FIRST_KEY + 8]
    assert pipeline.traits("u1")["used_7"] == 2
