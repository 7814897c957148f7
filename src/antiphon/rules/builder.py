"""From what the grammar found to a tree."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

import msgspec
from lark import ParseTree, Token, Transformer
from lark.tree import Meta
from lark.visitors import v_args

from antiphon.errors import RuleSyntaxError
from antiphon.rules import tree
from antiphon.rules.grammar import OWNERS, alias
from antiphon.rules.operators import OPERATORS


def unquote(token: Token) -> str:
    """A name or text without its quotes; raises RuleSyntaxError for a wrong escape."""
    if not token.startswith('"'):
        return str(token)
    try:
        return json.loads(token.replace("\t", "\\t"))
    except ValueError as error:
        raise _wrong(token, 'After \\ in quotes comes one of \\ " / b f n r t or u and four digits.') from error


def _wrong(token: Token, message: str) -> RuleSyntaxError:
    return RuleSyntaxError(message, position=token.start_pos or 0)


def _number(token: Token) -> int | float:
    try:
        number = float(token)
    except ValueError as error:  # pragma: no cover - the grammar lets only numbers through
        raise _wrong(token, f"{token} is no number.") from error
    if number in (float("inf"), float("-inf")):
        raise _wrong(token, f"{token} is too large.")
    return int(token) if token.lstrip("-").isdigit() else number


def _whole(token: Token) -> int:
    number = _number(token)
    if not isinstance(number, int):
        raise _wrong(token, f"{token} must be a whole number.")
    return number


def _scalar(token: Token) -> tree.Scalar:
    return _number(token) if token.type == "NUMBER" else unquote(token)


def _unit(token: Token) -> tree.Unit:
    word = token.lower()
    return cast("tree.Unit", word if word.endswith("s") else f"{word}s")


def _calendar(period: Literal["day", "week", "month"], children: list[Token | None]) -> tree.Window:
    whose = children[0] if children else None
    if whose is None:
        return tree.Calendar(period)
    return tree.Calendar(period, "user" if whose.lower().startswith("user") else "company")


def _billing(every: Literal["month", "year"], children: list[Any]) -> tree.Window:
    if not children or children[0] is None:
        return tree.BillingPeriod(every=every)
    owner, name = children[0]
    return tree.BillingPeriod(name, owner, every)


class Built(msgspec.Struct, frozen=True):
    """What a text says, and where in it each condition begins, by the condition's `id`."""

    node: Any
    positions: dict[int, int]


def build(parsed: ParseTree) -> Built:
    """Make the tree of a parsed text; raises VisitError around a RuleSyntaxError that has a `position`."""
    builder = RuleBuilder()
    return Built(builder.transform(parsed), builder.positions)


