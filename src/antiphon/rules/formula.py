"""A computed trait's formula as one typed tree: numbers, dates and texts made of aggregates, traits and each other.

As in a rule's tree, every node is an immutable struct that says in JSON what it is in `kind`, and holds what the person
wrote. What the nodes mean stands in `formula_values.py`; whether a formula makes sense is told by `formula_check.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.tree import Aggregate, Condition, Duration, Ever, Owner, Tagged, Window

Sign = Literal["+", "-", "*", "/"]


class Number(Tagged, frozen=True, tag="number"):
    """A number."""

    value: int | float


class Words(Tagged, frozen=True, tag="text"):
    """A text in quotes."""

    value: str


class TraitInput(Tagged, frozen=True, tag="trait"):
    """A trait, own or (about users) the company's; another computed trait is read in the same way."""

    name: str
    owner: Owner = "own"


class Measured(Tagged, frozen=True, tag="aggregate"):
    """An aggregate over a window, as in rules."""

    aggregate: Aggregate
    window: Window = Ever()


class Now(Tagged, frozen=True, tag="now"):
    """The start of the present hour (UTC), an instant."""


class Today(Tagged, frozen=True, tag="today"):
    """The present day of the workspace's time zone, as a date."""


class Operation(Tagged, frozen=True, tag="operation"):
    """Two sides with a sign between them."""

    sign: Sign
    left: Formula
    right: Formula


class Negative(Tagged, frozen=True, tag="negative"):
    """`-x`."""

    of: Formula


class Call(Tagged, frozen=True, tag="call"):
    """A function of one or more formulas; `function` is a key of `formula_functions.FUNCTIONS`."""

    function: str
    of: tuple[Formula, ...]


class Choice(Tagged, frozen=True, tag="if"):
    """`if CONDITION then A else B`; the condition is a rule's."""

    condition: Condition
    then: Formula
    otherwise: Formula


Formula = (
    Number | Words | TraitInput | Duration | Measured | Now | Today | Operation | Negative | Call | Choice
)  # fmt: skip
"""A formula is its topmost node; a length of time counts as its number of days."""

LARGEST = 1e15
"""Numbers beyond it, either way, are no values."""

LONGEST = 36_600 * 86_400_000
"""Longest length of time, in ms."""

MAX_NODES = 200
"""Most nodes of one formula."""

MAX_DEPTH = 40
"""Formulas may be nested so deep."""

TOO_DEEP = f"A formula can be nested {MAX_DEPTH} deep."


def decode(value: Any) -> Formula:
    """Turn JSON values into a formula; its sense is checked by `formula_check`. Raises InvalidInput."""
    try:
        found = msgspec.convert(value, Formula)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"This is no formula: {error}") from error
    except RecursionError as error:
        raise InvalidInput(TOO_DEEP) from error
    if depth(found) > MAX_DEPTH:
        raise InvalidInput(TOO_DEEP)
    return found


def encode(formula: Formula) -> dict[str, Any]:
    """Turn a formula into JSON values."""
    return msgspec.json.decode(msgspec.json.encode(formula))


def children(node: Formula) -> tuple[Formula, ...]:
    """The formulas that a node is made of."""
    if isinstance(node, Operation):
        return (node.left, node.right)
    if isinstance(node, Negative):
        return (node.of,)
    if isinstance(node, Call):
        return node.of
    return (node.then, node.otherwise) if isinstance(node, Choice) else ()


def walk(node: Formula) -> Iterator[Formula]:
    """Each node, parents first, in reading order."""
    yield node
    for child in children(node):
        yield from walk(child)


def depth(formula: Formula) -> int:
    """How deep nodes are nested: 0 for one alone. Takes formulas of any depth."""
    deepest, level = -1, [formula]
    while level:
        level = [child for node in level for child in children(node)]
        deepest += 1
    return deepest


def conditions(formula: Formula) -> Iterator[Condition]:
    """The conditions of its choices."""
    for node in walk(formula):
        if isinstance(node, Choice):
            yield node.condition


def measures(formula: Formula) -> Iterator[Measured]:
    """The aggregates that are values in it; those within conditions are not among them."""
    for node in walk(formula):
        if isinstance(node, Measured):
            yield node


def traits(formula: Formula) -> Iterator[tuple[str, Owner]]:
    """Every trait that it reads, in values and in conditions, with its owner."""
    for node in walk(formula):
        if isinstance(node, TraitInput):
            yield node.name, node.owner
        elif isinstance(node, Measured):
            yield from _window_traits(node.window)
    for condition in conditions(formula):
        yield from rule_traits(condition)


def rule_traits(rule: tree.Tree) -> Iterator[tuple[str, Owner]]:
    """Every trait that a rule reads, with its owner."""
    for _, leaf in tree.leaves(rule):
        read = leaf.value if isinstance(leaf, tree.Measure) else leaf
        if isinstance(read, (tree.TraitCondition, tree.TraitValue)):
            yield read.name, read.owner
        if isinstance(leaf, tree.Measure):
            yield from _window_traits(leaf.window)


def _window_traits(window: Window) -> Iterator[tuple[str, Owner]]:
    if isinstance(window, (tree.BillingPeriod, tree.SinceTrait)):
        yield window.trait, window.owner
    elif isinstance(window, tree.Calendar) and window.zone != "workspace":
        yield tree.ZONE_TRAIT, "company" if window.zone == "company" else "own"


def trait_keys(read: Iterable[tuple[str, Owner]], kind: SubjectKind) -> set[tuple[SubjectKind, str]]:
    """Traits as (whose kind, name), seen from a rule or formula about `kind`."""
    return {("company" if owner == "company" else kind, name) for name, owner in read}


def segments(formula: Formula) -> Iterator[str]:
    """The segments that it refers to, by the rule's name."""
    for condition in conditions(formula):
        yield from tree.segments(condition)
