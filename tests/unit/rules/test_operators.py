"""Every row of the operator tables, on its own examples: live, over history, in text, JSON and the reference page."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import msgspec
import pytest

from antiphon.rules import aggregates, dates, operators, tree, values
from antiphon.rules.columns import Column
from antiphon.rules.reference import page
from antiphon.rules.render import render
from antiphon.rules.schema import json_schema
from antiphon.rules.text import parse

EXAMPLES = [(row, *example) for row in operators.OPERATORS for example in row.examples]
NAMES = [f"{row.key}-{number}" for row in operators.OPERATORS for number, _ in enumerate(row.examples)]


def over_rows(found, make):
    """A column made of each JSON value (None: missing), by DuckDB."""
    documents = ibis.table({"number": "int64", "document": "string"}, name="documents")
    expression = documents.select("number", found=make(Column.of(documents.document, "k/~.'é")))
    connection = duckdb.connect()
    connection.execute("create table documents (number bigint, document varchar)")
    for number, value in enumerate(found):
        document = {} if value is None else {"k/~.'é": value}
        connection.execute("insert into documents values (?, ?)", [number, msgspec.json.encode(document).decode()])
    rows = connection.execute(ibis.to_sql(expression.order_by("number"), dialect="duckdb")).fetchall()
    connection.close()
    return [row[1] for row in rows]


@pytest.mark.parametrize(("row", "value", "operand", "truth"), EXAMPLES, ids=NAMES)
def test_example_holds_live(row, value, operand, truth):
    """The live test of an operator gives what its row says."""
    assert row.test(operand)(value) is truth


@pytest.mark.parametrize("row", operators.OPERATORS, ids=lambda row: row.key)
def test_examples_hold_over_history(row):
    """DuckDB gives the same for every example of the row."""
    for value, operand, truth in row.examples:
        assert over_rows([value], lambda column, row=row, operand=operand: row.column_test(column, operand)) == [truth]


@pytest.mark.parametrize("row", operators.OPERATORS, ids=lambda row: row.key)
def test_row_says_what_happens_to_missing_and_wrong_typed_values(row):
    """Every row has an example of a missing value, and of one that is of another type than asked."""
    assert any(value is None for value, _, _ in row.examples)
    if row.operand != "none":
        assert any(value is not None and type(value) is not type(operand) for value, operand, _ in row.examples)


@pytest.mark.parametrize(("row", "value", "operand", "truth"), EXAMPLES, ids=NAMES)
def test_example_survives_text_and_json(row, value, operand, truth):
    """A predicate with the example's operand is the same after text, and after JSON."""
    del value, truth
    rule = tree.TraitCondition("k", row.key, operand)
    assert parse(render(rule)) == rule
    assert tree.decode(tree.encode(rule)) == rule


def test_missing_value_makes_every_test_false_but_three():
    """RULES.md: only `missing`, `!=` and `not in` hold for a missing value."""
    assert {row.key for row in operators.OPERATORS if row.if_missing} == {"missing", "!=", "not_in"}


def test_date_operators_hold_at_their_bounds():
    """Each example of a date operator, live by its interval."""
    now = 1_790_000_000_000
    for row in dates.DATE_OPERATORS:
        for distance, length, truth in row.examples:
            if distance is None:
                assert truth is False
                continue
            start, end = row.interval(now + distance, length)
            assert (start <= now and (end is None or now <= end)) is truth, row.key


DATES = [
    ("2024-02-29", 1709164800000),
    ("2024-02-30", None),
    ("2024-02-29T10:11", 1709201460000),
    ("2024-02-29 10:11:12.5Z", 1709201472500),
    ("2024-02-29T10:11:12.123999+02:00", 1709194272123),
    ("2024-02-29T10:11:12-0930", 1709235672000),
    ("29.2.2024", None),
    ("2024-02-29\n", None),
    ("24:00", None),
    (1709164800, 1709164800000),
    (1709164800.5, 1709164800500),
    (1709164800000, 1709164800000),
    (-1.5, -1500),
    (1e300, None),
    (True, None),
    (["2024-02-29"], None),
    (None, None),
]


def test_dates_are_read_alike():
    """A date trait is the same instant live and over history."""
    assert [values.date(value) for value, _ in DATES] == [instant for _, instant in DATES]
    assert over_rows([value for value, _ in DATES], lambda column: column.date) == [instant for _, instant in DATES]


WRITTEN = [
    ("x", "x"),
    (5, "5"),
    (5.0, "5"),
    (-0.0, "0"),
    (0.1, "0.1"),
    (123456789012345678, "123456789012345678"),
    (1e15, "1000000000000000.0"),
    (1e22, "1e+22"),
    (0.00001, "1e-05"),
    (True, "true"),
    ([1], None),
    (None, None),
]


def test_text_forms_are_alike():
    """`matches` sees the same text form of a value live and over history: a number's shortest decimal."""
    assert [values.written(value) for value, _ in WRITTEN] == [text for _, text in WRITTEN]
    assert over_rows([value for value, _ in WRITTEN], lambda column: column.written) == [text for _, text in WRITTEN]


def test_schema_knows_every_key():
    """The JSON Schema lists each operator and aggregate of the tables."""
    defined = json_schema()["$defs"]
    assert set(defined["Predicate"]["properties"]["op"]["enum"]) == set(operators.by_key())
    assert set(defined["Aggregate"]["properties"]["kind"]["enum"]) == set(aggregates.by_key())
    moving = {row.key for row in dates.DATE_OPERATORS}
    assert set(defined["TraitCondition"]["properties"]["op"]["enum"]) == set(operators.by_key()) | moving


def test_reference_page_is_current():
    """docs/reference/rules.md holds what the tables say today."""
    path = Path(__file__).parents[3] / "docs" / "reference" / "rules.md"
    assert path.read_text() == page(), "run: python -m antiphon.rules.reference > docs/reference/rules.md"
