"""The text form: what people may write, that it comes back the same, and what they are told when it is wrong."""

from __future__ import annotations

import pytest

from antiphon.errors import InvalidInput, RuleSyntaxError
from antiphon.rules import render, tree
from antiphon.rules.sentence import sentence
from antiphon.rules.text import parse, parse_selector

STABLE = [
    "count of api_call where status = 400 in the last 24 hours >= 5",
    'all of (role = "Engineering"; signed_up in the last 7 days; count of api_call ever = 0)',
    "ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%",
    "count of api_call this month >= 80% of company.plan_limit",
    "time since last api_call >= 7 days",
    "at least 2 of (count of a ever >= 5; count of b ever >= 5; count of c ever >= 5)",
    'count of matching "report *" where a exists and b missing and c not in (1, "x", true) and d matches regex "^a" ever < 3',
    'count of matching regex "^order_" today != 2.5',
    "count of api_* this week > 0",
    "count of api_call in the last 7 days = 0, known for at least 0 days",
    'any of (in segment "Power users"; not in segment new; plan in ("free", "trial"))',
    'any of ("company.x" = "y"; company."plan limit" > 5; company.plan starts with "pro"; user.seats >= 3)',
    "none of (card_expires within the next 14 days; last_seen more than 3 weeks ago)",
    'last plan of "plan changed" = "pro"',
    'sum of amount of payment where currency = "EUR" in the last 30 days >= 100.5',
    "days active of api_call in the last 2 weeks >= 5",
    'count of "in" where "count" contains "50%" ever > own."company.limit"',
]


@pytest.mark.parametrize("text", STABLE)
def test_text_comes_back_the_same(text):
    """Text -> tree -> text is the identity for canonical text, and the tree survives JSON."""
    rule = parse(text)
    assert render.render(rule) == text
    assert tree.decode(tree.encode(rule)) == rule


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("COUNT OF a IN THE LAST hour>=5", "count of a in the last 1 hour >= 5"),
        ("count of a > 1", "count of a ever > 1"),
        ("time since last a in the last 3 days > 1 day", "time since last a in the last 3 days > 1 day"),
        ("all of (\n  x = 1;\n  y = true;\n)", "all of (x = 1; y = true)"),
        ('count of a where p matches "5*" ever = 1', "count of a where p matches 5* ever = 1"),
        ("count of a ever = 0 known for at least 2 days", "count of a ever = 0, known for at least 2 days"),
    ],
)
def test_other_ways_to_write_it(text, canonical):
    """Case, line breaks and words left out do not matter."""
    assert render.render(parse(text)) == canonical


def test_selector_alone():
    """Workflows wait for an event by a selector."""
    selector = parse_selector('api_call where status = 400 and route = "/v1/track"')
    assert selector.where[0] == tree.Predicate("status", "=", 400)
    assert render.selector(selector) == 'api_call where status = 400 and route = "/v1/track"'


WRONG = [
    ("", 0, "a name", None),
    ("cout of api_call > 3", 5, "=", '"count" instead of "cout"'),
    ("count of api_call in the lst 7 days > 3", 25, "last", '"last"'),
    ("count of api_call in the last 24h > 3", 32, "minutes, hours, days, weeks or months", '"hours"'),
    ("plan = free", 7, 'a text in quotes such as "pro"', '"free" in quotes'),
    ("count of api_call >", 19, "a number", None),
    ("count api_call > 3", 6, "of", '"of api_call"'),
    ("all of (a = 1, b = 2)", 13, ";", None),
    ("all of (a = 1; b = 2", 20, ")", None),
    ('role = "Engineering', 7, 'a text in quotes such as "pro"', None),
    ("count of a ever > 5 banana", 20, "the end", None),
    ("count of api_call were status = 400 >= 5", 18, "where", '"where"'),
    ("count of api_call where status == 400 >= 5", 32, "a number", '"=" only once'),
    ("count of api_call where status is 400 >= 5", 31, "=", '"="'),
    ("all off (a = 1; b = 2)", 4, "of", '"of"'),
    ("count of api_call in the past 7 days >= 3", 25, "last", '"last"'),
    ("count of api_call in last 24 hours >= 5", 21, "the", '"the last"'),
    ("count of order placed >= 1", 15, "where", '"order placed" in quotes, if that is one name'),
    ('plan equals "free"', 5, "=", '"="'),
    ("sum amount of payment > 5", 4, "of", '"of amount"'),
    ("count of api_call over 5", 18, ">", '">"'),
    ("count of api_call in teh last 7 days > 3", 21, "the", '"the"'),
    ("count of api_call wh", 18, "where", '"where"'),
    ("count of api_call t", 18, "today", '"this" or "today"'),
]


