"""A rule as one typed tree: what the builder, the text form and JSON all stand for.

Every node is an immutable msgspec struct; in JSON a node says what it is in `kind`. The tree holds what the person
wrote (24 hours stays 24 hours, not 1 day), so that text -> tree -> text is stable. What the operators and aggregates
mean stands in `operators.py` and `aggregates.py`; whether a tree makes sense is told by `validate.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.clock import DAY, HOUR, MINUTE, WEEK

Scalar = str | bool | int | float
Owner = Literal["own", "user", "company"]
"""Whose trait: the rule's own subject, or (in a rule about users) the user or the user's company by name."""

Unit = Literal["minutes", "hours", "days", "weeks", "months"]
MONTH = 30 * DAY
"""A month as a length of time; `this month` is the calendar's."""
UNIT_MS: dict[Unit, int] = {"minutes": MINUTE, "hours": HOUR, "days": DAY, "weeks": WEEK, "months": MONTH}


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all nodes share: immutable, and a misspelt field is refused instead of ignored."""


class Tagged(Node, frozen=True, tag_field="kind"):
    """A node that may stand where others may too; `kind` tells which it is."""


class Duration(Tagged, frozen=True, tag="duration"):
    """A length of time as written: `24 hours`."""

    amount: int
    unit: Unit

    @property
    def ms(self) -> int:
        """The length in milliseconds; a month counts 30 days."""
        return self.amount * UNIT_MS[self.unit]


class Predicate(Node, frozen=True):
    """A test of one property of an event; `op` is a key of `operators.OPERATORS`."""

    property: str
    op: str
    value: Scalar | tuple[Scalar, ...] | None = None


class Selector(Node, frozen=True):
    """Which events: a name (exact, with `*` wildcards, or an RE2 regex), and predicates that must all hold."""

    event: str
    match: Literal["exact", "wildcard", "regex"] = "exact"
    where: tuple[Predicate, ...] = ()


class Aggregate(Node, frozen=True):
    """One value made of the selected events; `kind` is a key of `aggregates.AGGREGATES`.

    `property` is what is summed, averaged, ...; `to` is the denominator of a ratio.
    """

    kind: str
    selector: Selector
    property: str | None = None
    to: Selector | None = None


# -- windows ----------------------------------------------------------------------------------------------------


class Ever(Tagged, frozen=True, tag="ever"):
    """Since the first event."""


class Last(Tagged, frozen=True, tag="last"):
    """A window that slides: `in the last 24 hours`."""

    amount: int
    unit: Unit

    @property
    def length(self) -> Duration:
        """The window's length."""
        return Duration(self.amount, self.unit)


ZONE_TRAIT = "timezone"
"""The trait that names the time zone of a user or company."""

BILLING_TRAIT = "billing_anchor"
"""The date trait that billing periods are counted from unless a rule names another."""


class Calendar(Tagged, frozen=True, tag="calendar"):
    """Since the start of the day, week (from Monday) or month, in the time zone of the workspace, the user or the company."""

    period: Literal["day", "week", "month"]
    zone: Literal["workspace", "user", "company"] = "workspace"


class BillingPeriod(Tagged, frozen=True, tag="billing_period"):
    """Monthly or yearly, counted from the day (UTC) of a date trait, forwards and backwards."""

    trait: str = BILLING_TRAIT
    owner: Owner = "own"
    every: Literal["month", "year"] = "month"


class SinceTrait(Tagged, frozen=True, tag="since_trait"):
    """From the day (UTC) of a date trait on; with `within`, until so many days after it."""

    trait: str
    owner: Owner = "own"
    within: Duration | None = None


class Between(Tagged, frozen=True, tag="between"):
    """From the start of one ISO date to the end of another, in the workspace's time zone."""

    start: str
    end: str


Window = Ever | Last | Calendar | BillingPeriod | SinceTrait | Between

# -- right-hand sides --------------------------------------------------------------------------------------------


class Percent(Tagged, frozen=True, tag="percent"):
    """A share: `10%` is 0.1."""

    value: int | float


class TraitValue(Tagged, frozen=True, tag="trait"):
    """A trait, or a percentage of it: `80% of company.plan_limit`."""

    name: str
    owner: Owner = "own"
    percent: int | float = 100


class Baseline(Tagged, frozen=True, tag="baseline"):
    """The mean of the same aggregate over the windows of equal length before: `50% of its average over the previous 4 weeks`."""

    percent: int | float
    over: Duration


Target = Scalar | Duration | Percent | TraitValue | Baseline

# -- conditions --------------------------------------------------------------------------------------------------


