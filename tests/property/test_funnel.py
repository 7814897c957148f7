"""Funnels and retention count what plain loops count."""

from __future__ import annotations

import duckdb
import ibis
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.clock import DAY
from antiphon.rules.funnel import WEEK, funnel, retention
from antiphon.rules.history_rows import history_tables
from antiphon.rules.tree import Selector
from factories import NOW
from rules_world import World, worlds

KINDS = st.sampled_from(["user", "company"])
STEPS = st.lists(st.sampled_from([Selector("api_call"), Selector("order created"), Selector("api_*", "wildcard")]), min_size=1, max_size=3)  # fmt: skip
DAYS = st.integers(0, 40).map(lambda days: days * DAY)


def met(step, event):
    return event.name.startswith("api_") if step.match == "wildcard" else event.name == step.event


def rows(world, expression):
    with duckdb.connect() as db:
        for name, table in world.tables().items():
            db.register(name, table)
        return db.sql(str(ibis.to_sql(expression, dialect="duckdb"))).fetchall()


def of_all(world, kind):
    """Each subject's events, those of subjects without a profile too."""
    whose = world.user_of if kind == "user" else world.company_of
    found = {}
    for event in world.events:
        subject = whose(event)
        if subject is not None and not event.late:
            found.setdefault(subject, []).append(event)
    return found


@given(worlds, KINDS, STEPS, DAYS, DAYS)
def test_a_funnel(drawn, kind, steps, length, within):
    """Each step must follow the one before it, and all of them within the time allowed."""
    world, start = World(drawn), NOW - length
    expected = [0] * len(steps)
    for events in of_all(world, kind).values():
        begins = [e.timestamp for e in events if met(steps[0], e) and start <= e.timestamp < NOW]
        if not begins:
            continue
        began = reached = min(begins)
        expected[0] += 1
        for number, step in enumerate(steps[1:], 1):
            later = [e.timestamp for e in events if met(step, e) and reached < e.timestamp <= began + within]
            later = [at for at in later if at < NOW + within]
            if not later:
                break
            reached = min(later)
            expected[number] += 1
    found = rows(world, funnel(steps, kind, history_tables(), start=start, end=NOW, within=within))
    assert sorted(found) == list(enumerate(expected, 1))


@given(worlds, KINDS, st.sampled_from([Selector("api_call"), Selector("order created")]), DAYS)
def test_retention(drawn, kind, back, length):
    """Who came back in which week after their first event, by the week of that event."""
    world, start = World(drawn), NOW - length
    expected = {}
    for subject, events in of_all(world, kind).items():
        inside = [e for e in events if start <= e.timestamp < NOW]
        began = min((e.timestamp for e in inside if e.name == "api_call"), default=None)
        for event in inside:
            if began is not None and event.timestamp >= began and met(back, event):
                key = ((began + 3 * DAY) // WEEK, (event.timestamp - began) // WEEK)
                expected.setdefault(key, set()).add(subject)
    found = rows(world, retention(Selector("api_call"), back, kind, history_tables(), start=start, end=NOW))
    assert {(cohort, week): count for cohort, week, count in found} == {key: len(who) for key, who in expected.items()}
