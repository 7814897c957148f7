"""Computed traits: live = history = an oracle of plain recursion, text -> formula -> text, and exact timers."""

from __future__ import annotations

import json

from hypothesis import assume, event, given
from hypothesis import strategies as st

from antiphon.rules import formula as f
from antiphon.rules.computed import FIRST_KEY
from antiphon.rules.formula_text import parse_formula, render_formula
from antiphon.rules.live import ComputedSpec, compile_program
from antiphon.rules.state import SubjectView
from factories import NOW
from formulas_oracle import FormulaOracle
from formulas_world import formulas, history_values
from rules_world import ZONES, World, worlds

KEY = FIRST_KEY + 1
KINDS = st.sampled_from(["user", "company"])
by_kind = KINDS.flatmap(lambda kind: st.tuples(st.just(kind), formulas(kind)))


def compiled(kind, formula, zone):
    """A program with one computed trait, whose key is KEY."""
    spec = ComputedSpec(id=1, version=1, subject_kind=kind, name="x", formula=formula)
    return compile_program([], [], time_zone=zone, computed=[spec])


def plain(value):
    """JSON text, so that 1 and 1.0 are the same and true and 1 are not."""
    return json.dumps(float(value) if isinstance(value, int) and not isinstance(value, bool) else value, sort_keys=True)


@given(worlds, by_kind, st.sampled_from(ZONES), st.integers(0, 3_600_000), st.integers(0, 9))
def test_live_history_and_oracle_agree(drawn, made, zone, later, seed):
    """For every subject, the three evaluations of a formula give the same value."""
    (kind, formula), world, now = made, World(drawn), NOW + later
    program = compiled(kind, formula, zone)
    oracle = FormulaOracle(kind, zone)
    from_history = history_values(world, formula, kind, now, zone)
    for subject, state in world.states(program, kind, seed).items():
        view = SubjectView(state, world.traits[subject], world.company_traits(kind, subject))
        expected = oracle.value(formula, world.for_oracle(kind, subject), now)
        event("missing" if expected is None else f"a {type(expected).__name__}")
        live, _ = program.compute(KEY, view, now)
        assert plain(live) == plain(expected), f"live, {subject}"
        assert plain(from_history[subject]) == plain(expected), f"history, {subject}"


@given(worlds, by_kind, st.sampled_from(ZONES), st.integers(0, 30 * 86_400_000))
def test_value_stands_until_it_is_looked_at_again(drawn, made, zone, jump):
    """No value changes before its recheck_at; and one that never has to be looked at again never changes."""
    (kind, formula), world = made, World(drawn)
    program = compiled(kind, formula, zone)
    for subject, state in world.states(program, kind).items():
        view = SubjectView(state, world.traits[subject], world.company_traits(kind, subject))
        value, recheck_at = program.compute(KEY, view, NOW)
        assert recheck_at is None or recheck_at > NOW
        until = NOW + jump if recheck_at is None else min(NOW + jump, recheck_at - 1)
        assert plain(program.compute(KEY, view, until)[0]) == plain(value)
        if recheck_at is not None:
            assert plain(program.compute(KEY, view, recheck_at - 1)[0]) == plain(value)


@given(by_kind)
def test_text_is_stable(made):
    """A formula's text is read back as the same formula, and its JSON too."""
    kind, formula = made
    text = render_formula(formula)
    assert parse_formula(text, kind) == formula
    assert render_formula(parse_formula(text, kind)) == text
    assert f.decode(f.encode(formula)) == formula


@given(worlds, by_kind, st.sampled_from(ZONES))
def test_value_does_not_depend_on_order(drawn, made, zone):
    """Any order of the same events gives the same value."""
    (kind, formula), world = made, World(drawn)
    program = compiled(kind, formula, zone)
    assume(any(True for _ in f.measures(formula)))
    orders = [world.states(program, kind, seed) for seed in (0, 1, 2)]
    for subject in orders[0]:
        values = {
            plain(
                program.compute(
                    KEY, SubjectView(states[subject], world.traits[subject], world.company_traits(kind, subject)), NOW
                )[0]
            )
            for states in orders
        }
        assert len(values) == 1
