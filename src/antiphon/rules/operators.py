"""The operators on properties and traits: one row each.

The text form, validation, the JSON Schema, live evaluation, history, sentences, the reference page and the tests are all
derived from these rows; to add an operator is to add a row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal

import ibis
import msgspec

from antiphon.rules import matchers
from antiphon.rules.columns import Column, Flags, Jsons
from antiphon.rules.patterns import finder, wildcard_regex
from antiphon.rules.values import number, written

OperandKind = Literal["scalar", "ordered", "text", "pattern", "regex", "list", "none"]
"""What may stand on the right: any scalar; a number or text; a text; `a*`; a regex; a list of scalars; nothing."""

Test = Callable[[Any], bool]
Example = tuple[Any, Any, bool]
"""A property's value (None when it is missing), the operand, and whether the predicate holds."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """One row: how an operator is written, what it takes, and what it means live and over history.

    `live(operand)` gives the test of a value that is there; `history(column, operand)` the same over rows.
    `if_missing` is the truth for a missing value. `compare` is there for rows that also compare aggregates, `promql` for
    those that PromQL can test a label with.
    """

    key: str
    text: str
    operand: OperandKind
    live: Callable[[Any], Test]
    history: Callable[[Column, Any], Flags]
    sentence: str
    meaning: str
    examples: tuple[Example, ...]
    if_missing: bool = False
    compare: Callable[[Any, Any], bool] | None = None
    promql: matchers.Matcher | None = None

    def test(self, operand: Any) -> Test:
        """The test of any value, a missing one (None) included."""
        if_missing, present = self.if_missing, self.live(operand)

        def holds(value: Any) -> bool:
            return if_missing if value is None else present(value)

        return holds

    def column_test(self, column: Column, operand: Any) -> Flags:
        """The test of every row; never NULL."""
        holds = self.history(column, operand).fill_null(False)
        return (~column.exists) | holds if self.if_missing else column.exists & holds


# -- equality: same type and same value --------------------------------------------------------------------------


def _equal(operand: Any) -> Test:
    if type(operand) is bool:
        return lambda value: value is operand
    if type(operand) is str:
        return lambda value: type(value) is str and value == operand
    wanted = number(operand)
    return lambda value: number(value) == wanted


def _column_equal(column: Column, operand: Any) -> Flags:
    if type(operand) is bool:
        return column.flag == operand
    if type(operand) is str:
        return column.text == operand
    return column.number == float(operand)


def _in(operand: Any) -> Test:
    tests = [_equal(item) for item in operand]
    return lambda value: any(test(value) for test in tests)


def _column_in(column: Column, operand: Any) -> Flags:
    found: Flags = ibis.literal(False)
    for item in operand:
        found = found | _column_equal(column, item).fill_null(False)
    return found


# -- order: numbers by size, texts by code point -----------------------------------------------------------------


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    def live(operand: Any) -> Test:
        if type(operand) is str:
            return lambda value: type(value) is str and compare(value, operand)
        wanted = number(operand)

        def holds(value: Any) -> bool:
            found = number(value)
            return found is not None and compare(found, wanted)

        return holds

    return live


def _column_ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Column, Any], Flags]:
    def history(column: Column, operand: Any) -> Flags:
        return compare(column.text, operand) if type(operand) is str else compare(column.number, float(operand))

    return history


# -- text and lists ----------------------------------------------------------------------------------------------


def _contains(operand: Any) -> Test:
    same = _equal(operand)
    part = operand if type(operand) is str else None

    def holds(value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            return any(same(item) for item in value)
        return part is not None and type(value) is str and part in value

    return holds


def _negated(positive: Callable[[Any], Test]) -> Callable[[Any], Test]:
    def live(operand: Any) -> Test:
        holds = positive(operand)
        return lambda value: not holds(value)

    return live


def _column_contains(column: Column, operand: Any) -> Flags:
    def same(item: Jsons) -> Flags:
        return _column_equal(Column(item), operand)

    among = (column.items.filter(same).length() > 0).fill_null(False)
    return among | column.text.contains(operand).fill_null(False) if type(operand) is str else among


def _regex(operand: str) -> Test:
    found = finder(operand)

    def holds(value: Any) -> bool:
        text = written(value)
        return text is not None and found(text)

    return holds


OPERATORS: tuple[Operator, ...] = (
    Operator(
        key="=",
        text="=",
        operand="scalar",
        live=_equal,
        history=_column_equal,
        sentence="is",
        meaning="the same type and the same value",
        compare=operator.eq,
        promql=matchers.same("="),
        examples=(
            ("pro", "pro", True),
            ("Pro", "pro", False),
            (5, 5, True),
            (5.0, 5, True),
            ("5", 5, False),
            (5, "5", False),
            (True, 1, False),
            (1, True, False),
            (True, True, True),
            (["pro"], "pro", False),
            (None, "pro", False),
        ),
    ),
    Operator(
        key="!=",
        text="!=",
        operand="scalar",
        live=_negated(_equal),
        history=lambda column, operand: ~_column_equal(column, operand).fill_null(False),
        sentence="is not",
        meaning="not `=`: another value, another type, or missing",
        if_missing=True,
        compare=operator.ne,
        promql=matchers.same("!="),
        examples=(("pro", "pro", False), ("free", "pro", True), ("5", 5, True), ({"a": 1}, 5, True), (None, 5, True)),
    ),
    Operator(
        key="<",
        text="<",
        operand="ordered",
        live=_ordered(operator.lt),
        history=_column_ordered(operator.lt),
        sentence="is less than",
        meaning="a smaller number; or a text that sorts before, by code point",
        compare=operator.lt,
        examples=((4, 5, True), (5, 5, False), ("4", 5, False), ("2026-01-01", "2026-02-01", True), (None, 5, False)),
    ),
    Operator(
        key="<=",
        text="<=",
        operand="ordered",
        live=_ordered(operator.le),
        history=_column_ordered(operator.le),
        sentence="is at most",
        meaning="`<`, or equal",
        compare=operator.le,
        examples=((5, 5, True), (5.5, 5, False), (False, 5, False), ("b", "b", True), (None, 5, False)),
    ),
    Operator(
        key=">",
        text=">",
        operand="ordered",
        live=_ordered(operator.gt),
        history=_column_ordered(operator.gt),
        sentence="is more than",
        meaning="a greater number; or a text that sorts after, by code point",
        compare=operator.gt,
        examples=((6, 5, True), (5, 5, False), ("6", 5, False), ("b", "a", True), ("é", "z", True), (None, 5, False)),
    ),
    Operator(
        key=">=",
        text=">=",
        operand="ordered",
        live=_ordered(operator.ge),
        history=_column_ordered(operator.ge),
        sentence="is at least",
        meaning="`>`, or equal",
        compare=operator.ge,
        examples=((5, 5, True), (4.9, 5, False), (True, 1, False), ([9], 5, False), (None, 5, False)),
    ),
    Operator(
        key="in",
        text="in",
        operand="list",
        live=_in,
        history=_column_in,
        sentence="is one of",
        meaning="`=` to one of the list",
        promql=matchers.one_of("=~"),
        examples=(("a", ("a", 5), True), (5, ("a", 5), True), ("5", ("a", 5), False), (None, ("a",), False)),
    ),
    Operator(
        key="not_in",
        text="not in",
        operand="list",
        live=_negated(_in),
        history=lambda column, operand: ~_column_in(column, operand),
        sentence="is none of",
        meaning="`=` to none of the list, or missing",
        if_missing=True,
        promql=matchers.one_of("!~"),
        examples=(("a", ("a", 5), False), ("b", ("a", 5), True), ("5", (5,), True), (None, ("a",), True)),
    ),
    Operator(
        key="contains",
        text="contains",
        operand="scalar",
        live=_contains,
        history=_column_contains,
        sentence="contains",
        meaning="a text with this part in it (case counts); or a list with this item",
        promql=matchers.around(".*", ".*"),
        examples=(
            ("timeout", "time", True),
            ("Timeout", "time", False),
            (["a", 5], "a", True),
            (["a", 5], 5, True),
            (["a", "5"], 5, False),
            (["timeout"], "time", False),
            (55, 5, False),
            ({"a": 1}, "a", False),
            (None, "a", False),
        ),
    ),
    Operator(
        key="starts_with",
        text="starts with",
        operand="text",
        live=lambda operand: lambda value: type(value) is str and value.startswith(operand),
        history=lambda column, operand: column.text.startswith(operand),
        sentence="starts with",
        meaning="a text that begins so (case counts)",
        promql=matchers.around("", ".*"),
        examples=(
            ("/v1/items", "/v1", True),
            ("/V1", "/v1", False),
            ("%a", "%", True),
            (500, "5", False),
            (None, "a", False),
        ),
    ),
    Operator(
        key="ends_with",
        text="ends with",
        operand="text",
        live=lambda operand: lambda value: type(value) is str and value.endswith(operand),
        history=lambda column, operand: column.text.endswith(operand),
        sentence="ends with",
        meaning="a text that ends so (case counts)",
        promql=matchers.around(".*", ""),
        examples=(("a@b.io", "@b.io", True), ("a@b.io", "@B.io", False), (500, "0", False), (None, "a", False)),
    ),
    Operator(
        key="matches_regex",
        text="matches regex",
        operand="regex",
        live=_regex,
        history=lambda column, operand: column.written.re_search(operand),
        sentence="matches the regular expression",
        meaning="the RE2 expression is found anywhere in the text form; `^` and `$` bind it to the ends",
        promql=matchers.regex,
        examples=(
            ("v1.2", r"^v\d", True),
            ("xv1", r"^v\d", False),
            ("a\nb", "a.b", False),
            (503, "^5..$", True),
            (True, "^t", True),
            (["v1"], "v", False),
            (None, ".*", False),
        ),
    ),
    Operator(
        key="matches",
        text="matches",
        operand="pattern",
        live=lambda operand: _regex(wildcard_regex(operand)),
        history=lambda column, operand: column.written.re_search(wildcard_regex(operand)),
        sentence="matches",
        meaning="the whole text form (a number's is its shortest decimal) fits the pattern; `*` is any run of characters",
        promql=matchers.wildcard,
        examples=(
            (503, "5*", True),
            (403, "5*", False),
            ("503", "5*", True),
            (5.0, "5", True),
            (0.5, "0.5", True),
            ("/v1/a/b", "/v1/*", True),
            ("a\nb", "a*b", True),
            ("a.b", "a+b", False),
            (True, "tr*", True),
            ([5], "*", False),
            (None, "*", False),
        ),
    ),
    Operator(
        key="exists",
        text="exists",
        operand="none",
        live=lambda _: lambda _value: True,
        history=lambda column, _: column.exists,
        sentence="is known",
        meaning="there is a value (null is none)",
        promql=lambda _: ("!=", ""),
        examples=(("", None, True), (0, None, True), (False, None, True), ([], None, True), (None, None, False)),
    ),
    Operator(
        key="missing",
        text="missing",
        operand="none",
        live=lambda _: lambda _value: False,
        history=lambda column, _: ~column.exists,
        sentence="is not known",
        meaning="there is no value",
        if_missing=True,
        promql=lambda _: ("=", ""),
        examples=(("", None, False), (0, None, False), (None, None, True)),
    ),
)


def by_key() -> dict[str, Operator]:
    """The rows by their key."""
    return {row.key: row for row in OPERATORS}
