"""What people write rules for, one small story each: events in, who is a member from which instant on, on both databases.

First the example lines of the text form, then what an API company wants to know of its customers.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from antiphon.model.clock import DAY, HOUR, MINUTE, SECOND
from antiphon.model.event import Event
from antiphon.store import tables
from antiphon.store.engine import Store
from factories import NOW, ManualClock, api_call, api_calls, group, identify, track
from pipeline import Pipeline

MIDNIGHT = NOW - NOW % DAY
"""When the day began on which tests begin."""

OCTOBER = 1_790_812_800_000
"""2026-10-01T00:00Z: tests begin on the 21st of September."""


@pytest.fixture
def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    return Pipeline(store, clock)


def since(pipeline: Pipeline, rule: int) -> dict[str, int]:
    """Since when (ms after the test's beginning) each member has been in."""
    return {
        row["subject_id"]: row["since"] - NOW
        for row in pipeline.rows(tables.memberships)
        if row["rule_id"] == rule and row["member"]
    }


def day(at: int) -> str:
    """The date (UTC) of an instant, as a trait holds it."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def sampled(weight: int, status: int = 200, user_id: str = "u1", at: int = NOW) -> Event:
    """One call that a sampling client sends for `weight` calls."""
    return track("api_call", user_id, at, weight=weight, properties={"status": status, "route": "/v1/items"})


# -- the example lines --------------------------------------------------------------------------------------------


def test_five_errors_in_a_day(pipeline: Pipeline) -> None:
    """The fifth 400 enters at once; a 500 is no 400; out again by itself when the day is over."""
    rule = pipeline.rule("count of api_call where status = 400 in the last 24 hours >= 5")
    pipeline.hear(*api_calls(4, 400, every=HOUR, start=NOW - 3 * HOUR), api_call(500))
    assert since(pipeline, rule) == {}
    pipeline.clock.advance(10 * MINUTE)
    pipeline.hear(api_call(400, at=pipeline.clock()))
    assert since(pipeline, rule) == {"u1": 10 * MINUTE}
    pipeline.advance(20 * HOUR + 49 * MINUTE)  # 24 h after the first error
    assert since(pipeline, rule) == {"u1": 10 * MINUTE}
    pipeline.advance(26 * MINUTE)  # and a step of the window (24 minutes, begun at the last whole one)
    assert pipeline.moves() == [("entered", "u1", 1), ("left", "u1", 1)]


def test_an_engineer_who_signed_up_and_does_not_begin(pipeline: Pipeline) -> None:
    """By role, date of sign-up and no call yet; the first call ends it."""
    rule = pipeline.rule('all of (role = "Engineering"; signed_up in the last 7 days; count of api_call ever = 0)')
    pipeline.hear(
        identify("ann", role="Engineering", signed_up=day(NOW - DAY)),
        identify("bob", role="Sales", signed_up=day(NOW - DAY)),
        identify("cid", role="Engineering", signed_up=day(NOW - 9 * DAY)),
    )
    assert pipeline.members(rule) == {"ann"}
    pipeline.hear(api_call(user_id="ann"))
    assert pipeline.members(rule) == set()


def test_a_tenth_of_all_calls_fails_in_five_minutes(pipeline: Pipeline) -> None:
    """Exactly ten percent is not more than ten percent; the second failure in nineteen calls is."""
    rule = pipeline.rule("ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%")
    pipeline.hear(*api_calls(9, 200, every=0), api_call(503))
    assert pipeline.members(rule) == set()
    pipeline.hear(*api_calls(8, 404, every=0), api_call(500))
    assert pipeline.members(rule) == {"u1"}
    pipeline.advance(7 * MINUTE)
    assert pipeline.moves() == [("entered", "u1", 1), ("left", "u1", 1)]


def test_four_fifths_of_the_companys_plan(pipeline: Pipeline) -> None:
    """80 % of 1,000 is reached by the 800th call of the month, and the first of the next month starts anew."""
    rule = pipeline.rule("count of api_call this month >= 80% of company.plan_limit")
    pipeline.hear(group("acme", "u1", plan_limit=1000), sampled(799))
    assert pipeline.members(rule) == set()
    pipeline.clock.advance(SECOND)
    pipeline.hear(api_call(at=NOW + SECOND))
    assert since(pipeline, rule) == {"u1": SECOND}
    pipeline.advance(OCTOBER - pipeline.clock() - 1)
    assert pipeline.members(rule) == {"u1"}
    pipeline.advance(1)
    assert pipeline.members(rule) == set()


def test_seven_days_of_silence(pipeline: Pipeline) -> None:
    """True at the very millisecond, with no event; a call ends it and the seven days begin again."""
    rule = pipeline.rule("time since last api_call >= 7 days")
    pipeline.hear(api_call())
    pipeline.advance(7 * DAY - 1)
    assert pipeline.members(rule) == set()
    pipeline.advance(1)
    assert since(pipeline, rule) == {"u1": 7 * DAY}
    pipeline.hear(api_call(at=pipeline.clock()))
    pipeline.advance(7 * DAY)
    assert pipeline.moves() == [("entered", "u1", 1), ("left", "u1", 1), ("entered", "u1", 2)]


def test_half_of_ones_own_average(pipeline: Pipeline) -> None:
    """Ten calls a day for five weeks, then none: the call of seven days ago drops out, and 30 are less than half of 70."""
    rule = pipeline.rule("count of api_call in the last 7 days <= 50% of its average over the previous 4 weeks")
    pipeline.hear(*(sampled(10, at=NOW - n * DAY) for n in range(36)))
    assert pipeline.members(rule) == set()
    pipeline.advance(4 * DAY)
    assert pipeline.members(rule) == set()
    pipeline.advance(3 * HOUR)  # a step of the window is 2 h 48 min
    assert pipeline.members(rule) == {"u1"}
    pipeline.hear(sampled(70, at=pipeline.clock()))
    assert pipeline.moves() == [("entered", "u1", 1), ("left", "u1", 1)]


def test_one_thing_without_the_other(pipeline: Pipeline) -> None:
    """A geofence and no tracking call for three days, to the millisecond; another's calls change nothing."""
    rule = pipeline.rule('did geofence_created, then not api_call where route = "/v1/track", for 3 days')
    pipeline.hear(track("geofence_created"), track("geofence_created", "u2"))
    pipeline.clock.advance(DAY)
    pipeline.hear(api_call(user_id="u2", route="/v1/track", at=pipeline.clock()), api_call(at=pipeline.clock()))
    pipeline.advance(2 * DAY - 1)
    assert pipeline.members(rule) == set()
    pipeline.advance(1)
    assert since(pipeline, rule) == {"u1": 3 * DAY}
    pipeline.hear(api_call(route="/v1/track", at=pipeline.clock()))
    assert pipeline.members(rule) == set()


def test_one_thing_after_the_other(pipeline: Pipeline) -> None:
    """In this order and within an hour, whatever order they arrive in."""
    rule = pipeline.rule("did checkout_started, then payment_failed, within 1 hour")
    pipeline.hear(track("payment_failed", "u1", NOW + 59 * MINUTE), track("checkout_started", "u1", NOW))
    pipeline.hear(track("payment_failed", "u2", NOW - MINUTE), track("checkout_started", "u2", NOW))
    pipeline.hear(track("checkout_started", "u3", NOW), track("payment_failed", "u3", NOW + 61 * MINUTE))
    pipeline.advance(2 * HOUR)
    assert pipeline.members(rule) == {"u1"}


def test_five_actions_each_five_times(pipeline: Pipeline) -> None:
    """Twenty-five events in any order; four of one of them are not enough."""
    rule = pipeline.rule(f"at least 5 of ({'; '.join(f'count of {name} ever >= 5' for name in 'abcde')})")
    pipeline.hear(*[track(name, at=NOW - n * HOUR) for n in range(5) for name in "edcba"][1:])
    assert pipeline.members(rule) == set()
    pipeline.hear(track("e"))
    assert pipeline.members(rule) == {"u1"}


def test_how_many_endpoints_somebody_uses(pipeline: Pipeline) -> None:
    """Different values are counted, not calls; each leaves the count a week after its own last call."""
    rule = pipeline.rule("distinct route of api_call in the last 7 days >= 3")
    pipeline.hear(*(api_call(route=route, at=NOW - n * DAY) for n, route in enumerate(("/a", "/b", "/a", "/b", "/a"))))
    assert pipeline.members(rule) == set()
    pipeline.hear(api_call(route="/c", at=NOW - 5 * DAY))
    assert pipeline.members(rule) == {"u1"}
    pipeline.advance(2 * DAY + 3 * HOUR)  # and a step of the window
    assert pipeline.members(rule) == set()


def test_calls_grow_slow(pipeline: Pipeline) -> None:
    """The call that 95 % do not exceed: 5 slow ones of 100 are beyond it, the sixth of 101 is it."""
    rule = pipeline.rule("p95 of latency_ms of api_call in the last 1 hour > 500")
    pipeline.hear(*(api_call(latency_ms=900 if n < 5 else 20) for n in range(99)), api_call(latency_ms=20))
    assert pipeline.members(rule) == set()
    pipeline.hear(api_call(latency_ms=900))
    assert pipeline.members(rule) == {"u1"}


# -- stories ------------------------------------------------------------------------------------------------------


def test_a_nudge_to_begin(pipeline: Pipeline) -> None:
    """Signed up in the last seven days, no call yet: in at sign-up, out after seven days or with the first call."""
    rule = pipeline.rule("all of (signed_up in the last 7 days; count of api_call ever = 0)")
    pipeline.hear(identify("ann", signed_up=day(NOW)), identify("bob", signed_up=day(NOW)))
    assert pipeline.members(rule) == {"ann", "bob"}
    pipeline.hear(api_call(user_id="bob"))
    assert pipeline.members(rule) == {"ann"}
    pipeline.advance(MIDNIGHT + 7 * DAY - NOW)
    assert pipeline.members(rule) == {"ann"}
    pipeline.advance(1)
    assert pipeline.members(rule) == set()


def test_a_first_week_without_a_call(pipeline: Pipeline) -> None:
    """Judged when the seven days after the day of sign-up are over, and a call that is made later does not count."""
    rule = pipeline.rule("count of api_call within 7 days of signed_up = 0")
    pipeline.hear(identify("ann", signed_up=day(NOW)), identify("bob", signed_up=day(NOW)))
    pipeline.hear(api_call(user_id="bob"))
    pipeline.advance(MIDNIGHT + 8 * DAY - NOW - 1)
    assert pipeline.members(rule) == set()
    pipeline.advance(1)
    assert since(pipeline, rule) == {"ann": MIDNIGHT + 8 * DAY - NOW}
    pipeline.hear(api_call(user_id="ann", at=pipeline.clock()))
    assert pipeline.members(rule) == {"ann"}


def test_three_stages_of_integration(pipeline: Pipeline) -> None:
    """Nobody is in two of top, sandbox and production, or in none; 1,000 calls a day are sandbox, one more is production."""
    top = pipeline.rule("count of api_call in the last 1 day = 0, known for at least 0 days")
    sandbox = pipeline.rule(
        "all of (count of api_call in the last 1 day > 0; count of api_call in the last 1 day <= 1000)"
    )
    production = pipeline.rule("count of api_call in the last 1 day > 1000")

    def stage() -> list[int]:
        return [rule for rule in (top, sandbox, production) if pipeline.members(rule)]

    pipeline.hear(identify("u1", plan="free"))
    assert stage() == [top]
    pipeline.hear(api_call())
    assert stage() == [sandbox]
    pipeline.hear(sampled(999))
    assert stage() == [sandbox]
    pipeline.hear(api_call())
    assert stage() == [production]
    pipeline.advance(2 * DAY)
    assert stage() == [top]


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("count of geofence_created ever >= 1", track("geofence_created")),
        ('count of api_call where route = "/v1/autocomplete" ever >= 1', api_call(route="/v1/autocomplete")),
    ],
)
def test_the_first_success(pipeline: Pipeline, text: str, event: Event) -> None:
    """The first geofence, the first call of one endpoint: told once, however many follow."""
    rule = pipeline.rule(text)
    pipeline.hear(api_call(route="/v1/other"))
    assert pipeline.members(rule) == set()
    pipeline.hear(event)
    pipeline.hear(track(event.name, properties=event.properties))
    pipeline.advance(400 * DAY)
    assert pipeline.moves() == [("entered", "u1", 1)]


