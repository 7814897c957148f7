"""Sequences, missing follow-ups and baselines, sentence by sentence, live, with their timers."""

from __future__ import annotations

import itertools

import pytest

from antiphon.errors import InvalidInput, RuleSyntaxError
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.rules import tree
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.sequences import EACH_END, MOST_STRETCHES
from antiphon.rules.state import SubjectState, SubjectView, encode_state, state_hash
from antiphon.rules.text import parse
from antiphon.rules.validate import validate
from factories import NOW, track

TODAY = NOW - NOW % DAY


def program_of(text, kind="user"):
    """A program of one rule."""
    return compile_program(
        [RuleSpec(id=1, version=1, subject_kind=kind, tree=parse(text, kind), name="r")], [], time_zone="UTC"
    )


def folded(program, events, kind="user"):
    """The state after events in the order given: pairs of a name and an instant."""
    state = SubjectState()
    for name, at in events:
        event = track(name, at=at)
        program.fold(state, event, getattr(program.touch(event), kind))
    return state


def verdict(program, state, now=NOW):
    """(truth, recheck_at)."""
    found = program.evaluate(1, SubjectView(state, {}), now)
    return found.truth, found.recheck_at


@pytest.mark.parametrize(
    ("events", "truth"),
    [
        ([("a", 0), ("b", HOUR)], True),  # the bound is included
        ([("a", 0), ("b", HOUR + 1)], False),
        ([("b", 0), ("a", 1)], False),
        ([("a", 5), ("b", 5)], False),  # at one instant: neither is after the other
        ([("a", 0), ("a", 2 * HOUR), ("b", 2 * HOUR + 1)], True),  # a later A counts too
        ([("a", HOUR - 1), ("b", HOUR)], True),  # over the edge of a stretch
        ([("b", 0)], False),
    ],
)
def test_a_then_b_within(events, truth):
    """`did a, then b, within 1 hour` in any order of arrival, wherever the stretches' edges lie; time changes nothing."""
    program = program_of("did a, then b, within 1 hour")
    for shift in (0, 17 * MINUTE, HOUR - 1):
        placed = [(name, TODAY + shift + at) for name, at in events]
        hashes = set()
        for order in itertools.permutations(placed):
            state = folded(program, order)
            assert verdict(program, state) == (truth, None)
            hashes.add(state_hash(state))
        assert len(hashes) == 1


def test_steps_follow_each_other():
    """Three steps need an increasing chain, also when a step repeats, and whichever part comes from another id."""
    program = program_of("did a, then b, then a, within 10 minutes")
    chain = [("a", TODAY), ("b", TODAY + 1), ("a", TODAY + 10 * MINUTE)]
    for order in itertools.permutations(chain):
        assert verdict(program, folded(program, order))[0]
    assert not verdict(program, folded(program, chain[:2]))[0]
    for part in range(3):
        one, rest = folded(program, [chain[part]]), folded(program, chain[:part] + chain[part + 1 :])
        assert verdict(program, program.merge(one, rest))[0]
        assert state_hash(program.merge(one, rest)) == state_hash(program.merge(rest, one))


def test_a_complete_sequence_keeps_one_byte():
    """Once complete, nothing but that is kept, and later events change nothing."""
    program = program_of("did a, then b, within 1 hour")
    state = folded(program, [("a", TODAY), ("b", TODAY + 1), ("a", NOW), ("b", NOW)])
    assert list(state.metrics.values()) == [1]


def test_what_is_kept_is_bounded():
    """However many events come without completing the sequence, the state does not pass its bound."""
    program = program_of("did a, then b, then c, within 1 minute")
    stretches = MOST_STRETCHES + 50
    state = folded(program, [("a", TODAY + n * MINUTE) for n in range(stretches)])
    (numbers, _), *_ = state.metrics.values()
    assert len(numbers) == MOST_STRETCHES
    many = folded(program_of("did a, then b, then c, within 1 hour"), [("a", TODAY + n) for n in range(500)])
    ((_, ((times, *_others),)),) = many.metrics.values()
    assert len(times) == 2 * EACH_END
    assert len(encode_state(many)) < 500


def test_a_then_not_b():
    """True from W after the first open A on, to the millisecond; false again when a B comes; then anew."""
    program = program_of("did a, then not b, for 3 days")
    state = folded(program, [("a", NOW), ("a", NOW + DAY)])
    assert verdict(program, state) == (False, NOW + 3 * DAY)
    assert verdict(program, state, NOW + 3 * DAY - 1)[0] is False
    assert verdict(program, state, NOW + 3 * DAY) == (True, None)
    answered = folded(program, [("a", NOW), ("b", NOW + 3 * DAY + 5), ("a", NOW + DAY)])
    assert verdict(program, answered, NOW + 4 * DAY) == (False, None)
    again = folded(program, [("a", NOW), ("b", NOW + 5), ("a", NOW + 4 * DAY)])
    assert verdict(program, again, NOW + 5 * DAY) == (False, NOW + 7 * DAY)


def test_a_b_of_the_same_instant_is_no_answer():
    """A B at the A's own millisecond is not later than it."""
    program = program_of("did a, then not b, for 1 hour")
    for order in ([("a", NOW), ("b", NOW)], [("b", NOW), ("a", NOW)]):
        assert verdict(program, folded(program, order), NOW + HOUR)[0]


def test_sequences_of_companies():
    """A company's sequence is made of its members' events together."""
    program = program_of("did a, then b, within 1 hour", "company")
    assert verdict(program, folded(program, [("a", NOW - 1), ("b", NOW)], "company"))[0]


def test_less_than_half_of_its_average():
    """Down to half of the average of the four weeks before; only for who has been there for all of the time."""
    program = program_of("count of a in the last 7 days <= 50% of its average over the previous 4 weeks")
    edge = 168 * MINUTE  # a step of the window of 7 days
    now = NOW - NOW % edge
    before = [("a", now - 7 * DAY - 1 - n * DAY) for n in range(28)]
    state = folded(program, [*before, ("x", now - 40 * DAY)])
    state.first_seen = now - 35 * DAY
    report = program.explain(1, SubjectView(state, {}), now)[0]
    assert (report.value, report.rhs, report.truth) == (0, 3.5, True)
    state.first_seen += 1
    assert verdict(program, state, now) == (False, now + 1)


def test_a_baseline_turns_by_time_alone():
    """The instant given is the one at which a bucket passes out of the window, and the truth turns there and not before."""
    program = program_of(
        "count of a in the last 5 minutes > its average over the previous 15 minutes, known for at least 0 days"
    )
    state = folded(program, [("a", NOW), ("a", NOW - 20 * MINUTE)])
    truth, until = verdict(program, state)
    assert truth
    assert verdict(program, state, until - 1)[0]
    assert verdict(program, state, until)[0] is False


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("count of a today > its average over the previous 4 weeks", "slides"),
        ("count of a in the last 7 days > its average over the previous 10 days", "whole number"),
        ("avg of p of a in the last 5 minutes > its average over the previous 1 week", "at most 60"),
        ("time since last a in the last 1 day > its average over the previous 7 days", "no average"),
    ],
)
def test_baselines_that_make_no_sense_are_refused(text, problem):
    """With what is wrong, in words."""
    with pytest.raises(RuleSyntaxError, match=problem):
        parse(text)


def test_a_sequence_has_two_to_five_steps():
    """One step or six are refused."""
    for many in (1, 6):
        with pytest.raises(InvalidInput, match="2 to 5 steps"):
            validate(tree.Sequence((tree.Selector("a"),) * many, tree.Duration(1, "hours")), "user")