@v_args(meta=True)  # pyright: ignore[reportUntypedClassDecorator] - lark's decorator gives the class back
class RuleBuilder(Transformer[Token, Any]):
    """One method for each rule of the grammar; remembers where each condition stands in the text."""

    def __init__(self) -> None:
        """Start with no positions."""
        super().__init__()
        self._operators = {alias(row.key): row.key for row in OPERATORS}
        self.positions: dict[int, int] = {}

    def _at(self, meta: Meta, node: tree.Condition) -> tree.Condition:
        self.positions[id(node)] = meta.start_pos
        return node

    def __default__(self, data: Any, children: list[Any], meta: Meta) -> Any:
        """The rules made from the tables."""
        made, _, key = str(data).partition("_")
        if made == "op":
            return self._operators[key], children[0] if children else None
        if made == "compare":
            return self._operators[key], children[0]
        if made == "date":
            return key, children[0]
        if made == "agg":
            return self._aggregate(key, children)
        raise AssertionError(data)

    def _aggregate(self, key: str, children: list[Any]) -> tree.Aggregate:
        if isinstance(children[0], str):
            return tree.Aggregate(key, children[1], property=children[0])
        return tree.Aggregate(key, children[0], to=children[1] if len(children) > 1 else None)

    # -- conditions ----------------------------------------------------------------------------------------------

    def start(self, _: Meta, children: list[Any]) -> Any:
        """The whole text."""
        return children[0]

    selector_start = start

    def all_of(self, meta: Meta, children: list[Any]) -> Any:
        """`all of (...)`."""
        return self._at(meta, tree.AllOf(tuple(children)))

    def any_of(self, meta: Meta, children: list[Any]) -> Any:
        """`any of (...)`."""
        return self._at(meta, tree.AnyOf(tuple(children)))

    def none_of(self, meta: Meta, children: list[Any]) -> Any:
        """`none of (...)`."""
        return self._at(meta, tree.NoneOf(tuple(children)))

    def at_least(self, meta: Meta, children: list[Any]) -> Any:
        """`at least N of (...)`."""
        return self._at(meta, tree.AtLeast(_whole(children[0]), tuple(children[1:])))

    def measure(self, meta: Meta, children: list[Any]) -> Any:
        """An aggregate, compared."""
        aggregate, window, (op, value), *known_for = children
        node = tree.Measure(aggregate, op, value, window or tree.Ever(), known_for[0] if known_for else None)
        return self._at(meta, node)

    def trait(self, meta: Meta, children: list[Any]) -> Any:
        """A trait, tested."""
        (owner, name), (op, value) = children
        return self._at(meta, tree.TraitCondition(name, op, value, owner))

    def inside(self, meta: Meta, children: list[Any]) -> Any:
        """`in segment S`."""
        return self._at(meta, tree.InSegment(children[0]))

    def outside(self, meta: Meta, children: list[Any]) -> Any:
        """`not in segment S`."""
        return self._at(meta, tree.InSegment(children[0], inside=False))

    def sequence(self, meta: Meta, children: list[Any]) -> Any:
        """`did A, then B, within W`."""
        *steps, within = children
        return self._at(meta, tree.Sequence(tuple(steps), within))

    def follow_up(self, meta: Meta, children: list[Any]) -> Any:
        """`did A, then not B, for W`."""
        return self._at(meta, tree.FollowUpMissing(*children))

    # -- selectors -----------------------------------------------------------------------------------------------

    def selector(self, _: Meta, children: list[Any]) -> tree.Selector:
        """An event with its predicates."""
        (event, match), *where = children
        return tree.Selector(event, match, tuple(where))

    def exact(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        """A name, with or without quotes."""
        return unquote(children[0]), "exact"

    def wildcard(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        """A pattern."""
        return unquote(children[0]), "wildcard"

    def regex(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        """A regular expression."""
        return unquote(children[0]), "regex"

    def predicate(self, _: Meta, children: list[Any]) -> tree.Predicate:
        """A test of a property."""
        name, (op, value) = children
        return tree.Predicate(name, op, value)

    # -- windows and right-hand sides ----------------------------------------------------------------------------

    def last(self, _: Meta, children: list[tree.Duration]) -> tree.Window:
        """`in the last 24 hours`."""
        return tree.Last(children[0].amount, children[0].unit)

    def ever(self, _: Meta, __: list[Any]) -> tree.Window:
        """`ever`."""
        return tree.Ever()

    def today(self, _: Meta, children: list[Token | None]) -> tree.Window:
        """`today`, perhaps with whose time zone."""
        return _calendar("day", children)

    def this_week(self, _: Meta, children: list[Token | None]) -> tree.Window:
        """`this week`."""
        return _calendar("week", children)

    def this_month(self, _: Meta, children: list[Token | None]) -> tree.Window:
        """`this month`."""
        return _calendar("month", children)

    def billed_monthly(self, _: Meta, children: list[Any]) -> tree.Window:
        """`this billing period`, perhaps with the trait that it is counted from."""
        return _billing("month", children)

    def billed_yearly(self, _: Meta, children: list[Any]) -> tree.Window:
        """`this yearly billing period`."""
        return _billing("year", children)

    def since(self, _: Meta, children: list[Any]) -> tree.Window:
        """`since signed_up`."""
        owner, name = children[0]
        return tree.SinceTrait(name, owner)

    def within(self, _: Meta, children: list[Any]) -> tree.Window:
        """`within 7 days of signed_up`."""
        duration, (owner, name) = children
        return tree.SinceTrait(name, owner, duration)

    def between(self, _: Meta, children: list[Token]) -> tree.Window:
        """`between 2026-01-01 and 2026-01-31`."""
        return tree.Between(str(children[0]), str(children[1]))

    def whole_baseline(self, _: Meta, children: list[tree.Duration]) -> tree.Baseline:
        """`its average over the previous 4 weeks`."""
        return tree.Baseline(100, children[0])

    def part_of_baseline(self, _: Meta, children: list[Any]) -> tree.Baseline:
        """`50% of its average over the previous 4 weeks`."""
        return tree.Baseline(_number(children[0]), children[1])

    def percent(self, _: Meta, children: list[Token]) -> tree.Percent:
        """`10%`."""
        return tree.Percent(_number(children[0]))

    def whole_trait(self, _: Meta, children: list[Any]) -> tree.TraitValue:
        """`company.plan_limit`."""
        owner, name = children[0]
        return tree.TraitValue(name, owner)

    def part_of_trait(self, _: Meta, children: list[Any]) -> tree.TraitValue:
        """`80% of company.plan_limit`."""
        percent, (owner, name) = children
        return tree.TraitValue(name, owner, _number(percent))

    # -- the small parts -----------------------------------------------------------------------------------------

    def trait_name(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        """A bare name, perhaps with its owner before a dot."""
        owner, dot, name = str(children[0]).partition(".")
        return (owner, name) if dot and owner in OWNERS else ("own", str(children[0]))

    def quoted_trait(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        """A name in quotes."""
        return "own", unquote(children[0])

    def owned_trait(self, _: Meta, children: list[Token]) -> tuple[str, str]:
        """An owner, and a name in quotes."""
        return children[0].rstrip("."), unquote(children[1])

    def name(self, _: Meta, children: list[Token]) -> str:
        """A name with or without quotes."""
        return unquote(children[0])

    def duration(self, _: Meta, children: list[Token]) -> tree.Duration:
        """`24 hours`."""
        return tree.Duration(_whole(children[0]), _unit(children[1]))

    def one(self, _: Meta, children: list[Token]) -> tree.Duration:
        """`the last hour`."""
        return tree.Duration(1, _unit(children[0]))

    def scalar(self, _: Meta, children: list[Token]) -> tree.Scalar:
        """A text or number."""
        return _scalar(children[0])

    ordered = text = pattern = scalar

    def literal(self, _: Meta, children: list[Any]) -> Any:
        """A value as the right-hand side."""
        return children[0]

    def target(self, _: Meta, children: list[Any]) -> Any:
        """A right-hand side that stands for itself."""
        return children[0]

    def true(self, _: Meta, __: list[Any]) -> bool:
        """`true`."""
        return True

    def false(self, _: Meta, __: list[Any]) -> bool:
        """`false`."""
        return False

    def list(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        """Values in brackets."""
        return tuple(children)