def test_an_endpoint_that_similar_companies_use(pipeline: Pipeline) -> None:
    """Active logistics companies without a call of one endpoint; once used, the next endpoint is proposed."""
    active = pipeline.rule(
        'all of (industry = "logistics"; count of api_call in the last 30 days >= 10)', "active", "company"
    )
    unused = 'count of api_call where route = "/v1/{}" ever = 0'
    first = pipeline.rule(f'all of (in segment "active"; {unused.format("matrix")})', kind="company")
    used = 'count of api_call where route = "/v1/matrix" ever >= 1'
    second = pipeline.rule(f'all of (in segment "active"; {used}; {unused.format("isochrone")})', kind="company")
    pipeline.hear(group("acme", "u1", industry="logistics"), group("shop", "u2", industry="retail"))
    pipeline.hear(*api_calls(10, user_id="u1"), *api_calls(10, user_id="u2"))
    assert pipeline.members(active) == pipeline.members(first) == {"acme"}
    pipeline.hear(api_call(user_id="u1", route="/v1/matrix"))
    assert (pipeline.members(first), pipeline.members(second)) == (set(), {"acme"})


def test_quota_and_right_size(pipeline: Pipeline) -> None:
    """80 %, 100 %, the rate limit and a plan far too large, each of the company by all its members' calls."""
    near = pipeline.rule("count of api_call this month >= 80% of plan_limit", kind="company")
    over = pipeline.rule("count of api_call this month >= plan_limit", kind="company")
    limited = pipeline.rule("count of api_call where status = 429 in the last 1 hour >= 1", kind="company")
    oversized = pipeline.rule("count of api_call this month <= 20% of plan_limit", kind="company")

    def inside() -> list[int]:
        return [rule for rule in (near, over, limited, oversized) if pipeline.members(rule)]

    pipeline.hear(group("acme", "u1", plan_limit=1000), group("acme", "u2"))
    pipeline.hear(sampled(200))
    assert inside() == [oversized]
    pipeline.hear(sampled(600, user_id="u2"))
    assert inside() == [near]
    pipeline.hear(sampled(200, 429, user_id="u2"))
    assert inside() == [near, over, limited]
    pipeline.hear(group("acme", "u1", at=NOW + 1, plan_limit=10_000))  # they took the larger plan
    assert inside() == [limited, oversized]


