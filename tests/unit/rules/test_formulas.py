"""Formulas: what they say, what they refuse, and what the guide says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import ibis
import pytest

from antiphon.errors import InvalidInput, RuleSyntaxError
from antiphon.model.clock import DAY, HOUR
from antiphon.rules import formula as f
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.formula_functions import FUNCTIONS
from antiphon.rules.formula_sentence import formula_sentence
from antiphon.rules.formula_text import parse_formula, render_formula
from antiphon.rules.live import compile_program
from antiphon.rules.state import SubjectState, SubjectView
from factories import NOW

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "guides" / "computed-traits.md"
EXAMPLES = [(row, arguments, result) for row in FUNCTIONS for arguments, result in row.examples]


def value(text, traits=None, now=NOW, zone="UTC"):
    """A formula's (value, recheck_at) for somebody who has done nothing and has these traits."""
    spec = ComputedSpec(id=1, version=1, subject_kind="user", name="x", formula=parse_formula(text))
    program = compile_program([], [], time_zone=zone, computed=[spec])
    return program.compute(spec.key, SubjectView(SubjectState(), traits or {}), now)


@pytest.mark.parametrize(("row", "arguments", "result"), EXAMPLES, ids=lambda item: getattr(item, "key", str(item)))
def test_functions_do_as_their_rows_say(row, arguments, result):
    """Each example of the table, live and in a database."""
    assert row.live([float(item) for item in arguments]) == result
    digits = arguments[1:] if row.digits else ()
    columns = [ibis.literal(float(item), "float64") for item in (arguments[:1] if row.digits else arguments)]
    query = ibis.to_sql(row.history([*columns, *digits]).name("x").as_table(), dialect="duckdb")
    assert duckdb.sql(query).fetchall() == [(result,)]


@pytest.mark.parametrize(
    ("text", "traits", "expected"),
    [
        ("2 + 3 * 4 - 10 / 4", {}, 11.5),
        ("(2 + 3) * -2", {}, -10),
        ("1 / 3", {}, 0.333333),
        ("2 / 0", {}, None),
        ("seats * 2", {"seats": "5"}, None),
        ("seats * 2", {"seats": True}, None),
        ("seats * 2", {"seats": 5}, 10),
        ("max(seats, missing)", {"seats": 5}, None),
        ("1000000000000000 * 10", {}, None),
        ('if plan = "free" then 0 else seats', {"seats": 3, "plan": "pro"}, 3),
        ("plan", {"plan": ["a", 1]}, ["a", 1]),
        ("count of api_call ever", {}, 0),
        ("time since last api_call", {}, None),
        ("round(date(b) - date(a), 1)", {"a": "2026-01-01", "b": "2026-01-02T12:00:00Z"}, 1.5),
        ("date(a) + 40", {"a": "2026-01-01T23:00:00-02:00"}, "2026-02-11"),
        ("min(date(a), today)", {"a": "2031-01-01"}, "2026-09-21"),
        ("date(a) + 1000000000", {"a": "2026-01-01"}, None),
    ],
)
def test_values(text, traits, expected):
    """Arithmetic, missing values, types, dates."""
    assert json.dumps(value(text, traits)[0]) == json.dumps(expected)


def test_today_is_the_workspaces_day_and_now_steps_by_the_hour():
    """Late in the evening of UTC it is tomorrow in Kolkata; both say when to look again."""
    evening = NOW // DAY * DAY + 20 * HOUR + 1
    assert value("today", now=evening)[0] == "2026-09-21"
    day, recheck_at = value("today", now=evening, zone="Asia/Kolkata")
    assert (day, recheck_at) == ("2026-09-22", NOW // DAY * DAY + DAY + 18 * HOUR + HOUR // 2)
    hours, recheck_at = value("(now - today) * 24", now=evening)
    assert (hours, recheck_at) == (20, evening - 1 + HOUR)


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("count of api_call ever plus 1", 23, "Expected *, +, -, / or the end."),
        ("mn(1, 2)", 2, 'Did you mean "min"'),
        ("1 + nonsense(2)", 12, "cannot stand"),
        ('"a" * 2', 0, "takes numbers, not a text"),
        ("1 + round(2, seats)", 4, "whole number from -9 to 9"),
        ("min(today, 1)", 0, "numbers or dates, not both"),
        ("today + now", 0, "Two dates cannot be added"),
        ("1 - today", 0, "A date can be taken from a date only"),
        ("date(3)", 0, "takes one trait"),
        ("sum of api_call ever", 16, "Expected of"),
        ("(" * 60 + "1" + ")" * 60 + " +", 123, "Something is missing"),
        ("-" * 50 + "a", 0, "nested 40 deep"),
    ],
)
def test_errors_point_and_suggest(text, position, said):
    """Where it goes wrong, and what was expected there."""
    with pytest.raises(RuleSyntaxError) as error:
        parse_formula(text)
    assert said in error.value.message
    assert error.value.details["position"] == position


def test_names_that_are_words_of_the_language_are_quoted():
    """A trait called as a function is written with its owner and in quotes."""
    formula = f.Operation("+", f.TraitInput("now"), f.TraitInput("round", "company"))
    assert render_formula(formula) == 'own."now" + company.round'
    assert parse_formula(render_formula(formula)) == formula


def test_json_is_checked():
    """A node that is none, a misspelt field, too much depth."""
    for wrong in ({"kind": "sum"}, {"kind": "number", "value": 1, "unit": "%"}, [1]):
        with pytest.raises(InvalidInput, match="This is no formula"):
            f.decode(wrong)
    deep = {"kind": "number", "value": 1}
    for _ in range(60):
        deep = {"kind": "negative", "of": deep}
    with pytest.raises(InvalidInput, match="nested 40 deep"):
        f.decode(deep)


def test_a_formula_in_words():
    """The sentence that the page shows."""
    text = "min(100, count of api_call in the last 7 days + 5 * days active of api_call in the last 30 days)"
    assert formula_sentence(parse_formula(text), "user") == (
        "For each user: the smallest of 100 and (the number of api_call in the last 7 days plus (5 times the number of "
        "days with api_call in the last 30 days))."
    )


def test_the_guide_is_about_this_language():
    """Every function and ready example of the page is in the guide, and what the guide writes can be read."""
    guide = GUIDE.read_text()
    assert [row.key for row in FUNCTIONS if f"`{row.key}(" not in guide] == []
    page = (ROOT / "ui" / "src" / "features" / "computed" / "examples.ts").read_text()
    ready = re.findall(r"text: '(.*)',\n    subject_kind: '(\w+)'", page)
    assert len(ready) == 4
    for text, kind in ready:
        assert f"`{text}`" in guide
        assert render_formula(parse_formula(text, kind)) == text
