"""Selectors compiled for live use: which selectors an event's name and property values meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from antiphon.rules import operators
from antiphon.rules.patterns import finder, wildcard_regex
from antiphon.rules.tree import Predicate, Selector, canonical


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

    `keys` are the properties that decide. Each distinct predicate is evaluated once, whichever selectors share it.
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
        self.keys = tuple(dict.fromkeys(predicate.property for _, predicate in predicates.values()))
        rows = operators.by_key()
        self._tests = tuple(
            (bit, self.keys.index(predicate.property), rows[predicate.op].test(predicate.value))
            for bit, predicate in predicates.values()
        )

    def truths(self, values: Sequence[Any]) -> int:
        """The predicates that hold, as bits, for the values of `keys`."""
        held = 0
        for bit, index, test in self._tests:
            if test(values[index]):
                held |= bit
        return held

    def met(self, held: int) -> list[int]:
        """The numbers of the selectors whose predicates all hold."""
        return [identifier for mask, identifier in self._needed if mask & held == mask]