@pytest.mark.parametrize(("text", "position", "expected", "suggestion"), WRONG)
def test_wrong_text_is_pointed_at(text, position, expected, suggestion):
    """An error names the position, what was expected there, and what was perhaps meant."""
    with pytest.raises(RuleSyntaxError) as caught:
        parse(text)
    details = caught.value.details
    assert details["position"] == position
    assert expected in details["expected"]
    assert details["suggestion"] == suggestion


def test_position_has_line_and_column():
    """In a text of several lines the error names the line and the column."""
    with pytest.raises(RuleSyntaxError) as caught:
        parse("all of (\n  plan = 1;\n  plan is 2)")
    assert (caught.value.details["line"], caught.value.details["column"]) == (3, 8)


NONSENSE = [
    ("count of a in the last 0 days > 1", 0, "at least 1 day"),
    ("count of a in the last 2000 weeks > 1", 0, "at most ten years"),
    ("count of a in the last 1.5 days > 1", 23, "whole number"),
    ('all of (x = 1; count of a where b matches regex "(" ever > 1)', 15, "cannot be used"),
    ("all of (x = 1; at least 3 of (a = 1))", 15, "use 1 to 1"),
    ("time since last a > 5", 0, "length of time"),
    ('count of a ever >= "x"', 0, "compared with a number"),
    ("plan > true", 7, "Expected a number"),
    ('plan = "\\q"', 7, "quotes"),
    ("count of a ever > 1e999", 18, "too large"),
    ("any of (" * 11 + "a = 1" + ")" * 11, 0, "10 deep"),
    ("any of (" * 2000 + "a = 1" + ")" * 2000, 0, "10 deep"),
    ("x" * 30_000, 20_000, "20000 characters"),
]


@pytest.mark.parametrize(("text", "position", "message"), NONSENSE, ids=range(len(NONSENSE)))
def test_text_that_makes_no_sense_is_refused(text, position, message):
    """What parses but means nothing is refused with the place of the condition."""
    with pytest.raises(RuleSyntaxError, match=message) as caught:
        parse(text)
    assert caught.value.details["position"] == position


def test_ten_groups_deep_is_taken():
    """The limit itself is allowed."""
    assert tree.depth(parse("any of (" * 10 + "a = 1" + ")" * 10)) == 10


def test_company_rule_has_no_user_traits():
    """A rule about companies cannot read the trait of a user."""
    with pytest.raises(RuleSyntaxError, match="a company has many"):
        parse("user.plan = 1", "company")


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "nothing"},
        {"kind": "all"},
        {"kind": "trait", "name": "x", "op": "=", "vlaue": 1},
        {"kind": "measure", "aggregate": {"kind": "count", "selector": {"event": 5}}, "op": ">", "value": 1},
        [],
        "count of a > 1",
        None,
    ],
)
def test_wrong_json_is_refused(value):
    """JSON of the wrong shape is refused with a sentence, not with a crash."""
    with pytest.raises(InvalidInput, match="This is no rule"):
        tree.decode(value)


def test_json_nested_too_deep_is_refused():
    """So is JSON that is nested without end."""
    value = {"kind": "trait", "name": "x", "op": "exists"}
    for _ in range(3000):
        value = {"kind": "any", "of": [value]}
    with pytest.raises(InvalidInput, match="10 deep"):
        tree.decode(value)


def test_sentence():
    """A rule reads as a sentence."""
    assert sentence(parse(STABLE[0]), "user") == (
        "Users for whom the number of api_call where status is 400 in the last 24 hours is at least 5."
    )
    assert sentence(parse(STABLE[3], "company"), "company") == (
        "Companies for which the number of api_call this month is at least 80% of the company trait plan_limit."
    )
