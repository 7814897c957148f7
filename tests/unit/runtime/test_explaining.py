"""Explain through the engine: every condition's sides, truth, since when, and when it is looked at again."""

from __future__ import annotations

import pytest

from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.runtime.events import Events
from antiphon.runtime.rule_engine import RuleEngine
from antiphon.store.history import HistoryReader
from antiphon.store.rules import get_rule
from factories import NOW, api_calls, group, identify, track
from pipeline import Pipeline


def _explain(store, clock, rule_id, subject_id):
    reader = HistoryReader(store)
    engine = RuleEngine(store, reader, Events(store, reader), clock)
    with store.state.read() as conn:
        rule = get_rule(conn, rule_id)
    return engine.explain(rule, subject_id)


def test_a_user_by_a_rule_in_force_and_by_a_draft(store, clock):
    """Both say the same of each condition; of the rule in force the membership's own instant is told."""
    text = 'all of (count of api_call where status = 400 in the last 24 hours >= 3; company.plan = "pro")'
    live = Pipeline(store, clock)
    active, draft = live.rule(text, "active"), live.rule(text, "draft", status="draft")
    for call in api_calls(3, 400, every=MINUTE):
        clock.now = call.received_at
        live.hear(call)
    clock.now = NOW + HOUR
    live.hear(group("c1", "u1", NOW + HOUR, plan="pro"))
    clock.now = NOW + 2 * HOUR
    for rule_id in (active, draft):
        found = _explain(store, clock, rule_id, "u1")
        assert [(c.path, c.met, c.since) for c in found.conditions] == [
            ("", True, NOW + HOUR),
            ("0", True, NOW + 2 * MINUTE),
            ("1", True, NOW + HOUR),
        ]
        count = found.conditions[1]
        assert (count.value, count.needed) == ("3", "is at least 3")
        assert count.recheck_at is not None
        assert count.words == (
            "The number of api_call where status is 400 in the last 24 hours is 3; it is at least 3: yes."
        )


def test_a_company_with_members_who_came_and_went(store, clock):
    """Those who left count up to when they left: the condition turned then."""
    live = Pipeline(store, clock)
    rule_id = live.rule("count of a ever >= 3", kind="company")
    steps = [
        [group("c1", "u1"), track("a", "u1"), identify("u2", anonymous_id="x")],
        [group("c1", "u2", NOW + HOUR), track("a", None, NOW + HOUR, anonymous_id="x"), track("a", "u2", NOW + HOUR)],
        [group("c2", "u2", NOW + DAY)],
    ]
    for events in steps:
        clock.now = events[0].received_at
        live.hear(*events)
        clock.advance(MINUTE)
        (whole,) = _explain(store, clock, rule_id, "c1").conditions
        assert (whole.met, whole.since) == [(False, NOW), (True, NOW + HOUR), (False, NOW + DAY)][steps.index(events)]


def test_what_cannot_be_known_is_not_told(sqlite_store, clock, monkeypatch):
    """With a past too long to replay, only what is stored of the whole rule is told."""
    monkeypatch.setattr("antiphon.runtime.rule_engine.MOST_PAST", 2)
    live = Pipeline(sqlite_store, clock)
    rule_id = live.rule("all of (count of api_call ever >= 2; count of api_call ever >= 3)")
    live.hear(*api_calls(3, every=0))
    assert [c.since for c in _explain(sqlite_store, clock, rule_id, "u1").conditions] == [NOW, None, None]


@pytest.mark.parametrize(
    "text",
    [
        "days active of api_call in the last 7 days >= 1",
        "days active of api_call ever >= 1",
        "distinct status of api_call in the last 24 hours = 3",
        "p95 of latency_ms of api_call in the last 24 hours > 10",
        "avg of latency_ms of api_call ever > 10",
        "last status of api_call ever = 402",
        "did api_call where status = 400, then api_call where status = 402, within 1 hours",
        "ratio of api_call where status = 401 to api_call in the last 24 hours > 30%",
    ],
)
@pytest.mark.parametrize("behind", [True, False])
def test_explain_says_what_evaluation_found(sqlite_store, clock, text, behind):
    """Whatever keeps a metric, and whether what is stored lies behind or not: the truth is that of the membership."""
    live = Pipeline(sqlite_store, clock)
    rule_id = live.rule(text)
    calls = [
        track("api_call", "u1", NOW + i * MINUTE, properties={"status": 400 + i, "latency_ms": 20.5 + i})
        for i in range(3)
    ]
    for call in calls:
        clock.now = call.received_at
        live.hear(call)
    if not behind:
        live.evaluator.flush()
    assert live.members(rule_id) == {"u1"}
    found = _explain(sqlite_store, clock, rule_id, "u1").conditions
    assert [condition.met for condition in found] == [True] * len(found)