def test_an_engagement_score_falls(pipeline: Pipeline) -> None:
    """A score that is a trait, wherever it comes from: below the bound, not at it."""
    rule = pipeline.rule("engagement_score < 30")
    pipeline.hear(identify("ann", engagement_score=30), identify("bob", engagement_score=29.5), identify("cid"))
    assert pipeline.members(rule) == {"bob"}
    pipeline.hear(identify("ann", at=NOW + 1, engagement_score=12))
    assert pipeline.members(rule) == {"ann", "bob"}


def test_shipments_of_a_billing_period_pick_the_plan(pipeline: Pipeline) -> None:
    """A sum of a property, not a number of events; each company's period begins on its own day of the month."""
    rule = pipeline.rule("sum of parcels of shipment this billing period > 100", kind="company")
    pipeline.hear(group("acme", "u1", billing_anchor="2026-01-15"), group("shop", "u2", billing_anchor="2026-05-25"))

    def shipped(parcels: object, at: int = NOW) -> list[Event]:
        return [track("shipment", user, at, properties={"parcels": parcels}) for user in ("u1", "u2")]

    pipeline.hear(*shipped(60), *shipped(40))
    pipeline.hear(*shipped("50"))  # a text is no number
    assert pipeline.members(rule) == set()
    pipeline.hear(*shipped(0.5))
    assert pipeline.members(rule) == {"acme", "shop"}
    pipeline.advance(MIDNIGHT + 4 * DAY - NOW)  # the 25th
    assert pipeline.members(rule) == {"acme"}
    pipeline.advance(20 * DAY)  # the 15th of October
    assert since(pipeline, rule) == {}


