"""Since when each condition of a rule holds: found by replay, held against what live evaluation stored at the time."""

from __future__ import annotations

import random

import pytest

from antiphon.evaluate.flips import Move, last_flips
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.model.event import INTERNAL, LATE
from antiphon.model.subject import SubjectKey
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.text import parse
from antiphon.store import tables
from factories import NOW, alias, api_call, api_calls, group, identify, track
from pipeline import Pipeline


def flips(text, events, *, kind="user", subject="u1", moves=(), after=0):
    """(truth, since from the start of the tests) by path, `after` the last event."""
    spec = RuleSpec(id=1, version=1, subject_kind=kind, tree=parse(text, kind), name="rule")
    program = compile_program([spec], [], time_zone="UTC")
    now = max(event.received_at for event in events) + after
    found = last_flips(program, 1, SubjectKey(kind, subject), events, moves, now)
    return {path: (known.truth, known.since - NOW) for path, known in found.items()}


def test_each_condition_has_its_own_since():
    """The count since its third event, the trait since it was set, the group since both."""
    text = 'all of (count of a ever >= 3; plan = "pro")'
    events = [*(track("a", at=NOW + i * HOUR) for i in range(3)), identify(at=NOW + 5 * HOUR, plan="pro")]
    assert flips(text, events) == {"": (True, 5 * HOUR), "0": (True, 2 * HOUR), "1": (True, 5 * HOUR)}


def test_time_alone_turns_conditions():
    """A silence begins to hold at its very instant, and a window lets go when its left edge has passed."""
    events = [track("a")]
    assert flips("time since last a >= 7 days", events, after=30 * DAY) == {"": (True, 7 * DAY)}
    (truth, since) = flips("count of a in the last 1 hour >= 1", events, after=DAY)[""]
    assert truth is False
    assert HOUR <= since <= HOUR + MINUTE
    assert flips("count of a ever >= 5", events, after=DAY) == {"": (False, 0)}


def test_links_companies_and_segments_count_from_when_they_were_known():
    """Anonymous calls join at the identify call, company traits with the group call, segments as they were entered."""
    calls = [track("a", None, NOW + i, anonymous_id="x") for i in range(3)]
    events = [*calls, track("a", at=NOW + MINUTE), identify("u1", NOW + HOUR, anonymous_id="x")]
    assert flips("count of a ever >= 3", events) == {"": (True, HOUR)}
    members = [track("a"), group("c1", "u1", NOW + HOUR, plan="pro"), group("c1", "u2", NOW + DAY, plan="free")]
    assert flips('company.plan = "pro"', members) == {"": (False, DAY)}
    moves = [Move(NOW + HOUR, "busy", inside=True), Move(NOW + 2 * HOUR, "busy", inside=False)]
    assert flips("in segment busy", [track("a"), track("a", at=NOW + DAY)], moves=moves) == {"": (False, 2 * HOUR)}


def test_late_and_internal_events():
    """A late event counts for nothing, one of our own does not make anybody known."""
    late = track("a", at=NOW - 3 * DAY, received_at=NOW, flags=LATE)
    assert flips("count of a ever >= 1", [late, track("b", at=NOW + 1)]) == {"": (False, 0)}
    own = track("segment_entered", at=NOW, flags=INTERNAL)
    events = [track("b", at=NOW - HOUR), own]
    assert flips("count of segment_entered ever = 1", events)[""] == (True, 0)


RULES = [
    ("count of api_call where status = 400 in the last 2 hours >= 3", "user"),
    ("time since last api_call >= 3 hours", "user"),
    ("count of api_call in the last 1 hour = 0", "user"),
    ('all of (count of api_call today >= 4; company.plan = "pro")', "user"),
    ("days active of api_call ever >= 2", "company"),
    ("count of api_call in the last 2 hours <= 3", "company"),
]


def _pass_time(live, ms):
    """Let time pass as it does live: every timer fires at its own instant."""
    until = live.clock() + ms
    while (due := live.evaluator.tick().next_due) is not None and due < until:
        live.clock.now = max(live.clock(), due)
        live.settle()
    live.clock.now = until


@pytest.mark.parametrize("seed", range(4))
def test_the_same_as_live_stored_at_the_time(sqlite_store, clock, seed):
    """For random pasts of people, devices and companies, the replay gives each membership's stored instant."""
    draw = random.Random(seed)
    live = Pipeline(sqlite_store, clock)
    ids = {live.rule(text, kind=kind): (text, kind) for text, kind in RULES}
    events = []
    for _ in range(60):
        _pass_time(live, draw.choice([1, MINUTE, 17 * MINUTE, HOUR, 2 * HOUR]))
        user = draw.choice(["u1", "u2"])
        event = draw.choice(
            [
                api_call(draw.choice([200, 400]), user, clock() - draw.choice([0, 0, 30 * MINUTE])),
                track("api_call", None, clock(), anonymous_id="x", properties={"status": 400}),
                track("api_call", user, clock(), company_id="c1", properties={"status": 400}),
                identify(user, clock(), plan=draw.choice(["pro", "free"])),
                group("c1", user, clock(), plan=draw.choice(["pro", "free"])),
                identify("u1", clock(), anonymous_id="x"),
            ]
        )
        event.received_at = clock()
        events.append(event)
        live.hear(event)
    _pass_time(live, 90 * MINUTE)
    live.settle()
    compared = 0
    for row in live.rows(tables.memberships):
        text, kind = ids[row["rule_id"]]
        spec = RuleSpec(id=1, version=1, subject_kind=kind, tree=parse(text, kind), name="rule")
        program = compile_program([spec], [], time_zone="UTC")
        found = last_flips(program, 1, SubjectKey(kind, row["subject_id"]), events, (), clock())
        assert (found[""].truth, found[""].since) == (row["member"], row["since"]), text
        compared += 1
    assert compared >= 4


def test_an_alias_makes_one_of_two():
    """What the former id did counts for the user from the alias call on."""
    events = [*api_calls(3, 400, "old"), api_call(400, "u1", NOW + MINUTE), alias("old", "u1", NOW + HOUR)]
    assert flips("count of api_call ever >= 4", events) == {"": (True, HOUR)}
