"""Any rule is the same after text and after JSON, and no text makes the parser fail in another way than it should."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import RuleSyntaxError
from antiphon.rules import tree
from antiphon.rules.grammar import keywords
from antiphon.rules.render import render
from antiphon.rules.sentence import sentence
from antiphon.rules.text import parse
from rules_world import rules

names = st.text(min_size=1, max_size=12) | st.sampled_from(["in", "count", "company.x", "a*", "plan", "x-y", "été"])


@given(rules)
def test_text_and_json_keep_the_rule(rule):
    """Text -> tree is the inverse of tree -> text, and JSON keeps a tree; every rule has a sentence."""
    assert parse(render(rule)) == rule
    assert tree.decode(tree.encode(rule)) == rule
    assert sentence(rule, "user").endswith(".")


@given(names, names, names, st.sampled_from(["own", "user", "company"]), st.text(max_size=9), st.booleans())
def test_any_name_survives(event, key, trait, owner, value, exact):
    """Names and texts of any characters are quoted as needed."""
    selector = tree.Selector(event, "exact" if exact else "wildcard", (tree.Predicate(key, "=", value),))
    rule = tree.AllOf(
        (
            tree.Measure(tree.Aggregate("sum", selector, key), ">", tree.TraitValue(trait, owner)),
            tree.TraitCondition(trait, "matches", value, owner),
            tree.InSegment(event),
        )
    )
    assert parse(render(rule)) == rule


words = st.sampled_from([*keywords(), "api_call", "5", "10%", '"x"', "(", ")", ";", ",", ">=", "=", "days", "5*", "company.x", "\\", "\n", "é", "0"])  # fmt: skip


@given(st.lists(words, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_parses_or_is_refused_with_a_place(text):
    """No text crashes the parser; an error lies within the text."""
    rule, error = None, None
    try:
        rule = parse(text)
    except RuleSyntaxError as caught:
        error = caught
    if error is None:
        assert parse(render(rule)) == rule
    else:
        assert 0 <= error.details["position"] <= len(text)
        assert error.message
