"""Which selectors an event meets, when they are many and share properties."""

from __future__ import annotations

import random

from antiphon.rules import operators
from antiphon.rules.selectors import NameMatcher
from antiphon.rules.tree import Predicate, Selector

OPERANDS = {
    "scalar": ("a", "ab", 5, 5.0, 7.5, True, False, 0),
    "ordered": ("a", "b", 5, 7),
    "text": ("a", "b"),
    "pattern": ("a*", "5*"),
    "regex": ("^a", "5$"),
    "list": (("a", 5), ("b", 7.5, "a")),
    "none": (None,),
}
VALUES = (
    None,
    "a",
    "ab",
    "b",
    "zz",
    "5",
    "",
    5,
    5.0,
    6,
    7.5,
    0,
    -0.0,
    1e300,
    10**400,
    True,
    False,
    ["a", 5],
    {"a": 1},
    [],
)
PREDICATES = [
    Predicate(name, row.key, operand)
    for name in ("p", "q")
    for row in operators.OPERATORS
    for operand in OPERANDS[row.operand]
]


def _holds(predicate, properties):
    test = operators.by_key()[predicate.op].test(predicate.value)
    return test(properties.get(predicate.property))


def _met(matcher, properties):
    return matcher.met(matcher.classes(properties))


def test_all_and_only_those_are_met_whose_predicates_hold():
    """Whatever is looked up instead of tested comes to what every predicate's own test says, asked once and again."""
    dice = random.Random(5)
    for _ in range(60):
        chosen = [dice.sample(PREDICATES, dice.randrange(4)) for _ in range(dice.randrange(1, 12))]
        selectors = [(7 * number, Selector("e", "exact", tuple(where))) for number, where in enumerate(chosen)]
        matcher = NameMatcher(selectors)
        for _ in range(2):
            for value in VALUES:
                properties = {"p": value, "q": dice.choice(VALUES)}
                expected = [n for n, one in selectors if all(_holds(p, properties) for p in one.where)]
                assert _met(matcher, properties) == expected, (properties, selectors)


def test_values_that_nobody_names_are_of_one_class():
    """Ten thousand routes that rules name do not make others, and numbers between two operands, cost a look each."""
    routes = [Predicate("route", "=", f"/{number}") for number in range(10_000)]
    others = [Predicate("route", "!=", "/5"), Predicate("status", ">=", 500)]
    matcher = NameMatcher([(number, Selector("e", "exact", (one,))) for number, one in enumerate((*routes, *others))])
    unknown = {tuple(matcher.classes({"route": f"/other{n}", "status": 200 + n})) for n in range(200)}
    assert len(unknown) == 1
    assert matcher.met(next(iter(unknown))) == [10_000]
    assert _met(matcher, {"route": "/5", "status": 500}) == [5, 10_001]
    assert _met(matcher, {"route": "/6"}) == [6, 10_000]