def test_a_team_member_leaves(pipeline: Pipeline) -> None:
    """The company is told of its member's removal for a day; another company is not."""
    rule = pipeline.rule("count of member_removed in the last 1 day >= 1", kind="company")
    pipeline.hear(group("acme", "u1"), group("shop", "u2"))
    pipeline.hear(track("member_removed", None, company_id="acme", properties={"member": "u9"}))
    assert pipeline.members(rule) == {"acme"}
    pipeline.advance(2 * DAY)
    assert pipeline.members(rule) == set()


def test_who_still_calls_with_an_old_version(pipeline: Pipeline) -> None:
    """A notice to those who called one endpoint with an API version before some date in the last thirty days."""
    calls = 'api_call where route = "/v1/upload" and api_version < "2026-03-01"'
    rule = pipeline.rule(f"count of {calls} in the last 30 days >= 1")
    pipeline.hear(
        api_call(user_id="old", route="/v1/upload", api_version="2025-11-15"),
        api_call(user_id="new", route="/v1/upload", api_version="2026-03-01"),
        api_call(user_id="other", route="/v1/items", api_version="2025-11-15"),
        api_call(user_id="silent", route="/v1/upload"),
    )
    assert pipeline.members(rule) == {"old"}


def test_a_deprecated_endpoint_burns_down(pipeline: Pipeline) -> None:
    """Companies that still call it are in, each leaves by itself thirty days after its own last call."""
    rule = pipeline.rule(
        'count of api_call where route in ("/v1/old", "/v1/older") in the last 30 days >= 1', kind="company"
    )
    pipeline.hear(group("acme", "u1"), group("shop", "u2"))
    pipeline.hear(api_call(user_id="u1", route="/v1/old"), api_call(user_id="u2", route="/v1/older"))
    pipeline.advance(20 * DAY)
    pipeline.hear(api_call(user_id="u2", route="/v1/old", at=pipeline.clock()))
    pipeline.advance(11 * DAY)
    assert pipeline.members(rule) == {"shop"}
    pipeline.advance(20 * DAY)
    assert pipeline.members(rule) == set()


