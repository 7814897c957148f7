"""Live = history = an oracle of plain loops, over random rules and random worlds."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st

from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import decode_state, encode_state, state_hash
from antiphon.rules.validate import validate
from factories import NOW
from rules_oracle import Oracle
from rules_world import ZONES, World, about, plain_rules, rules, worlds

KINDS = st.sampled_from(["user", "company"])


@given(
    worlds, KINDS, plain_rules, plain_rules, rules, st.sampled_from(ZONES), st.integers(0, 60_000), st.integers(0, 9)
)
def test_live_history_and_oracle_agree(drawn, kind, first, second, rule, zone, later, seed):
    """For every subject, the three evaluations of a rule (which may refer to two others) give the same truth."""
    world, now = World(drawn), NOW + later
    first, second, rule = (about(one, kind) for one in (first, second, rule))
    trees = {"S1": first, "S2": second}
    for one in (*trees.values(), rule):
        validate(one, kind)
    named = [(1, "S1"), (2, "S2"), (3, "rule")]
    program = compile_program(
        [
            RuleSpec(id=number, version=1, subject_kind=kind, tree=one, name=name)
            for (number, name), one in zip(named, (first, second, rule), strict=True)
        ],
        [],
        time_zone=zone,
    )
    states = world.states(program, kind, seed)
    oracle = Oracle(kind, zone, trees)
    from_history = world.history(rule, kind, now, zone, trees)
    for subject, state in states.items():
        expected = oracle.truth(rule, world.for_oracle(kind, subject), now)
        event(f"truth {expected}")
        assert world.live(program, named, kind, subject, state, now)[3] == expected, f"live, {subject}"
        assert from_history[subject] == expected, f"history, {subject}"


@given(worlds, KINDS, st.lists(plain_rules, min_size=1, max_size=4), st.sampled_from(ZONES), st.integers(1, 99))
def test_state_does_not_depend_on_order(drawn, kind, trees, zone, seed):
    """Any order of events and merges gives the same state hash, and a state survives being stored."""
    world = World(drawn)
    specs = [
        RuleSpec(id=number, version=1, subject_kind=kind, tree=about(one, kind), name=str(number))
        for number, one in enumerate(trees)
    ]
    program = compile_program(specs, [], time_zone=zone)
    one, other = world.states(program, kind, 0), world.states(program, kind, seed)
    for subject, state in one.items():
        assert state_hash(state) == state_hash(other[subject])
        assert state_hash(decode_state(encode_state(state))) == state_hash(state)
