"""Backtests: the same messages as live, from a file and from a server's history, and expectations that hold or do not."""

from __future__ import annotations

import pytest

from antiphon.errors import InvalidInput
from antiphon.model.backtest import Bounds, Expect, RuleFile
from antiphon.model.clock import DAY, HOUR, MINUTE, SECOND
from antiphon.model.event import LATE
from antiphon.model.workflow import EventTrigger, LeavesTrigger, SendStep, WaitStep, WorkflowDefinition
from antiphon.runtime.backtest.past_events import ListedEvents, StoredEvents
from antiphon.runtime.backtest.period import parse_length
from antiphon.runtime.backtest.plan import World
from antiphon.runtime.backtest.rule_file import world_of
from antiphon.runtime.backtest.run import backtest
from antiphon.store import tables
from factories import NOW, alias, api_call, api_calls, group, identify, track
from pipeline import Pipeline, send_workflow

FIVE = "count of api_call where status = 400 in the last 24 hours >= 5"
SEND = [SendStep(id="mail")]


def run(events, rule=FIVE, *, world=None, **fields):
    """A backtest over these events."""
    return backtest(RuleFile(rule=rule, **fields), ListedEvents(events), world or World())


def sent(report):
    """Who, and when from the start of the tests."""
    return [(message.subject_id, message.at - NOW) for message in report.messages]


def test_the_fifth_error_is_the_moment():
    """Whoever makes five errors in a day would have been messaged at the fifth; four are not enough."""
    events = [*api_calls(5, 400, "u1", every=HOUR), *api_calls(4, 400, "u2", every=HOUR), *api_calls(9, 200, "u3")]
    report = run(events)
    assert sent(report) == [("u1", 4 * HOUR)]
    assert (report.entered, report.left, report.already, report.events) == (1, 0, 0, 18)
    assert [(day.messages, day.entered) for day in report.days] == [(1, 1)]


def test_timers_fire_between_events():
    """A week of silence is found at the instant at which it is complete, though the next event is far away."""
    events = [track("ping", at=NOW), track("ping", at=NOW + 20 * DAY)]
    report = run(events, "time since last ping >= 7 days", until="7d")
    assert sent(report) == [("u1", 7 * DAY), ("u1", 27 * DAY)]
    assert (report.entered, report.left) == (2, 1)


def test_an_event_at_the_instant_of_a_timer_counts_first():
    """An event that arrives at the very millisecond at which a silence would be complete ends that silence."""
    events = [track("ping", at=NOW), track("ping", at=NOW + 7 * DAY)]
    assert sent(run(events, "time since last ping >= 7 days")) == []


def test_a_workflow_waits_and_sends():
    """Waits pass as they would have; a step without an address sends nothing and says why."""
    workflow = WorkflowDefinition(steps=[WaitStep(id="wait", minutes=60), SendStep(id="mail", template_id=7)])
    events = [identify("u1", email="u1@acme.test"), *api_calls(5, 400, "u1"), *api_calls(5, 400, "u2")]
    report = run(events, workflow=workflow, until="2h")
    assert [(m.subject_id, m.at - NOW, m.step_id, m.template_id, m.recipient) for m in report.messages] == [
        ("u1", 4 * SECOND + HOUR, "mail", 7, "u1@acme.test")
    ]
    assert [(n.subject_id, n.reason) for n in report.not_sent] == [("u2", "no_address")]


def test_a_workflow_for_those_who_leave_and_one_for_an_event():
    """Other triggers than entering work too, the event's without any rule."""
    events = [identify("u1", email="u1@acme.test"), *api_calls(5, 400, "u1"), track("paid", at=NOW + DAY)]
    leaving = WorkflowDefinition(steps=SEND, trigger=LeavesTrigger())
    assert [at for _, at in sent(run(events, workflow=leaving, until="3d"))] == [pytest.approx(DAY, abs=HOUR)]
    report = run(events, None, workflow=WorkflowDefinition(steps=SEND, trigger=EventTrigger(selector="paid")))
    assert (sent(report), report.text) == ([("u1", DAY)], None)


