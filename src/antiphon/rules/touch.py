"""What an event means to the rules, remembered per distinct event signature."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from antiphon.model.event import Event
from antiphon.model.event_columns import NOT_HERE, Meanings
from antiphon.model.subject import SubjectKind
from antiphon.rules.metrics import Folds, Kept, Metric
from antiphon.rules.selectors import NameMatcher, name_test
from antiphon.rules.tree import Selector

MAX_NAMES = 10_000
"""Event names remembered; above it everything is forgotten, and learnt again."""

MAX_MEANINGS = 65_536
"""Signatures remembered; above it everything is forgotten, and learnt again."""


class Plan:
    """What to do with an event for one subject: which metrics to bring it into, and which rules to evaluate then.

    `totals` are keys of counts over all time, `counts` (key, bucket width in ms, limit) those of counts over sliding
    windows; `others` are all further metrics. `kept` are those that the kernel leaves to Python, see `kernel.lower`.
    """

    __slots__ = ("counts", "kept", "metrics", "others", "rules", "totals")

    def __init__(self, metrics: Sequence[Folds], rules: Iterable[int]) -> None:
        """Sort the metrics by how they are folded."""
        plain = [metric for metric in metrics if isinstance(metric, Metric) and metric.accumulator.key == "count"]
        self.metrics = tuple(metrics)
        self.kept: tuple[Folds, ...] = ()
        self.rules = tuple(rules)
        self.totals = tuple(metric.key for metric in plain if metric.ever)
        self.counts = tuple((metric.key, metric.width, metric.limit) for metric in plain if metric.width)
        folded = {*self.totals, *(key for key, _, _ in self.counts)}
        self.others = tuple(metric for metric in metrics if metric.key not in folded)

    def __bool__(self) -> bool:
        """Whether any rule is touched."""
        return bool(self.rules)


class Touch:
    """What an event means: a plan for the user's state and one for the company's, and the watches that it meets."""

    __slots__ = ("company", "user", "watches")

    def __init__(self, user: Plan, company: Plan, watches: tuple[str, ...]) -> None:
        """Keep the three."""
        self.user = user
        self.company = company
        self.watches = watches


def no_touch() -> Touch:
    """What an event means that no rule and no watch is about."""
    return Touch(Plan((), ()), Plan((), ()), ())


class _Name:
    """What is known of one event name: `known` maps the classes that its properties are of to the number of what an event means."""

    __slots__ = ("known", "matcher")

    def __init__(self, matcher: NameMatcher, known: dict[bytes, int]) -> None:
        self.matcher = matcher
        self.known = known


class Toucher:
    """Finds what an event means to the rules of a program."""

    def __init__(
        self,
        selectors: Sequence[Selector],
        metrics: Mapping[SubjectKind, Sequence[Kept]],
        rules: Sequence[tuple[SubjectKind, int, frozenset[str]]],
        watches: Sequence[tuple[int, str]],
    ) -> None:
        """Take numbered selectors, the metrics of each kind, (kind, id, metric keys) of rules, (selector, key) of watches."""
        self._selectors = [(number, selector, name_test(selector)) for number, selector in enumerate(selectors)]
        self._metrics: dict[tuple[SubjectKind, int], list[Folds]] = defaultdict(list)
        for kind, items in metrics.items():
            for metric in items:
                for selector_id, folds in metric.parts():
                    self._metrics[kind, selector_id].append(folds)
        self._rules: dict[tuple[SubjectKind, str], list[int]] = defaultdict(list)
        for kind, rule_id, keys in rules:
            for key in keys:
                self._rules[kind, key].append(rule_id)
        self._watches: dict[int, list[str]] = defaultdict(list)
        for number, key in watches:
            self._watches[number].append(key)
        self._nothing = no_touch()
        self._forget()

    def _forget(self) -> None:
        self._names: dict[str, _Name] = {}
        self._numbers = Meanings()
        self.met: list[Touch] = []

    def touch(self, event: Event) -> Touch:
        """What the event means; `touch.user.rules`, `touch.company.rules` and `touch.watches` are empty for nothing."""
        self._make_room()
        return self.met[self._number(event)]

    def touch_all(self, events: list[Event]) -> NDArray[np.int64]:
        """What each event means, as a place in `met`: a list that grows, and is another one when everything was forgotten."""
        self._make_room()
        numbers, missing = self._numbers.of(events)
        if missing:
            for index in np.flatnonzero(numbers == NOT_HERE).tolist():
                numbers[index] = self._number(events[index])
        return numbers

    def _make_room(self) -> None:
        if len(self.met) >= MAX_MEANINGS or len(self._names) >= MAX_NAMES:
            self._forget()

    def _number(self, event: Event) -> int:
        name = self._names.get(event.name)
        if name is None:
            name = self._learn(event.name)
        get = event.properties.get
        properties = name.matcher.properties
        signature = array("I", [truths.class_of(get(truths.name)) for truths in properties]).tobytes()
        found = name.known.get(signature)
        if found is None:
            touch = self._meaning(name.matcher.met(name.matcher.held(event.properties)))
            found = name.known[signature] = len(self.met)
            self.met.append(touch)
        return found

    def _learn(self, event_name: str) -> _Name:
        matcher = NameMatcher([(number, selector) for number, selector, test in self._selectors if test(event_name)])
        known = self._numbers.add_name(event_name, [truths.classes for truths in matcher.properties])
        name = self._names[event_name] = _Name(matcher, known)
        return name

    def _meaning(self, selectors: Sequence[int]) -> Touch:
        watches = tuple(key for number in selectors for key in self._watches.get(number, ()))
        user, company = self._plan("user", selectors), self._plan("company", selectors)
        return Touch(user, company, watches) if user or company or watches else self._nothing

    def _plan(self, kind: SubjectKind, selectors: Sequence[int]) -> Plan:
        metrics = [metric for number in selectors for metric in self._metrics.get((kind, number), ())]
        rules = dict.fromkeys(rule_id for metric in metrics for rule_id in self._rules[kind, metric.key])
        return Plan(metrics, rules)
