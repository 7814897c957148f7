"""What people compute of their customers and write rules about, one small story each, on both databases."""

from __future__ import annotations

import pytest

from antiphon.model.clock import DAY, HOUR
from antiphon.store import tables
from antiphon.store.engine import Store
from factories import NOW, ManualClock, api_call, group, identify, track
from pipeline import Pipeline, send_workflow

MIDNIGHT = NOW - NOW % DAY
"""When the day (the 21st of September) began on which tests begin."""


@pytest.fixture
def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    return Pipeline(store, clock)


def test_an_engagement_score_falls_by_silence(pipeline: Pipeline) -> None:
    """Two active days score 14; with the days gone from the week it is 10, below the bound, and no event was needed."""
    pipeline.computed(
        "engagement_score", "count of api_call in the last 7 days + 5 * days active of api_call in the last 30 days"
    )
    rule = pipeline.rule("engagement_score < 12")
    pipeline.hear(*(api_call(at=NOW - n * DAY // 2) for n in range(4)))
    assert pipeline.traits("u1")["engagement_score"] == 14
    assert pipeline.members(rule) == set()
    pipeline.advance(6 * DAY)
    assert pipeline.members(rule) == set()
    pipeline.advance(DAY + 3 * HOUR)  # the last call is seven days and a step of the window ago
    assert pipeline.traits("u1")["engagement_score"] == 10
    assert pipeline.moves() == [("entered", "u1", 1)]


def test_who_went_silent_is_reminded_of_what_they_used(pipeline: Pipeline) -> None:
    """When seven days are over, the endpoint that was called last stands on the profile for the message."""
    pipeline.computed("last_endpoint", "last route of api_call ever")
    rule = pipeline.rule("time since last api_call >= 7 days")
    pipeline.hear(api_call(route="/v1/track"), api_call(route="/v1/matrix", at=NOW - HOUR))
    pipeline.advance(7 * DAY)
    assert pipeline.members(rule) == {"u1"}
    assert pipeline.traits("u1")["last_endpoint"] == "/v1/track"


def test_a_share_of_the_quota(pipeline: Pipeline) -> None:
    """80 % of the company's plan: its users are in with the 8th call of 10, and out when the plan is raised."""
    pipeline.computed("quota_share", "count of api_call this month / plan_limit", "company")
    near = pipeline.rule("company.quota_share >= 0.8")
    pipeline.hear(group("acme", "u1", plan_limit=10), group("acme", "u2"))
    pipeline.hear(*(api_call(user_id="u1") for _ in range(7)))
    assert pipeline.members(near) == set()
    pipeline.hear(api_call(user_id="u2"))
    assert pipeline.members(near) == {"u1", "u2"}
    pipeline.hear(group("acme", "u1", at=NOW + 1, plan_limit=100))
    assert pipeline.members(near) == set()


def test_a_team_member_leaves_and_the_others_are_told(pipeline: Pipeline) -> None:
    """Whoever is still with the company is mailed once for each departure of a day, the one who left and other companies never."""
    pipeline.computed("members_left", "count of member_removed in the last 1 day", "company")
    rule = pipeline.rule("all of (company.members_left >= 1; none of (removed = true))")
    pipeline.workflow(send_workflow(rule, reentry="every_time"))
    for user, company in (("ann", "acme"), ("bob", "acme"), ("cem", "acme"), ("dan", "shop")):
        pipeline.hear(group(company, user), identify(user, email=f"{user}@example.com"))
    pipeline.hear(
        identify("cem", at=NOW + 1, removed=True),
        track("member_removed", None, company_id="acme", properties={"member": "cem"}),
    )
    assert pipeline.members(rule) == {"ann", "bob"}
    assert sorted(row["recipient"] for row in pipeline.rows(tables.messages)) == ["ann@example.com", "bob@example.com"]
    pipeline.advance(2 * DAY)
    assert pipeline.members(rule) == set()
    pipeline.hear(
        identify("bob", at=pipeline.clock(), removed=True),
        track("member_removed", None, at=pipeline.clock(), company_id="acme", properties={"member": "bob"}),
    )
    assert pipeline.members(rule) == {"ann"}
    assert len(pipeline.rows(tables.messages)) == 3


def test_the_day_on_which_the_quota_runs_out(pipeline: Pipeline) -> None:
    """At 10 calls a day 100 left of the plan last ten days; three days of the same later it is within the next seven."""
    pipeline.computed(
        "quota_runs_out",
        "today + (plan_limit - count of api_call this month) / (count of api_call in the last 7 days / 7)",
        "company",
    )
    rule = pipeline.rule("quota_runs_out within the next 7 days", kind="company")
    pipeline.hear(group("acme", "u1", plan_limit=170))
    pipeline.hear(*(track("api_call", at=MIDNIGHT + HOUR - n * DAY, weight=10) for n in range(7)))
    assert pipeline.traits("acme", "company")["quota_runs_out"] == "2026-10-01"
    assert pipeline.members(rule) == set()
    for _ in range(3):
        pipeline.advance(DAY)
        pipeline.hear(track("api_call", at=pipeline.clock(), weight=10))
    assert pipeline.traits("acme", "company")["quota_runs_out"] == "2026-10-01"
    assert pipeline.members(rule) == {"acme"}


def test_a_count_for_other_systems(pipeline: Pipeline) -> None:
    """`used_event_count` stands on the profile, with nothing but a rule's words, also for who came before it was made."""
    pipeline.hear(api_call(), api_call(201), api_call(500), api_call(user_id="u2", status=404))
    pipeline.computed("used_event_count", "count of api_call where status < 400 ever")
    pipeline.settle()
    assert [pipeline.traits(user)["used_event_count"] for user in ("u1", "u2")] == [2, 0]
    pipeline.hear(api_call())
    assert pipeline.traits("u1")["used_event_count"] == 3
    assert pipeline.rows(tables.memberships) == []