def test_who_was_hit_by_an_incident(pipeline: Pipeline) -> None:
    """One endpoint's failures on one day, known afterwards and for good; the day after does not count."""
    calls = 'api_call where route = "/v1/pay" and status in (500, 503)'
    rule = pipeline.rule(f"count of {calls} between 2026-09-21 and 2026-09-21 >= 1", kind="company")
    pipeline.hear(group("acme", "u1"), group("shop", "u2"), group("calm", "u3"))
    pipeline.hear(api_call(503, "u1", route="/v1/pay"), api_call(503, "u2", route="/v1/items"))
    pipeline.advance(DAY)
    pipeline.hear(api_call(503, "u3", route="/v1/pay", at=pipeline.clock()))
    pipeline.advance(300 * DAY)
    assert pipeline.members(rule) == {"acme"}
    assert pipeline.moves() == [("entered", "acme", 1)]


def test_coaching_ends_at_the_first_success(pipeline: Pipeline) -> None:
    """Three times the same mistake on one endpoint and no success for a minute; the first 2xx ends it at once."""
    calls = 'api_call where route = "/v1/items"'
    rule = pipeline.rule(
        f"all of (count of {calls} and status = 422 in the last 24 hours >= 3;"
        f" did {calls} and status = 422, then not {calls} and status < 300, for 1 minute)"
    )
    pipeline.hear(*(api_call(422, route="/v1/items", at=NOW + n) for n in range(3)))
    pipeline.advance(MINUTE - 1)
    assert pipeline.members(rule) == set()
    pipeline.advance(1)
    assert since(pipeline, rule) == {"u1": MINUTE}
    pipeline.hear(api_call(201, route="/v1/items", at=pipeline.clock()))
    assert pipeline.members(rule) == set()
