"""The kernel = Python, over random rules and worlds: same state, same truth, same recheck_at."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.clock import DAY
from antiphon.model.event_batch import EventBatch
from antiphon.rules.accumulators import exact_weight
from antiphon.rules.kernel.blocks import COMPANY, FAR, NEVER, USER, Memory
from antiphon.rules.kernel.layout import names_of
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.kernel.tick import Deeds
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import SubjectState, SubjectView
from factories import NOW
from rules_world import ZONES, World, plain_rules, worlds

KINDS = st.sampled_from(["user", "company"])


def same(value):
    if isinstance(value, dict):
        return {k: same(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [same(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(
    worlds,
    KINDS,
    st.lists(plain_rules, min_size=1, max_size=5),
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 60 * DAY), min_size=1, max_size=4),
)
def test_the_kernel_and_python_agree(drawn, kind, trees, zone, offsets):
    """The same events give the same rings, and every rule the same truth and the same instant to look again, now and later."""
    world = World(drawn)
    specs = [RuleSpec(id=10 + i, version=1, subject_kind=kind, tree=one, name=str(i)) for i, one in enumerate(trees)]
    program = compile_program(specs, [], time_zone=zone)
    numbers = {one: {key: n + 1 for n, key in enumerate(sorted(c.metrics))} for one, c in program.compilers.items()}
    kernel = Kernel(program, numbers, program.days)
    names = names_of(program.compilers[kind].metrics, numbers[kind], program.days)
    memory = Memory(1 << 20)
    slots = memory.columns
    for slot, subject in enumerate(world.subjects(kind)):
        slots.kind[slot] = USER if kind == "user" else COMPANY
        state, rows = SubjectState(), []
        for event in world.events_of(kind, subject):
            touch = program.touch(event)
            plan = touch.user if kind == "user" else touch.company
            program.fold(state, event, plan)
            meant = kernel.meant(program.met)
            number = (meant.user if kind == "user" else meant.company)[program.touch_all(EventBatch.of([event]))[0]]
            rows.append((slot, number, event.timestamp, round(exact_weight(event.weight) * 2**20), event.timestamp))
        own, company = world.traits[subject], world.company_traits(kind, subject)
        if kernel.readings:
            memory.set_inputs(np.array([slot]), np.array([kernel.readings.of(own, company or {})]))
        deeds = Deeds(*(np.ascontiguousarray(c) for c in np.array(rows, dtype=np.int64).reshape(-1, 5).T))
        nothing = np.array([kernel.nothing] * 2)
        tables = kernel.ready(NOW)
        assert tables.absorb(memory, deeds, 0, nothing, nothing, NOW, 0, judging=False) == len(rows)
        assert (slots.first_seen[slot] == NEVER) == (state.first_seen is None)
        kept = memory.metrics(slot, names)
        native = {name for name, _, _ in names.values()}
        assert same(kept) == same({k: v for k, v in state.metrics.items() if k in native})
        assert memory.next_due(FAR - 1) == slots.recheck_at.min()
        assert memory.due(NOW, 10**6).tolist() == np.flatnonzero(slots.recheck_at <= NOW).tolist()
        view = SubjectView(state, own, company)
        for now in (NOW, *(NOW + o for o in sorted(offsets))):
            tables = kernel.ready(now)
            for index, rule_id in enumerate(kernel.rule_ids):
                if tables.rules.start[index] < 0:
                    continue
                truth, flip = tables.verdict(memory, slot, index, now)
                expected = program.evaluate(rule_id, view, now)
                assert (truth, None if flip == FAR else flip) == (expected.truth, expected.recheck_at), (
                    specs[index].tree,
                    now - NOW,
                )
