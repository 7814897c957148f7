"""Random formulas that make sense, and their values over history."""

from __future__ import annotations

import json

import duckdb
import ibis
from hypothesis import strategies as st

from antiphon.rules import formula as f
from antiphon.rules import tree
from antiphon.rules.formula_check import check
from antiphon.rules.formula_history import computed_values
from antiphon.rules.history_rows import history_tables
from rules_world import durations, plain_rules, selectors, windows

numbers = st.sampled_from([0, 1, 2, 3, 7, 100, -5, 0.5, 0.1, 1e-10, 1e14]).map(f.Number)
inputs = st.builds(
    f.TraitInput,
    st.sampled_from(["limit", "plan", "signed_up", "role", "nothing"]),
    st.sampled_from(["own", "company"]),
)


@st.composite
def measured(draw):
    """An aggregate over a window."""
    kind = draw(st.sampled_from(["count"] * 5 + ["sum", "avg", "min", "max", "days_active", "ratio", "first", "last", "time_since_first", "time_since_last"]))  # fmt: skip
    of = draw(st.sampled_from(["status", "amount"])) if kind in ("sum", "avg", "min", "max", "first", "last") else None
    to = draw(selectors) if kind == "ratio" else None
    return f.Measured(tree.Aggregate(kind, draw(selectors), of, to), draw(windows))


simple = st.one_of(
    measured(),
    measured(),
    numbers,
    inputs,
    durations,
    st.sampled_from([f.Now(), f.Today()]),
    st.sampled_from(["hot", "cold"]).map(f.Words),
    inputs.map(lambda trait: f.Call("date", (trait,))),
)


def called(key, of):
    """A function of some of these."""
    return f.Call(key, tuple(of if key in ("min", "max") else of[:1]))


def larger(parts):
    """Formulas made of others; many make no sense and are left out below."""
    functions = st.sampled_from(["min", "max", "floor", "ceil", "abs"])
    return st.one_of(
        st.builds(f.Operation, st.sampled_from(["+", "-", "*", "/"]), parts, parts),
        st.builds(f.Operation, st.sampled_from(["+", "-", "*", "/"]), parts, parts),
        st.builds(f.Negative, parts),
        st.builds(called, functions, st.lists(parts, min_size=2, max_size=3)),
        st.builds(lambda of, digits: f.Call("round", (of, f.Number(digits))), parts, st.integers(-3, 4)),
        st.builds(f.Choice, plain_rules, parts, parts),
    )


anything = st.recursive(simple, larger, max_leaves=6)


def formulas(kind):
    """Formulas about a subject kind that make sense."""
    return anything.filter(lambda formula: next(check(formula, kind), None) is None)


def history_values(world, formula, kind, now, zone):
    """Value by subject, from DuckDB."""
    connection = duckdb.connect()
    for name, table in world.tables().items():
        connection.register(name, table)
    found = computed_values(formula, kind, history_tables(), now=now, time_zone=zone)
    rows = connection.sql(ibis.to_sql(found.rows, dialect="duckdb")).to_arrow_table().to_pylist()
    connection.close()
    values = {row["subject_id"]: row["value"] for row in rows}
    if found.gives == "value":
        return {subject: None if value is None else json.loads(value) for subject, value in values.items()}
    return values
