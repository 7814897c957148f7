"""Selectors compiled for live use: which selectors an event's name and property values meet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from msgspec.json import encode

from antiphon.model.event_batch import UNKNOWN, ValueClasses
from antiphon.rules import operators
from antiphon.rules.patterns import finder, wildcard_regex
from antiphon.rules.tree import Predicate, Selector, canonical
from antiphon.rules.values import EXACT_INTEGER, number

MAX_KNOWN = 8_192
"""Values remembered for each property beside those that rules name; above it all are forgotten, and learnt again."""

_BY_EQUALITY = frozenset({"=", "!=", "in", "not_in", "exists", "missing"})
"""Operators that do not tell apart texts that no predicate names."""

_UNLESS_NAMED = frozenset({"!=", "not_in", "exists"})
"""Of these, those that hold for every value that they do not name."""

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
        self._numbers = [identifier for identifier, _ in selectors]
        places: dict[bytes, int] = {}
        self._predicates: list[Predicate] = []
        self._needed: list[tuple[int, ...]] = []
        for _, selector in selectors:
            needed: list[int] = []
            for predicate in selector.where:
                place = places.setdefault(encode(predicate), len(places))
                if place == len(self._predicates):
                    self._predicates.append(predicate)
                needed.append(place)
            self._needed.append(tuple(needed))
        self._unconditional = [row for row, needed in enumerate(self._needed) if not needed]
        self._looked_up = self._by_rarest()
        by_property: dict[str, list[tuple[int, Predicate]]] = {}
        for place, predicate in enumerate(self._predicates):
            by_property.setdefault(predicate.property, []).append((place, predicate))
        self.properties = tuple(Truths(name, found) for name, found in by_property.items())

    def _by_rarest(self) -> list[list[int]]:
        """By predicate, the selectors to look at when it holds: each selector stands at the one that fewest others share."""
        shared = [0] * len(self._predicates)
        for needed in self._needed:
            for place in needed:
                shared[place] += 1
        for place, predicate in enumerate(self._predicates):
            if predicate.op in _UNLESS_NAMED:  # it holds for almost every event
                shared[place] += len(self._needed)
        found: list[list[int]] = [[] for _ in self._predicates]
        for row, needed in enumerate(self._needed):
            if needed:
                found[min(needed, key=shared.__getitem__)].append(row)
        return found

    def classes(self, properties: Mapping[str, Any]) -> list[int]:
        """The class that each of an event's deciding properties is of."""
        return [truths.class_of(properties.get(truths.name)) for truths in self.properties]

    def met(self, classes: Sequence[int]) -> list[int]:
        """The numbers of the selectors whose predicates all hold."""
        true: set[int] = set()
        for truths, one in zip(self.properties, classes, strict=True):
            true.update(truths.held(one))
        needed, looked_up = self._needed, self._looked_up
        rows = [
            row for place in true for row in looked_up[place] if len(needed[row]) == 1 or true.issuperset(needed[row])
        ]
        return [self._numbers[row] for row in sorted((*self._unconditional, *rows))]


class Truths:
    """Which predicates on one property hold for a value; values that no predicate tells apart are looked at once.

    Values for which the same hold are of one class, and `held` tells what holds by class. `classes` is what compiled code needs to
    tell the class of most values.
    """

    def __init__(self, name: str, predicates: Sequence[tuple[int, Predicate]]) -> None:
        """Take the property's name and the predicates on it, each with its place."""
        self.name = name
        self._predicates = predicates
        self._named: dict[Any, tuple[list[int], list[int]]] = {}  # what holds for a value alone, and for all but it
        self._unless: list[int] = []
        self._rest: list[tuple[int, operators.Test]] = []
        for place, predicate in predicates:
            if predicate.op in _UNLESS_NAMED:
                self._unless.append(place)
            if predicate.op not in _BY_EQUALITY:
                self._rest.append((place, _test(predicate)))
                continue
            for item in _items(predicate.value):
                one = _plain(item)
                if one is not None:
                    self._named.setdefault(one, ([], []))[predicate.op in _UNLESS_NAMED].append(place)
        self._held: list[_Held] = []
        self._class_of_held: dict[_Held, int] = {}
        self._known: dict[Any, int] = {}
        self.classes = self._classes()

    def _classes(self) -> ValueClasses:
        operands = [_plain(item) for _, predicate in self._predicates for item in _items(predicate.value)]
        keys = {predicate.op for _, predicate in self._predicates}
        numbers = sorted({one for one in operands if type(one) is float})
        texts = {one for one in operands if type(one) is str}
        self._numbers = numbers if keys <= _BY_SIZE else None
        return ValueClasses(
            name=self.name,
            texts=self._known,
            named=frozenset(texts) if keys <= _BY_EQUALITY else None,
            other=self._find(max(texts, default="") + "?"),
            missing=self._class(self._tested(None)),
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
            return self._learn(value) if held is None else held
        if (kind is float or kind is int) and -EXACT_INTEGER < value < EXACT_INTEGER:
            numbers = self._numbers
            if numbers is None:
                held = self._known.get(value)
                return self._learn(value) if held is None else held
            place = bisect_left(numbers, value) * 2
            if place < len(numbers) * 2 and numbers[place >> 1] == value:
                place += 1
            held = int(classes.between[place])
            if held == UNKNOWN:
                held = classes.between[place] = self._find(value)
            return held
        return self._class(self._tested(value)) if kind is bool else self._find(value)

    def held(self, number: int) -> Iterator[int]:
        """The places of the predicates that hold for a class."""
        found = self._held[number]
        if found.unless:
            yield from self._unless if not found.without else (one for one in self._unless if one not in found.without)
        yield from found.places

    def _learn(self, value: str | float) -> int:
        classes = self.classes
        if classes.named is not None and type(value) is str and value not in classes.named:
            return classes.other
        if len(self._known) >= MAX_KNOWN + len(self._named):
            self._known.clear()
        held = self._known[value] = self._find(value)
        return held

    def _find(self, value: Any) -> int:
        named, unnamed = self._named.get(_plain(value), _NONE)
        places = (*named, *(place for place, test in self._rest if test(value)))
        return self._class(_Held(places, frozenset(unnamed), unless=True))

    def _tested(self, value: Any) -> _Held:
        """The same by each predicate's own test: for what is not looked up."""
        return _Held(tuple(place for place, one in self._predicates if _test(one)(value)), frozenset(), unless=False)

    def _class(self, held: _Held) -> int:
        found = self._class_of_held.setdefault(held, len(self._held))
        if found == len(self._held):
            self._held.append(held)
        return found


class _Held(NamedTuple):
    """A set of predicates: `places`; and, with `unless`, all that hold for whatever they do not name, but for those in `without`."""

    places: tuple[int, ...]
    without: frozenset[int]
    unless: bool


_NONE: tuple[list[int], list[int]] = ([], [])


def _test(predicate: Predicate) -> operators.Test:
    return _rows()[predicate.op].test(predicate.value)


@lru_cache(maxsize=1)
def _rows() -> Mapping[str, operators.Operator]:
    return operators.by_key()


def _items(operand: Any) -> tuple[Any, ...]:
    return operand if isinstance(operand, tuple) else (operand,)


def _plain(value: Any) -> str | float | None:
    """What equal values have in common, to be looked up by; None for what is neither text nor number."""
    return value if type(value) is str else number(value)
