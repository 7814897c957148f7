"""A state made of rows of history equals the state folded event by event."""

from __future__ import annotations

import duckdb
from hypothesis import event, given
from hypothesis import strategies as st

from antiphon.evaluate.identity import id_of
from antiphon.model.clock import DAY
from antiphon.model.subject import SubjectKey
from antiphon.rules.history_metrics import filled
from antiphon.rules.history_rows import history_tables
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import SubjectState
from antiphon.rules.zones import EPOCH_DAY
from factories import NOW
from rules_world import ZONES, World, measures, worlds

KINDS = st.sampled_from(["user", "company"])


def folded(program, kind, events):
    """What folding leaves under each id: a user's own, a company's own, a person's contribution to companies."""
    states: dict[SubjectKey, SubjectState] = {}
    for one in events:
        touch = program.touch(one)
        key, plan = id_of(one), touch.user
        if kind == "company":
            key, plan = SubjectKey("company", one.company_id) if one.company_id else key, touch.company
        if key is not None and not one.late:
            program.fold(states.setdefault(key, SubjectState()), one, plan)
    return states


def reached(metric, value, now):
    """A folded value without the buckets that no window reaches from `now` on; None when nothing is left."""
    if metric.ever or metric.step.startswith("between:"):
        return value
    day = now // DAY + EPOCH_DAY if metric.step == "day:UTC" else metric.days.day(now)
    first = (now // metric.width if metric.width else day) - metric.limit
    kept = [(number, item) for number, item in zip(*value, strict=True) if number >= first]
    return [[number for number, _ in kept], [item for _, item in kept]] if kept else None


@given(worlds, KINDS, st.lists(measures, min_size=1, max_size=4), st.sampled_from(ZONES), st.integers(0, 60_000))
def test_rows_of_history_make_the_state_that_folding_makes(drawn, kind, trees, zone, later):
    """Every metric of random rules, for users and companies, under every id: the same accumulated values."""
    world, now = World(drawn), NOW + later
    specs = [
        RuleSpec(id=number, version=1, subject_kind=kind, tree=one, name=str(number))
        for number, one in enumerate(trees)
    ]
    program = compile_program(specs, [], time_zone=zone)
    states = folded(program, kind, world.events)
    with duckdb.connect() as db:
        for name, table in world.tables().items():
            db.register(name, table)
        for key in program.metric_keys[kind]:
            made = program.metric(kind, key)
            assert made is not None, "only sequences have none, and these are measures"
            metric, selector = made
            found = filled(db, metric, selector, kind, history_tables().events, now=now)
            assert found is not None, f"{metric.accumulator.key} has no form over history"
            values = {
                subject: kept
                for subject, state in states.items()
                if key in state.metrics and (kept := reached(metric, state.metrics[key], now)) is not None
            }
            event(metric.accumulator.key)
            event(f"values {min(len(values), 2)}")
            assert dict(found) == values, f"{metric.accumulator.key} {metric.step}"
