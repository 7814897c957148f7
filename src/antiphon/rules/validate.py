"""Whether a tree makes sense: the right operands, sizes within limits, traits that a subject kind has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from antiphon.errors import InvalidInput
from antiphon.model.clock import DAY
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, tree
from antiphon.rules.patterns import MAX_PATTERN, finder

MAX_CONDITIONS = 500
"""Most conditions in one rule."""

MAX_LENGTH = 3_660 * DAY
"""Longest window or length of time."""

MAX_ITEMS = 1_000
"""Most items of a list."""

_DATE = re.compile(r"(?:19|2\d)\d\d-\d\d-\d\d")

Problem = tuple[str, str]
"""Path of the condition, and what is wrong with it."""

MIN_STEPS, MAX_STEPS = 2, 5
"""Fewest and most steps of a sequence."""

MAX_PERIODS = {"count": 200, "sum": 200}
"""Most windows that a baseline averages over, by aggregate; `MAX_OTHER_PERIODS` for all others."""

MAX_OTHER_PERIODS = 60


def validate(rule: tree.Tree, subject_kind: SubjectKind) -> None:
    """Raise InvalidInput, with the `path` of the first condition that does not make sense."""
    for path, problem in problems(rule, subject_kind):
        raise InvalidInput(problem, path=path)


def validate_selector(selector: tree.Selector) -> None:
    """Raise InvalidInput for a selector that does not make sense."""
    for problem in selector_problems(selector):
        raise InvalidInput(problem)


def problems(rule: tree.Tree, subject_kind: SubjectKind) -> Iterator[Problem]:
    """What is wrong with a rule, place by place."""
    if tree.depth(rule) > tree.MAX_DEPTH:
        yield "", tree.TOO_DEEP
        return
    for count, (path, node) in enumerate(tree.walk(rule)):
        if count >= MAX_CONDITIONS:
            yield path, f"A rule has at most {MAX_CONDITIONS} conditions."
            return
        for problem in _condition(node, subject_kind):
            yield path, problem


def selector_problems(selector: tree.Selector) -> Iterator[str]:
    """What is wrong with a selector."""
    if not selector.event:
        yield "An event's name is missing."
    if selector.match != "exact":
        yield from _pattern(selector.event, regex=selector.match == "regex")
    for predicate in selector.where:
        if not predicate.property:
            yield "A property's name is missing."
        yield from _operation(predicate.op, predicate.value)


def _condition(node: tree.Condition, kind: SubjectKind) -> Iterator[str]:
    if isinstance(node, tree.GROUPS):
        yield from _group(node)
    elif isinstance(node, tree.Measure):
        yield from _measure(node, kind)
    elif isinstance(node, tree.TraitCondition):
        yield from _trait(node.name, node.owner, kind)
        if isinstance(node.value, tree.Duration):
            if node.op not in {row.key for row in dates.DATE_OPERATORS}:
                yield f"The operator {node.op!r} does not take a length of time."
            yield from _duration(node.value)
        else:
            yield from _operation(node.op, node.value)
    elif isinstance(node, tree.InSegment):
        if not node.name:
            yield "A segment's name is missing."
    else:
        yield from _ordered(node)


def _group(node: tree.Group) -> Iterator[str]:
    if not node.of:
        yield "A group needs at least one condition."
    if isinstance(node, tree.AtLeast) and not 1 <= node.count <= len(node.of):
        yield f"At least {node.count} of {len(node.of)} conditions cannot be asked for; use 1 to {len(node.of)}."


def _ordered(node: tree.Sequence | tree.FollowUpMissing) -> Iterator[str]:
    if isinstance(node, tree.Sequence):
        if not MIN_STEPS <= len(node.steps) <= MAX_STEPS:
            yield f"A sequence has {MIN_STEPS} to {MAX_STEPS} steps."
        for step in node.steps:
            yield from selector_problems(step)
        yield from _duration(node.within)
    else:
        yield from selector_problems(node.did)
        yield from selector_problems(node.then_not)
        yield from _duration(node.wait)


def _measure(node: tree.Measure, kind: SubjectKind) -> Iterator[str]:
    aggregate = node.aggregate
    row = aggregates.by_key().get(aggregate.kind)
    if row is None:
        yield f"There is no aggregate {aggregate.kind!r}; use one of {', '.join(aggregates.by_key())}."
        return
    yield from selector_problems(aggregate.selector)
    if (row.form == "property") is not bool(aggregate.property):
        yield f"{row.text} {'needs a' if row.form == 'property' else 'takes no'} property."
    if (row.form == "ratio") is not (aggregate.to is not None):
        yield "A ratio needs two selectors." if row.form == "ratio" else f"{row.text} takes one selector."
    if aggregate.to is not None:
        yield from selector_problems(aggregate.to)
    yield from _window(node.window, kind)
    if node.known_for is not None:
        yield from _duration(node.known_for, least=0)
    operator = operators.by_key().get(node.op)
    if operator is None or operator.compare is None:
        yield f"An aggregate is compared with = != < <= > or >=, not {node.op!r}."
        return
    if isinstance(node.value, tree.Baseline):
        yield from _baseline(node.value, node.window, row)
    else:
        yield from _target(node.value, row, operator, kind)


def _target(
    value: tree.Target, row: aggregates.Aggregate, operator: operators.Operator, kind: SubjectKind
) -> Iterator[str]:
    if row.gives == "age":
        if isinstance(value, tree.Duration):
            yield from _duration(value, least=0)
        else:
            yield "A time since is compared with a length of time, such as 7 days."
    elif row.gives == "value":
        if isinstance(value, (tree.Duration, tree.Percent, tree.TraitValue)):
            yield "A first or last value is compared with a number, a text in quotes, true or false."
        else:
            yield from _operation(operator.key, value)
    elif isinstance(value, tree.TraitValue):
        yield from _trait(value.name, value.owner, kind)
    elif isinstance(value, tree.Duration) or (not isinstance(value, tree.Percent) and _is_no_number(value)):
        yield "This is compared with a number, a percentage or a trait."


def _baseline(value: tree.Baseline, window: tree.Window, row: aggregates.Aggregate) -> Iterator[str]:
    if row.gives not in ("number", "share"):
        yield f"{row.text!r} has no average to compare with."
        return
    if not isinstance(window, tree.Last):
        yield "Its own average is for a window that slides, such as in the last 7 days."
        return
    yield from _duration(window.length)
    yield from _duration(value.over)
    if window.length.ms > 0 and (value.over.ms < window.length.ms or value.over.ms % window.length.ms):
        yield "The time to average over is a whole number of windows: for 7 days, 1 week or 4 weeks."
    most = MAX_PERIODS.get(row.key, MAX_OTHER_PERIODS)
    if window.length.ms > 0 and value.over.ms > most * window.length.ms:
        yield f"The average of {row.text!r} is over at most {most} windows."


def _window(window: tree.Window, kind: SubjectKind) -> Iterator[str]:
    if isinstance(window, tree.Last):
        yield from _duration(window.length)
    elif isinstance(window, tree.Calendar):
        if window.zone == "user" and kind == "company":
            yield "A rule about companies cannot use a user's time zone: a company has many users."
    elif isinstance(window, (tree.BillingPeriod, tree.SinceTrait)):
        yield from _trait(window.trait, window.owner, kind)
        within = window.within if isinstance(window, tree.SinceTrait) else None
        if within is not None:
            yield from _duration(within)
            if within.ms % DAY:
                yield "Within so long of a date is counted in whole days."
    elif isinstance(window, tree.Between):
        yield from _between(window)


def _between(window: tree.Between) -> Iterator[str]:
    start, end = _day(window.start), _day(window.end)
    if start is None or end is None:
        yield "A window is between two dates such as 2026-01-01 and 2026-01-31."
    elif end < start:
        yield "The second date of a window is not before the first."


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _duration(duration: tree.Duration, *, least: int = 1) -> Iterator[str]:
    if duration.amount < least:
        yield f"A length of time is at least {least} {duration.unit if least != 1 else duration.unit[:-1]}."
    elif duration.ms > MAX_LENGTH:
        yield "A length of time is at most ten years."


def _trait(name: str, owner: tree.Owner, kind: SubjectKind) -> Iterator[str]:
    if not name:
        yield "A trait's name is missing."
    if owner == "user" and kind == "company":
        yield "A rule about companies cannot read a trait of a user: a company has many."


def _operation(key: str, value: Any) -> Iterator[str]:
    row = operators.by_key().get(key)
    if row is None:
        yield f"There is no operator {key!r}; use one of {', '.join(operators.by_key())}."
    elif row.operand == "none":
        if value is not None:
            yield f"{row.text!r} takes no value."
    elif row.operand == "list":
        if not isinstance(value, tuple) or not value:
            yield f"{row.text!r} takes a list of values in brackets."
        elif len(value) > MAX_ITEMS:
            yield f"A list has at most {MAX_ITEMS} items."
    else:
        yield from _one_value(row, value)


def _one_value(row: operators.Operator, value: Any) -> Iterator[str]:
    if value is None or isinstance(value, tuple):
        yield f"{row.text!r} takes one value."
    elif row.operand == "ordered" and isinstance(value, bool):
        yield f"{row.text!r} takes a number or a text in quotes."
    elif row.operand in ("text", "pattern", "regex"):
        if not isinstance(value, str):
            yield f"{row.text!r} takes a text in quotes."
        elif row.operand != "text":
            yield from _pattern(value, regex=row.operand == "regex")


def _pattern(pattern: str, *, regex: bool) -> Iterator[str]:
    if len(pattern) > MAX_PATTERN:
        yield f"A pattern has at most {MAX_PATTERN} characters."
    elif regex:
        try:
            finder(pattern)
        except InvalidInput as error:
            yield error.message


def _is_no_number(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, (int, float))
