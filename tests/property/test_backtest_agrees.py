"""A backtest = every instant ticked one by one, over random pasts, rules, computed traits and workflows."""

from __future__ import annotations

import json

from hypothesis import given, reject
from hypothesis import strategies as st

from antiphon.errors import InvalidInput
from antiphon.evaluate import stretches
from antiphon.model.backtest import RuleFile
from antiphon.model.clock import DAY, HOUR, MINUTE, SECOND
from antiphon.model.event import INTERNAL, LATE, Event
from antiphon.model.workflow import (
    EntersTrigger,
    Entry,
    EventTrigger,
    LeavesTrigger,
    SendStep,
    WaitStep,
    WorkflowDefinition,
)
from antiphon.rules import tree
from antiphon.runtime.backtest.past_events import ListedEvents
from antiphon.runtime.backtest.plan import World, understand
from antiphon.runtime.backtest.replay import open_replay
from antiphon.runtime.backtest.report import report_of
from antiphon.runtime.backtest.run import kept, switch_on
from factories import NOW
from formulas_world import formulas
from rules_world import NAMES, ZONES, about, rules, traits, values, weights
from step_by_step import Restless, step_by_step

gaps = st.sampled_from([0, 0, 0, 1, 999, SECOND, MINUTE, 10 * MINUTE, HOUR, 5 * HOUR, 13 * HOUR, DAY, 2 * DAY, 8 * DAY])
behind = st.sampled_from([0, 0, 0, 0, 0, 1, MINUTE, HOUR, 20 * HOUR, -3 * MINUTE])
users = st.sampled_from(["u1", "u2", "u3"])
devices = st.sampled_from([None, None, "a1", "a2"])
companies = st.sampled_from([None, None, None, "c1", "c2"])
some = st.dictionaries(st.sampled_from(["status", "amount", "plan"]), values, max_size=2)
set_traits = st.one_of(
    traits(), st.builds(lambda name: {"email": f"{name}@acme.test"}, st.sampled_from("ab")), st.just({})
)
parts = st.one_of(
    *[st.tuples(st.just("track"), st.sampled_from(NAMES), st.one_of(users, st.none()), devices, companies, some)] * 4,
    st.tuples(st.just("page"), st.just("page"), users, devices, companies, some),
    *[st.tuples(st.just("identify"), st.just("identify"), users, devices, companies, set_traits)] * 2,
    st.tuples(st.just("group"), st.just("group"), users, devices, st.sampled_from(["c1", "c2"]), traits()),
    st.tuples(
        st.just("alias"), st.just("alias"), users, st.sampled_from(["a1", "u1", "u2", "old"]), st.none(), st.just({})
    ),
)


@st.composite
def pasts(draw):
    """Events in order of receipt, some of one instant, some behind their time or late, and calls of all kinds."""
    at, found = NOW, []
    for number, (gap, late, one, weight) in enumerate(
        draw(st.lists(st.tuples(gaps, behind, parts, weights), min_size=3, max_size=30))
    ):
        at += gap
        kind, name, user, device, company, properties = one
        age, flags = (3 * DAY, LATE) if late == 20 * HOUR and weight == 2 else (late, 0)
        if kind == "track" and late == 1 and weight == 0.5:
            name, flags = "segment_entered", INTERNAL
        found.append(
            Event(
                f"m{number}",
                kind,
                name,
                at - age,
                at,
                "1",
                user,
                None if kind == "alias" else device,
                company,
                properties,
                weight if kind == "track" else 1,
                flags,
                device if kind == "alias" else None,
            )
        )
    return found


triggers = st.sampled_from([None, None, EntersTrigger(), LeavesTrigger(), EventTrigger(selector="api_call")])
workflows = st.builds(
    lambda trigger, reentry, minutes: WorkflowDefinition(
        trigger=trigger,
        entry=Entry(reentry=reentry),
        steps=[*([WaitStep(id="wait", minutes=minutes)] if minutes else []), SendStep(id="mail")],
    ),
    triggers,
    st.sampled_from(["once", "every_time"]),
    st.sampled_from([0, 1, 60, 24 * 60]),
)
segments = st.dictionaries(
    st.sampled_from(["S1", "S2"]),
    st.sampled_from(
        ["count of api_call ever >= 2", "count of api_call in the last 1 hours >= 1", "time since last api_call >= 1 hours", "limit >= 2"]
    ),
    min_size=2,
)  # fmt: skip
names = st.sampled_from(["limit", "plan", "role", "email"])
computed = st.lists(
    st.one_of(
        st.tuples(st.just("user"), names, formulas("user")), st.tuples(st.just("company"), names, formulas("company"))
    ),
    max_size=2,
).map(lambda found: {(kind, name): formula for kind, name, formula in found})


def fast(file, past, world):
    """The same as `step_by_step` gives, by a backtest."""
    plan = understand(file, past, world)
    with open_replay(plan.since, plan.time_zone, lambda: kept(plan, past.before(plan.since))) as replay:
        replay.load(kept(plan, past.people_before(plan.since)))
        rule_id = switch_on(replay, plan)
        replay.live(
            kept(plan, past.between(plan.since, plan.until)), plan.until, rule_id, acting=plan.workflow is not None
        )
        report = report_of(replay, plan, rule_id)
    return {
        "already": report.already,
        "moves": sorted((move.at, move.subject_id, move.kind, move.episode) for move in replay.moves),
        "sent": sorted((m.at, m.subject_id, m.step_id, m.recipient) for m in report.messages if m.step_id),
        "not sent": sorted((m.at, m.subject_id, m.step_id, m.reason) for m in report.not_sent),
    }


@given(
    pasts(),
    st.sampled_from(["user", "user", "company"]),
    rules,
    segments,
    computed,
    st.one_of(st.none(), workflows),
    st.sampled_from(ZONES),
    st.sampled_from([None, None, "3d"]),
    st.sampled_from(["1h", "9d"]),
    st.sampled_from([1, 3, 20_000]),
    st.booleans(),
)
def test_a_backtest_is_as_every_instant_by_itself(  # noqa: PLR0917 - a world has many sides
    events, kind, rule, below, formulas_, workflow, zone, since, until, most, wild
):
    """However the past is cut into stretches, the same people enter, leave and are messaged at the same instants."""
    text = json.dumps(tree.encode(about(rule, kind)))
    if not wild:  # what listens to everything listens to its own effects, and is judged instant by instant
        text = text.replace('"event": "*"', '"event": "api_*"')
    file = RuleFile(
        tree=json.loads(text), subject=kind, segments=below, workflow=workflow, time_zone=zone, since=since, until=until
    )  # fmt: skip
    past, world = ListedEvents(events), World(computed=formulas_)
    try:
        understand(file, past, world)
    except InvalidInput:
        reject()
    try:
        expected = step_by_step(file, past, world)
    except Restless:
        reject()
    before = stretches.MOST
    stretches.MOST = most
    try:
        assert fast(file, past, world) == expected
    finally:
        stretches.MOST = before