def test_who_matched_before_the_period_is_counted_only():
    """State is filled from what came before: old errors count, and who matched already is not messaged."""
    events = [*api_calls(5, 400, "old"), *api_calls(4, 400, "u1"), api_call(400, "u1", NOW + HOUR)]
    report = backtest(RuleFile(rule=FIVE, since="30m"), ListedEvents(events), World())
    assert (sent(report), report.already, report.events) == ([("u1", HOUR)], 1, 1)


def test_who_is_who_and_companies_are_as_they_were():
    """Anonymous calls count once their user is known; a company's count is that of its members."""
    error = {"properties": {"status": 400}, "anonymous_id": "a1"}
    anonymous = [track("api_call", None, NOW + i, **error) for i in range(3)]
    events = [*anonymous, *api_calls(2, 400, "u1", NOW + MINUTE), identify("u1", NOW + HOUR, anonymous_id="a1")]
    assert sent(run(events)) == [("u1", HOUR)]
    renamed = run([*api_calls(5, 400, "old"), alias("old", "u1", NOW + HOUR)])
    assert sent(renamed) == [("old", 4 * SECOND), ("u1", HOUR)]
    calls = [*api_calls(3, 400, "u1"), *api_calls(3, 400, "u2", NOW + MINUTE)]
    members = [group("c1", "u1"), group("c1", "u2", NOW + HOUR)]
    assert sent(run([*calls, *members], subject="company")) == [("c1", HOUR)]


def test_segments_come_from_the_file_or_the_server():
    """A rule may read other rules' segments; one that is nowhere is named."""
    rule = "all of (in segment busy; count of paid ever = 1)"
    events = [*api_calls(3), track("paid", at=NOW + HOUR)]
    assert sent(run(events, rule, segments={"busy": "count of api_call ever >= 3"})) == [("u1", HOUR)]
    with pytest.raises(InvalidInput, match="no segment 'busy'"):
        run(events, rule)


def test_late_events_are_left_out():
    """What evaluation leaves out live it leaves out here, and the report counts it."""
    long_ago = {"properties": {"status": 400}, "received_at": NOW + 1, "flags": LATE}
    late = [track("api_call", at=NOW - 3 * DAY, **long_ago) for _ in range(5)]
    report = run([*late, api_call(400, "u1", NOW)])
    assert (sent(report), report.late, report.events) == ([], 5, 6)


@pytest.mark.parametrize(
    ("expect", "unmet"),
    [
        (Expect(messages=1, users=["u1"], not_users=["u2"], per_day=Bounds(max=1)), []),
        (Expect(messages=0), ["messages: expected at most 0, got 1"]),
        (Expect(messages=Bounds(min=2)), ["messages: expected at least 2, got 1"]),
        (Expect(users=["u2"]), ["users who should have been messaged, and were not: u2"]),
        (Expect(not_users=["u1"]), ["users who should not have been messaged, and were: u1"]),
        (Expect(per_day=Bounds(max=0)), ["messages on 2026-09-21: expected at most 0, got 1"]),
    ],
)
def test_expectations(expect, unmet):
    """Each expectation that does not hold is one line that says what came instead."""
    assert run([*api_calls(5, 400, "u1"), *api_calls(4, 400, "u2")], expect=expect).unmet == unmet


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": None}, "needs a `rule`"),
        ({"tree": {"kind": "all", "of": []}}, "one of the two"),
        ({"since": "yesterday"}, "neither a length of time"),
        ({"since": "2030-01-01"}, "before"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"workflow": "Welcome"}, "server's data"),
        ({"rule": "cout of x > 1"}, "cannot stand"),
    ],
)
def test_what_cannot_be_used_is_refused(fields, message):
    """Each mistake in a file is told in a sentence."""
    with pytest.raises(InvalidInput, match=message):
        run(api_calls(1), **({"rule": FIVE} | fields))


