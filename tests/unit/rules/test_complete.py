"""Completion: the words of the language and what has been seen, at every place of a rule."""

from __future__ import annotations

import pytest

from antiphon.rules import aggregates, operators
from antiphon.rules.complete import MOST_ITEMS, complete
from antiphon.rules.text import parse


class Seen:
    """A small workspace."""

    def events(self):
        return ["api_call", "order placed"]

    def properties(self, event):
        return {"api_call": ["status", "route"], "order placed": ["amount"]}.get(event, ["status", "route", "amount"])

    def values(self, event, name):
        return {"status": [400, 200], "route": ["/v1/a", "/v1/b"], "amount": [1.5]}.get(name, [])

    def traits(self, kind):
        return ["plan", "signed up"] if kind == "user" else ["plan_limit"]

    def trait_values(self, kind, name):
        return {("user", "plan"): ["free", "pro"], ("company", "plan_limit"): [1000]}.get((kind, name), [])

    def segments(self, kind):
        return ["Power users", "new"] if kind == "user" else []


def labels(text, kind="user", position=None):
    """(kind, label) of everything offered at the end of a text."""
    return [
        (item.kind, item.label) for item in complete(text, len(text) if position is None else position, kind, Seen())
    ]


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("", {("keyword", "count of"), ("trait", "plan"), ("trait", "company.plan_limit")}, {("event", "api_call")}),
        ("cou", {("keyword", "count of")}, {("keyword", "all of (")}),
        ("count of ", {("event", "api_call"), ("event", "order placed"), ("keyword", "matching")}, {("trait", "plan")}),
        ("count of api_call ", {("keyword", "where"), ("keyword", "in the last"), ("operator", ">=")}, set()),
        ("count of api_call in ", {("keyword", "the last")}, {("keyword", "where")}),
        ("count of api_call in the last 24 ", {("unit", "hours")}, {("keyword", "where")}),
        ("count of api_call where ", {("property", "status"), ("property", "route")}, {("property", "amount")}),
        ('count of "order placed" where ', {("property", "amount")}, {("property", "status")}),
        ("count of api_call where status ", {("operator", "="), ("keyword", "starts with")}, {("value", "400")}),
        ("count of api_call where status = ", {("value", "400"), ("value", "200")}, {("event", "api_call")}),
        ("count of api_call where status = 400 and route = ", {("value", '"/v1/a"')}, {("value", "400")}),
        ('count of api_call where route = "/v', {("value", '"/v1/a"')}, {("keyword", "true")}),
        ("count of api_call where route in (", {("value", '"/v1/a"')}, set()),
        ("ratio of api_call to ", {("event", "api_call")}, set()),
        ("sum of ", {("property", "amount"), ("property", "status")}, {("event", "api_call")}),
        ("time since last ", {("event", "api_call")}, set()),
        ("plan = ", {("value", '"free"')}, {("trait", "plan")}),
        ("company.plan_limit >= ", {("value", "1000")}, {("value", '"free"')}),
        ("count of api_call ever >= 80% of ", {("trait", "company.plan_limit")}, {("value", "400")}),
        ("in segment ", {("segment", "Power users"), ("segment", "new")}, {("property", "status")}),
        ('all of (plan = "free"; ', {("keyword", "count of"), ("trait", "plan")}, set()),
        ("cout of x ", set(), {("keyword", "where")}),
    ],
)
def test_what_may_stand_there(text, wanted, unwanted):
    """At each place what the grammar takes there, and of what was seen only what belongs there."""
    found = set(labels(text))
    assert wanted <= found
    assert not unwanted & found


def test_a_company_has_no_company():
    """In a rule about companies their own traits stand bare, and there is no `company.` of theirs."""
    found = labels("", "company")
    assert ("trait", "plan_limit") in found
    assert ("trait", "company.plan_limit") not in found


def test_every_row_of_the_tables_completes():
    """Each aggregate is offered at the start and each operator after a property, by nothing but its row."""
    starts = {label for _, label in labels("")}
    for row in aggregates.AGGREGATES:
        assert any(row.text.startswith(label) for label in starts), row.key
    tests = {label.removesuffix(" (") for _, label in labels("count of a where b ")}
    for row in operators.OPERATORS:
        assert any(row.text.startswith(label) for label in tests), row.key


@pytest.mark.parametrize(
    ("text", "position", "label", "after"),
    [
        ("count of ord", 12, "order placed", 'count of "order placed"'),
        ('count of "ord"', 13, "order placed", 'count of "order placed"'),
        ("count of api_call where sta = 400", 27, "status", "count of api_call where status = 400"),
        ("count of api_call where status=", 31, "400", "count of api_call where status=400"),
        ("sig", 3, "signed up", '"signed up"'),
        ("company.pl", 10, "company.plan_limit", "company.plan_limit"),
        ('é "x" = "y', 1, "count of", None),
        ("count of api_call i", 19, "in the last", "count of api_call in the last "),
    ],
)
def test_what_an_item_replaces(text, position, label, after):
    """An item replaces the word, or the text in quotes, that is being written, and nothing else."""
    chosen = next((item for item in complete(text, position, "user", Seen()) if item.label == label), None)
    if after is None:
        assert chosen is None
    else:
        assert text[: chosen.start] + chosen.insert + text[chosen.end :] == after


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("", {("keyword", "count of"), ("keyword", "if"), ("trait", "plan")}, {("keyword", "all of (")}),
        ("max(0, count of ", {("event", "api_call")}, {("trait", "plan")}),
        ("count of api_call in the last 7 days / com", {("trait", "company.plan_limit")}, {("event", "api_call")}),
        ("if plan = ", {("value", '"free"')}, {("keyword", "then")}),
        ('if plan = "free" ', {("keyword", "then")}, {("operator", "=")}),
        ("count of api_call ", {("keyword", "in the last"), ("keyword", "where")}, {("operator", ">=")}),
    ],
)
def test_what_is_offered_in_a_formula(text, wanted, unwanted):
    """A formula completes from its own grammar, with the same names and values."""
    complete("count of api_call ", 18, "user", Seen())  # what is remembered of rules is not taken for formulas
    found = {(item.kind, item.label) for item in complete(text, len(text), "user", Seen(), "formula")}
    assert wanted <= found
    assert not unwanted & found


def test_a_rule_can_be_written_by_choosing_alone():
    """Choosing items one after the other, and typing only numbers, makes a rule that parses."""
    text = ""
    for step in ("count of", "api_call", "where", "status", "=", "400", "in the last", "24", "hours", ">=", "5"):
        text += "" if text == "" or text.endswith(" ") else " "
        if step.isdigit() and step != "400":
            text += step
            continue
        item = next(item for item in complete(text, len(text), "user", Seen()) if item.label == step)
        text = text[: item.start] + item.insert
    assert parse(text)


def test_many_names_leave_room_for_the_words():
    """Of thousands of names as many are offered as are of use, and the language's own words are always among them."""

    class Crowded(Seen):
        def traits(self, kind):
            return [f"c{number}" for number in range(5_000)]

    found = complete("c", 1, "user", Crowded())
    assert len(found) == MOST_ITEMS
    assert any(item.label == "count of" for item in found)
