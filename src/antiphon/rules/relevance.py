"""Whether an event can matter to rules at all: one test of its name, and one of its properties, for all selectors."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.model.event import Event
from antiphon.rules.selectors import NameMatcher, name_test
from antiphon.rules.tree import Selector

MAX_NAMES = 10_000
"""Event names remembered; above it all are forgotten, and learnt again."""


class Relevance:
    """Tells whether any of some selectors takes an event."""

    def __init__(self, selectors: Iterable[Selector]) -> None:
        """Take the selectors of everything that listens."""
        self._selectors = [(number, item, name_test(item)) for number, item in enumerate(selectors)]
        self._names: dict[str, NameMatcher | None] = {}

    def __call__(self, event: Event) -> bool:
        """Whether one of the selectors takes the event."""
        if event.name not in self._names:
            self._learn(event.name)
        matcher = self._names[event.name]
        if matcher is None:
            return False
        return bool(matcher.met(matcher.classes(event.properties)))

    def _learn(self, name: str) -> None:
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        chosen = [(number, item) for number, item, test in self._selectors if test(name)]
        self._names[name] = NameMatcher(chosen) if chosen else None