def test_lengths_of_time():
    """Minutes, hours, days and weeks; nothing else."""
    assert [parse_length(text) for text in ("90m", "12h", "30d", "2w")] == [90 * MINUTE, 12 * HOUR, 30 * DAY, 14 * DAY]
    for wrong in ("", "d", "3", "-3d", "1.5h", "3 d", "3y"):
        with pytest.raises(InvalidInput):
            parse_length(wrong)


def _world(store, clock):
    """A live server with a past: two weeks of three users, a company, and traffic that no rule is about."""
    live = Pipeline(store, clock)
    rule_id = live.rule(FIVE, "Five errors")
    live.workflow(send_workflow(rule_id))
    live.hear(identify("u1", clock(), email="u1@acme.test"), group("c1", "u1", clock(), plan="pro"))
    for day in range(14):
        for user in ("u1", "u2", "u3"):
            errors = (day * (3 if user == "u1" else 2)) % 7
            for call in [*api_calls(errors, 400, user, clock()), *api_calls(3, 200, user, clock())]:
                live.clock.now = max(clock(), call.received_at)
                live.hear(call)
        if day == 6:
            live.hear(identify("u2", clock(), email="u2@acme.test"))
        live.advance(DAY)
    return live


def test_the_same_as_live(store, clock):
    """Over a server's own history a backtest enters, leaves and sends exactly as the server did, to the millisecond."""
    live = _world(store, clock)
    world = world_of(store, clock)
    file = RuleFile(name="Five errors", workflow="workflow 1", since="2026-01-01")
    report = backtest(file, StoredEvents(store), world)
    messages = sorted((row["user_id"], row["created_at"]) for row in live.rows(tables.messages))
    assert messages
    assert sorted((message.subject_id, message.at) for message in report.messages) == messages
    assert (report.entered, report.left) == (
        sum(kind == "entered" for kind, _, _ in live.moves()),
        sum(kind == "left" for kind, _, _ in live.moves()),
    )
    with pytest.raises(InvalidInput, match="no workflow 'Gone'; there are: “workflow 1”"):
        backtest(RuleFile(workflow="Gone"), StoredEvents(store), world)


def test_a_part_of_history_is_as_the_whole(store, clock):
    """Replaying the last days gives the transitions that replaying everything gives in these days."""
    _world(store, clock)
    past, world = StoredEvents(store), world_of(store, clock)
    whole = backtest(RuleFile(rule=FIVE, since="60d"), past, world)
    part = backtest(RuleFile(rule=FIVE, since="5d"), past, world)
    assert part.messages == [message for message in whole.messages if message.at >= part.since]
    assert part.messages
    assert part.events < whole.events


def test_computed_traits_are_what_they_were(store, clock):
    """A rule over a server's computed traits, also those that read another, sees their values of the past, not those of today."""
    live = Pipeline(store, clock)
    live.computed("calls", "count of api_call in the last 2 days")
    live.computed("heat", "2 * calls + company.size")
    live.computed("size", "count of api_call ever", "company")
    live.rule("all of (heat >= 9; calls >= 3)", "Hot")
    live.hear(group("c1", "u1", clock()))
    for _ in range(5):
        for call in api_calls(1, 200, "u1", clock()):
            live.hear(call)
        live.advance(HOUR)
    live.advance(5 * DAY)
    report = backtest(
        RuleFile(name="Hot", rule="all of (heat >= 9; calls >= 3)", since="30d"),
        StoredEvents(store),
        world_of(store, clock),
    )
    moves = [(signal.at, signal.kind) for signal in live.signals() if not signal.quiet]
    assert [message.at for message in report.messages] == [at for at, kind in moves if kind == "entered"]
    assert (report.entered, report.left) == (1, 1)
    unknown = run(api_calls(9), "calls >= 3")
    assert unknown.entered == 0


def test_repeated_events_count_once():
    """A line of a file that repeats an id counts once, before the period and in it."""
    events = api_calls(4, 400, "u1")
    assert run([*events, *events]).entered == 0
    assert run([*events, *events, api_call(400, "u1", NOW + HOUR)], since="30m").entered == 1