class Measure(Tagged, frozen=True, tag="measure"):
    """An aggregate over a window, compared; `known_for` asks that the subject was first seen so long ago."""

    aggregate: Aggregate
    op: str
    value: Target
    window: Window = Ever()
    known_for: Duration | None = None


class TraitCondition(Tagged, frozen=True, tag="trait"):
    """A test of a trait; `value` is a length of time for operators on dates."""

    name: str
    op: str
    value: Scalar | tuple[Scalar, ...] | Duration | None = None
    owner: Owner = "own"


class InSegment(Tagged, frozen=True, tag="segment"):
    """Whether the subject is in another rule's segment, by the rule's name."""

    name: str
    inside: bool = True


class Sequence(Tagged, frozen=True, tag="sequence"):
    """`did A, then B, within W`: 2 to 5 steps, each later than the one before; once true, it stays so."""

    steps: tuple[Selector, ...]
    within: Duration


class FollowUpMissing(Tagged, frozen=True, tag="follow_up_missing"):
    """`did A, then not B, for W`: true from W after the first A that no B has followed, until a B comes."""

    did: Selector
    then_not: Selector
    wait: Duration


class AllOf(Tagged, frozen=True, tag="all"):
    """Every condition holds."""

    of: tuple[Condition, ...]


class AnyOf(Tagged, frozen=True, tag="any"):
    """At least one condition holds."""

    of: tuple[Condition, ...]


class NoneOf(Tagged, frozen=True, tag="none"):
    """No condition holds."""

    of: tuple[Condition, ...]


class AtLeast(Tagged, frozen=True, tag="at_least"):
    """At least `count` of the conditions hold."""

    count: int
    of: tuple[Condition, ...]


Group = AllOf | AnyOf | NoneOf | AtLeast
Leaf = Measure | TraitCondition | InSegment | Sequence | FollowUpMissing
Condition = Measure | TraitCondition | InSegment | Sequence | FollowUpMissing | AllOf | AnyOf | NoneOf | AtLeast
Tree = Condition
"""A rule is its topmost condition."""

GROUPS = (AllOf, AnyOf, NoneOf, AtLeast)

MAX_DEPTH = 10
"""Groups may be nested so deep."""


def decode(value: Any) -> Tree:
    """Turn JSON values into a tree; its shape is checked here, its sense by `validate.validate`.

    Raises InvalidInput, which names the place in the JSON.
    """
    try:
        rule = msgspec.convert(value, Condition)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"This is no rule: {error}") from error
    except RecursionError as error:
        raise InvalidInput(TOO_DEEP) from error
    if depth(rule) > MAX_DEPTH:
        raise InvalidInput(TOO_DEEP)
    return rule


TOO_DEEP = f"Groups can be nested {MAX_DEPTH} deep."


def depth(rule: Tree) -> int:
    """How deep groups are nested: 0 for a condition without a group. Takes trees of any depth."""
    deepest = 0
    level: list[Condition] = [rule]
    while level:
        level = [child for node in level if isinstance(node, GROUPS) for child in node.of]
        deepest += 1
    return deepest - 1


def encode(tree: Tree) -> dict[str, Any]:
    """Turn a tree into JSON values."""
    return msgspec.json.decode(msgspec.json.encode(tree))


def canonical(node: Any) -> bytes:
    """Give the same bytes for the same meaning: JSON, with a whole number written as such."""
    return msgspec.json.encode(_plain(msgspec.to_builtins(node)), order="deterministic")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def walk(tree: Tree, path: str = "") -> Iterator[tuple[str, Condition]]:
    """Give each condition with its path (`""` for the top, `"0.2"` for the third in the first), parents first."""
    yield path, tree
    if isinstance(tree, GROUPS):
        for index, child in enumerate(tree.of):
            yield from walk(child, f"{path}.{index}" if path else str(index))


def leaves(tree: Tree) -> Iterator[tuple[str, Leaf]]:
    """Give each condition that is no group, with its path, in reading order."""
    for path, node in walk(tree):
        if not isinstance(node, GROUPS):
            yield path, node


def segments(tree: Tree) -> Iterator[str]:
    """Give the names of the segments that a tree refers to."""
    for _, leaf in leaves(tree):
        if isinstance(leaf, InSegment):
            yield leaf.name


def selectors(tree: Tree) -> Iterator[Selector]:
    """Give every selector in a tree, repetitions included."""
    for _, leaf in leaves(tree):
        if isinstance(leaf, Measure):
            yield leaf.aggregate.selector
            if leaf.aggregate.to is not None:
                yield leaf.aggregate.to
        elif isinstance(leaf, Sequence):
            yield from leaf.steps
        elif isinstance(leaf, FollowUpMissing):
            yield leaf.did
            yield leaf.then_not
