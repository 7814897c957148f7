"""Selectors compiled for live use: which selectors an event's name and property values meet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.model.event_columns import UNKNOWN, ValueClasses
from antiphon.rules import operators
from antiphon.rules.patterns import finder, wildcard_regex
from antiphon.rules.tree import Predicate, Selector, canonical
from antiphon.rules.values import EXACT_INTEGER, number

MAX_KNOWN = 8_192
"""Texts remembered for each property; above it all are forgotten, and learnt again."""

_BY_EQUALITY = frozenset({"=", "!=", "in", "not_in", "exists", "missing"})
"""Operators that do not tell apart texts that no predicate names."""

_BY_SIZE = _BY_EQUALITY | {"<", "<=", ">", ">=", "contains", "starts_with", "ends_with"}
"""Operators that do not tell apart numbers between two neighbouring operands."""


def name_test(selector: Selector) -> Callable[[str], bool]:
    """The test of an event's name."""
    if selector.match == "exact":
        return lambda name: name == selector.event
    return finder(wildcard_regex(selector.event) if selector.match == "wildcard" else selector.event)


def event_names(selectors: Iterable[Selector]) -> tuple[frozenset[str], frozenset[str]]:
    """Which event names any of the selectors can take: names as they are, and RE2 expressions to find in a name."""
    exact, regexes = set[str](), set[str]()
    for selector in selectors:
        if selector.match == "exact":
            exact.add(selector.event)
        else:
            regexes.add(wildcard_regex(selector.event) if selector.match == "wildcard" else selector.event)
    return frozenset(exact), frozenset(regexes)


def normal(selector: Selector) -> Selector:
    """The selector with its predicates in one order and none twice: what it selects does not depend on that."""
    ordered = sorted(selector.where, key=canonical)
    unique = [
        item for index, item in enumerate(ordered) if not index or canonical(item) != canonical(ordered[index - 1])
    ]
    return Selector(selector.event, selector.match, tuple(unique))


class NameMatcher:
    """The selectors that one event name can meet, and the tests that tell which of them an event does meet.

    `properties` are the properties that decide. Each distinct predicate is evaluated once, whichever selectors share it.
    """

    def __init__(self, selectors: Sequence[tuple[int, Selector]]) -> None:
        """Take the selectors whose name test holds, each with its number."""
        predicates: dict[bytes, tuple[int, Predicate]] = {}
        needed: list[tuple[int, int]] = []
        for identifier, selector in selectors:
            mask = 0
            for predicate in selector.where:
                bit, _ = predicates.setdefault(canonical(predicate), (1 << len(predicates), predicate))
                mask |= bit
            needed.append((mask, identifier))
        self._needed = needed
        by_property: dict[str, list[tuple[int, Predicate]]] = {}
        for bit, predicate in predicates.values():
            by_property.setdefault(predicate.property, []).append((bit, predicate))
        self.properties = tuple(Truths(name, found) for name, found in by_property.items())

    def held(self, properties: Mapping[str, Any]) -> int:
        """The predicates that hold for an event's properties, as bits."""
        held = 0
        for truths in self.properties:
            held |= truths.bits[truths.class_of(properties.get(truths.name))]
        return held

    def met(self, held: int) -> list[int]:
        """The numbers of the selectors whose predicates all hold."""
        return [identifier for mask, identifier in self._needed if mask & held == mask]


class Truths:
    """Which predicates on one property hold for a value, as bits; values that no predicate tells apart are looked at once.

    Values for which the same hold are of one class; `bits` has what holds by class. `classes` is what compiled code needs to tell
    the class of most values.
    """

    def __init__(self, name: str, predicates: Sequence[tuple[int, Predicate]]) -> None:
        """Take the property's name and the predicates on it, each with its bit."""
        rows = operators.by_key()
        self.name = name
        self.bits: list[int] = []
        self._class_of_bits: dict[int, int] = {}
        self._tests = [(bit, rows[predicate.op].test(predicate.value)) for bit, predicate in predicates]
        operands = [item for _, predicate in predicates for item in _items(predicate.value)]
        keys = {predicate.op for _, predicate in predicates}
        numbers = sorted({float(one) for one in operands if number(one) is not None})
        self._numbers = numbers if keys <= _BY_SIZE else None
        texts = {one for one in operands if type(one) is str}
        self._known: dict[str, int] = {}
        self.classes = ValueClasses(
            name=name,
            texts=self._known,
            named=frozenset(texts) if keys <= _BY_EQUALITY else None,
            other=self._find(max(texts, default="") + "?"),
            missing=self._find(None),
            numbers=None if self._numbers is None else np.array(numbers, np.float64),
            between=np.full(2 * len(numbers) + 1, UNKNOWN, np.int64),
        )

    def class_of(self, value: Any) -> int:
        """The class of a value (None: missing)."""
        classes = self.classes
        if value is None:
            return classes.missing
        kind = type(value)
        if kind is str:
            held = self._known.get(value)
            return self._text(value) if held is None else held
        if (kind is float or kind is int) and self._numbers is not None and -EXACT_INTEGER < value < EXACT_INTEGER:
            numbers = self._numbers
            place = bisect_left(numbers, value) * 2
            if place < len(numbers) * 2 and numbers[place >> 1] == value:
                place += 1
            held = int(classes.between[place])
            if held == UNKNOWN:
                held = classes.between[place] = self._find(value)
            return held
        return self._find(value)

    def _text(self, value: str) -> int:
        classes = self.classes
        if classes.named is not None and value not in classes.named:
            return classes.other
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        held = self._known[value] = self._find(value)
        return held

    def _find(self, value: Any) -> int:
        held = 0
        for bit, test in self._tests:
            if test(value):
                held |= bit
        found = self._class_of_bits.setdefault(held, len(self.bits))
        if found == len(self.bits):
            self.bits.append(held)
        return found


def _items(operand: Any) -> tuple[Any, ...]:
    return operand if isinstance(operand, tuple) else (operand,)
