"""Properties that history has as columns answer as their JSON does, whatever the value's type."""

from __future__ import annotations

import duckdb
import ibis
import msgspec
import pyarrow as pa
import pytest

from antiphon.rules import operators, tree
from antiphon.rules.columns import OWN
from antiphon.rules.history_leaves import selected

VALUES = [400, 400.0, "400", 500, None, True, "x", [400], 0.5]
OPERANDS = {
    "scalar": [400, "400", True, 0.5],
    "ordered": [400, "400"],
    "text": ["4"],
    "pattern": ["4*", "0*"],
    "regex": ["^4"],
    "list": [(400, "x"), ("/v1",)],
    "none": [None],
}
FITS = {"string": lambda value: type(value) is str, "int32": lambda value: type(value) is int, "float64": lambda value: type(value) in (int, float)}  # fmt: skip


def row(number, value):
    """An API call with the value under each of these properties, and in those columns whose type it has."""
    own = {key: value if FITS[kind](value) else None for key, kind in OWN.items()}
    properties = msgspec.json.encode(dict.fromkeys(OWN, value)).decode()
    return {"n": number, "name": "api_call", "properties": properties, **own}


@pytest.mark.parametrize("operator", operators.OPERATORS, ids=lambda operator: operator.key)
def test_an_own_column_answers_as_the_value_itself(operator):
    """Every operator, on every such property, for values that the column has and values that only the JSON has."""
    arrow = {"string": pa.string(), "int32": pa.int32(), "float64": pa.float64(), "int64": pa.int64()}
    kinds = {"n": "int64", "name": "string", "properties": "string", **OWN}
    schema = pa.schema([(name, arrow[kind]) for name, kind in kinds.items()])
    events = ibis.table(kinds, name="events")
    with duckdb.connect() as db:
        db.register("events", pa.Table.from_pylist([row(*pair) for pair in enumerate(VALUES)], schema=schema))
        for key in OWN:
            for operand in OPERANDS[operator.operand]:
                selector = tree.Selector("api_call", "exact", (tree.Predicate(key, operator.key, operand),))
                query = ibis.to_sql(events.select("n", held=selected(selector, events)), dialect="duckdb")
                expected = {number: operator.test(operand)(value) for number, value in enumerate(VALUES)}
                assert dict(db.sql(str(query)).fetchall()) == expected, f"{key} {operator.key} {operand!r}"
