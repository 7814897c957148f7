"""What an event means to the rules, remembered per distinct event signature."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from antiphon.model.event import Event
from antiphon.model.subject import SubjectKind
from antiphon.rules.metrics import Folds, Kept, Metric
from antiphon.rules.selectors import NameMatcher, name_test
from antiphon.rules.tree import Selector

MAX_NAMES = 10_000
"""Event names remembered; above it all are forgotten, and learnt again."""

MAX_SIGNATURES = 8_192
"""Signatures remembered for each event name."""


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
    """What an event means: a plan for the user's state and one for the company's, and the watches that it meets.

    `user_plan`, `company_plan` and `judge_plan` (the user's rules alone) are the kernel's numbers for them, `others` tells whether
    Python keeps any of their metrics. They are -1 until they are asked for.
    """

    __slots__ = ("company", "company_plan", "judge_plan", "others", "user", "user_plan", "watches")

    def __init__(self, user: Plan, company: Plan, watches: tuple[str, ...]) -> None:
        """Keep the three."""
        self.user = user
        self.company = company
        self.watches = watches
        self.user_plan = self.company_plan = self.judge_plan = -1
        self.others = False


def no_touch() -> Touch:
    """What an event means that no rule and no watch is about."""
    return Touch(Plan((), ()), Plan((), ()), ())


class _Name:
    """What is known of one event name; `by_truths` maps which predicates hold, as bits, to what an event means."""

    __slots__ = ("always", "by_truths", "matcher", "properties")

    def __init__(self, matcher: NameMatcher) -> None:
        self.matcher = matcher
        self.properties = matcher.properties
        self.always: Touch | None = None
        self.by_truths: dict[int, Touch] = {}


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
        self._names: dict[str, _Name] = {}
        self._nothing = no_touch()

    def touch(self, event: Event) -> Touch:
        """What the event means; `touch.user.rules`, `touch.company.rules` and `touch.watches` are empty for nothing."""
        name = self._names.get(event.name)
        if name is None:
            name = self._learn(event.name)
        if name.always is not None:
            return name.always
        get = event.properties.get
        held = 0
        for key, truths in name.properties:
            held |= truths(get(key))
        found = name.by_truths.get(held)
        return self._match(name, held) if found is None else found

    def _learn(self, event_name: str) -> _Name:
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        name = _Name(
            NameMatcher([(number, selector) for number, selector, test in self._selectors if test(event_name)])
        )
        if not name.properties:
            name.always = self._match(name, 0)
        self._names[event_name] = name
        return name

    def _match(self, name: _Name, held: int) -> Touch:
        if len(name.by_truths) >= MAX_SIGNATURES:
            name.by_truths.clear()
        found = name.by_truths[held] = self._meaning(name.matcher.met(held))
        return found

    def _meaning(self, selectors: Sequence[int]) -> Touch:
        watches = tuple(key for number in selectors for key in self._watches.get(number, ()))
        user, company = self._plan("user", selectors), self._plan("company", selectors)
        return Touch(user, company, watches) if user or company or watches else self._nothing

    def _plan(self, kind: SubjectKind, selectors: Sequence[int]) -> Plan:
        metrics = [metric for number in selectors for metric in self._metrics.get((kind, number), ())]
        rules = dict.fromkeys(rule_id for metric in metrics for rule_id in self._rules[kind, metric.key])
        return Plan(metrics, rules)
