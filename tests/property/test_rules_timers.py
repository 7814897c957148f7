"""Time alone: walking from recheck_at to recheck_at finds every change of truth, at the instant it happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import SubjectView
from factories import NOW
from rules_oracle import Oracle
from rules_world import ZONES, World, plain_rules, worlds


def walk(program, view, start, end):
    """The truth at `start`, and the changes until `end` as the timers find them: (instant, truth)."""
    verdict = program.evaluate(1, view, start)
    truth, changes, steps = verdict.truth, [], 0
    while verdict.recheck_at is not None and verdict.recheck_at <= end:
        now = verdict.recheck_at
        verdict = program.evaluate(1, view, now)
        assert verdict.recheck_at is None or verdict.recheck_at > now, "a recheck lies ahead"
        if verdict.truth != truth:
            truth = verdict.truth
            changes.append((now, truth))
        steps += 1
        assert steps < 500, "too many rechecks"
    return changes


@given(worlds, plain_rules, st.sampled_from(ZONES), st.lists(st.integers(0, 70 * DAY), min_size=5, max_size=20))
def test_timers_agree_with_looking_at_any_time(drawn, rule, zone, offsets):
    """Between two changes found by timers the oracle sees no change; at each change it sees it, a ms before not."""
    world = World(drawn)
    program = compile_program([RuleSpec(id=1, version=1, subject_kind="user", tree=rule, name="r")], [], time_zone=zone)
    oracle = Oracle("user", zone)
    for subject, state in world.states(program, "user").items():
        seen = world.for_oracle("user", subject)
        view = SubjectView(state, world.traits[subject], world.company_traits("user", subject))
        changes = walk(program, view, NOW, NOW + 75 * DAY)
        first = program.evaluate(1, view, NOW).truth
        assert first == oracle.truth(rule, seen, NOW)
        for instant, truth in changes:
            assert oracle.truth(rule, seen, instant) == truth
            assert oracle.truth(rule, seen, instant - 1) != truth
        for offset in offsets:
            expected = next((truth for at, truth in reversed(changes) if at <= NOW + offset), first)
            assert oracle.truth(rule, seen, NOW + offset) == expected, f"{subject} at +{offset}"


@given(worlds, plain_rules, st.sampled_from(ZONES))
def test_timers_agree_with_checking_every_minute(drawn, rule, zone):
    """Over some hours, the truth that timers keep is the truth that is found each minute, for the same state."""
    world = World(drawn)
    program = compile_program([RuleSpec(id=1, version=1, subject_kind="user", tree=rule, name="r")], [], time_zone=zone)
    state = world.states(program, "user")["u1"]
    view = SubjectView(state, world.traits["u1"], world.company_traits("user", "u1"))
    changes = walk(program, view, NOW, NOW + 3 * HOUR)
    first = program.evaluate(1, view, NOW).truth
    for now in range(NOW, NOW + 3 * HOUR, MINUTE):
        expected = next((truth for at, truth in reversed(changes) if at <= now), first)
        assert program.evaluate(1, view, now).truth == expected
