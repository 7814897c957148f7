"""What an event means to the rules, remembered per distinct event signature."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.model.event import Event
from antiphon.model.event_batch import NOT_HERE, EventBatch, Meanings
from antiphon.model.subject import SubjectKind
from antiphon.rules.metrics import Folds, Kept, Metric
from antiphon.rules.selectors import NameMatcher, name_test
from antiphon.rules.tree import Selector

MAX_NAMES = 10_000
"""Event names remembered; above it everything is forgotten, and learnt again."""

MAX_MEANINGS = 65_536
"""Signatures remembered; above it everything is forgotten, and learnt again."""


class Folding(NamedTuple):
    """Metrics by how they are folded.

    `totals` are keys of counts over all time, `counts` (key, bucket width in ms, limit) those of counts over sliding
    windows; `others` are all further metrics.
    """

    totals: tuple[str, ...]
    counts: tuple[tuple[str, int, int], ...]
    others: tuple[Folds, ...]


class Plan:
    """What to do with an event for one subject: which metrics to bring it into, and which rules to evaluate then.

    `kept` are the metrics that the kernel leaves to Python, see `kernel.lower`.
    """

    __slots__ = ("_folding", "kept", "metrics", "rules")

    def __init__(self, metrics: Sequence[Folds], rules: Iterable[int]) -> None:
        """Keep both."""
        self.metrics = tuple(metrics)
        self.kept: tuple[Folds, ...] = ()
        self.rules = tuple(rules)
        self._folding: Folding | None = None

    @property
    def folding(self) -> Folding:
        """The metrics by how Python folds them; sorted when that is first asked, since most are folded by the kernel."""
        if self._folding is None:
            plain = [one for one in self.metrics if isinstance(one, Metric) and one.accumulator.key == "count"]
            totals = tuple(metric.key for metric in plain if metric.ever)
            counts = tuple((metric.key, metric.width, metric.limit) for metric in plain if metric.width)
            folded = {*totals, *(key for key, _, _ in counts)}
            self._folding = Folding(totals, counts, tuple(one for one in self.metrics if one.key not in folded))
        return self._folding

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
        selectors: Mapping[int, Selector],
        metrics: Mapping[SubjectKind, Sequence[Kept]],
        rules: Sequence[tuple[SubjectKind, int, frozenset[str]]],
        watches: Sequence[tuple[int, str]],
    ) -> None:
        """Take numbered selectors, the metrics of each kind, (kind, id, metric keys) of rules, (selector, key) of watches."""
        self._named: dict[str, list[int]] = defaultdict(list)
        self._patterns: list[tuple[int, Callable[[str], bool]]] = []
        for number, selector in selectors.items():
            if selector.match == "exact":
                self._named[selector.event].append(number)
            else:
                self._patterns.append((number, name_test(selector)))
        self._selectors = selectors
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
        self._companies = bool(metrics.get("company"))
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

    def touch_all(self, events: EventBatch) -> NDArray[np.int64]:
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
        classes = name.matcher.classes(event.properties)
        signature = array("I", classes).tobytes()
        found = name.known.get(signature)
        if found is None:
            touch = self._meaning(name.matcher.met(classes))
            found = name.known[signature] = len(self.met)
            self.met.append(touch)
        return found

    def _learn(self, event_name: str) -> _Name:
        numbers = [*self._named.get(event_name, ()), *(number for number, test in self._patterns if test(event_name))]
        matcher = NameMatcher([(number, self._selectors[number]) for number in sorted(numbers)])
        known = self._numbers.add_name(event_name, [truths.classes for truths in matcher.properties])
        name = self._names[event_name] = _Name(matcher, known)
        return name

    def _meaning(self, selectors: Sequence[int]) -> Touch:
        watches = tuple(key for number in selectors for key in self._watches.get(number, ()))
        user = self._plan("user", selectors)
        company = self._plan("company", selectors) if self._companies else self._nothing.company
        return Touch(user, company, watches) if user or company or watches else self._nothing

    def _plan(self, kind: SubjectKind, selectors: Sequence[int]) -> Plan:
        metrics = [metric for number in selectors for metric in self._metrics.get((kind, number), ())]
        rules = dict.fromkeys(rule_id for metric in metrics for rule_id in self._rules[kind, metric.key])
        return Plan(metrics, rules)
