"""Rules that refer to each other: circles are refused by name, and there is an order to evaluate the rest in."""

from __future__ import annotations

import pytest

from antiphon.errors import InvalidInput
from antiphon.rules.segments import check_segments, in_order
from antiphon.rules.text import parse


def others(**texts):
    """Rules about users by name."""
    return {name: ("user", parse(text)) for name, text in texts.items()}


def test_circle_is_named():
    """A rule that leads back to itself is refused, naming each rule on the way."""
    known = others(a="in segment b", b="any of (plan = 1; not in segment c)")
    with pytest.raises(InvalidInput, match="c -> a -> b -> c"):
        check_segments("c", "user", parse("in segment a"), known)
    with pytest.raises(InvalidInput, match="c -> c"):
        check_segments("c", "user", parse("in segment c"), known)


def test_rule_that_replaces_another_is_looked_at_as_it_will_be():
    """Saving a rule anew takes its old references away."""
    check_segments("a", "user", parse("plan = 1"), others(a="in segment b", b="in segment a"))


def test_unknown_and_foreign_segments_are_refused():
    """A segment that is not there, or is about companies, cannot be asked for by a rule about users."""
    with pytest.raises(InvalidInput, match="no segment 'x'"):
        check_segments("c", "user", parse("in segment x"), {})
    with pytest.raises(InvalidInput, match="about company"):
        check_segments("c", "user", parse("in segment x"), {"x": ("company", parse("plan = 1", "company"))})


def test_order_puts_what_is_needed_first():
    """Each rule comes after those whose segments it reads."""
    rules = {name: tree for name, (_, tree) in others(a="in segment b", b="in segment c", c="plan = 1").items()}
    assert in_order(rules) == ["c", "b", "a"]
