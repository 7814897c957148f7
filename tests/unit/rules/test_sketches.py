"""Distinct counts and percentiles: within their bounds, the same in any order, and the same over history beyond the exact range."""

from __future__ import annotations

import math
import random

import duckdb
import ibis
import pytest

from antiphon.model.clock import DAY
from antiphon.model.event import Event
from antiphon.rules import sketches
from antiphon.rules.history import members
from antiphon.rules.history_rows import history_tables
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import SubjectView, state_hash
from antiphon.rules.text import parse
from factories import NOW
from rules_world import COMPANIES, USERS, World


def test_distinct_is_exact_and_then_near():
    """Up to 256 values to the one; beyond, within four standard deviations."""
    for many in (1, 255, 256):
        assert sketches.distinct(sketches.merge_digests([], [sketches.digest(i) for i in range(many)])) == many
    kept = sketches.merge_digests([], [sketches.digest(i) for i in range(20_000)])
    assert abs(sketches.distinct(kept) / 20_000 - 1) < 4 / math.sqrt(sketches.DISTINCT)


def test_distinct_tells_types_apart():
    """5 and 5.0 are one value; "5", true and 1 are others; lists and missing values are none."""
    assert sketches.digest(5) == sketches.digest(5.0)
    assert len({sketches.digest(value) for value in (5, "5", True, 1, "true")}) == 5
    assert sketches.digest([5]) is None
    assert sketches.digest(None) is None


@pytest.mark.parametrize("value", [1.0, -1.0, 3.7, 1e-300, 1e300, 5e-324, 2.0**40, math.nextafter(2.0**40, 0)])
def test_a_cell_is_near_its_numbers(value):
    """A number's cell lies within 1/64 of it, and is its own cell."""
    middle = sketches.cell(value)
    assert abs(middle - value) <= abs(value) / 64 or abs(value) < 1e-307
    assert sketches.cell(middle) == middle


def test_percentiles_are_near():
    """Of many numbers, each percentile is within 1/64 of the one that sorting gives, in any order and in parts."""
    order = random.Random(3)
    numbers = [order.lognormvariate(4, 1.5) for _ in range(3_000)]
    kept, shuffled = None, None
    for number in numbers:
        kept = sketches.add_number(kept, number, 1)
    parts = [None, None, None]
    for place, number in enumerate(order.sample(numbers, len(numbers))):
        parts[place % 3] = sketches.add_number(parts[place % 3], number, 1)
    shuffled = sketches.merge_numbers(sketches.merge_numbers(parts[2], parts[0]), parts[1])
    assert shuffled == kept
    for percent in (50, 90, 95, 99):
        expected = sorted(numbers)[math.ceil(len(numbers) * percent / 100) - 1]
        assert abs(sketches.percentile(kept, percent) / expected - 1) <= 1 / 64


def many_events():
    """4,000 events of three users, with far more different values than are kept exactly."""
    order = random.Random(5)

    def properties():
        number = order.choice(
            [
                order.lognormvariate(0, 6) * order.choice([1, -1]),
                order.randrange(900),
                2.0 ** order.randrange(-60, 60),
                0,
            ]
        )
        return {"p": number, "s": order.choice([str(order.randrange(2_000)), order.randrange(2_000), True])}

    return [
        Event(
            id=f"m{number}",
            type="track",
            name="api_call",
            timestamp=NOW - order.randrange(40 * DAY),
            received_at=NOW,
            source="1",
            user_id=order.choice(["u1", "u2", "u2"]) if number % 50 else "u3",
            properties=properties(),
            weight=order.choice([1, 1, 2, 0.3]),
        )
        for number in range(4_000)
    ]


def test_live_and_history_agree_beyond_the_exact_range():
    """The sketches give the same number to the last bit live, in any order, and over history; baselines too."""
    nothing = {subject: {} for subject in (*USERS, *COMPANIES)}
    homes = dict.fromkeys(USERS)
    world = World({"events": many_events(), "traits": nothing, "homes": homes, "links": {("user", "old1"): "u1"}})
    connection = duckdb.connect()
    for name, table in world.tables().items():
        connection.register(name, table)
    tables = history_tables()
    for text in (
        "distinct s of api_call in the last 1 month > 5",
        "distinct s of api_call ever > 5",
        "p50 of p of api_call ever > 3",
        "p99 of p of api_call in the last 1 month > 3",
        "p90 of p of api_call in the last 3 days > 50% of its average over the previous 9 days",
    ):
        rule = parse(text)
        spec = RuleSpec(id=1, version=1, subject_kind="user", tree=rule, name="r")
        program = compile_program([spec], [], time_zone="UTC")
        found = members(rule, "user", tables.events, tables.profiles, tables.identities, now=NOW, time_zone="UTC")
        rows = connection.sql(ibis.to_sql(found.rows, dialect="duckdb")).to_arrow_table().to_pylist()
        over_history = {row["subject_id"]: row for row in rows}
        states, others = world.states(program, "user", 1), world.states(program, "user", 2)
        for user, state in states.items():
            assert state_hash(state) == state_hash(others[user])
            report = program.explain(1, SubjectView(state, {}), NOW)[0]
            row = over_history[user]
            assert (report.value, report.rhs) == (row["value_0"], row["right_0"]), f"{text}, {user}"
    connection.close()
