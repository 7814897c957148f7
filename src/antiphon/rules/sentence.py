"""A rule in a plain English sentence."""

from __future__ import annotations

from typing import Any

from antiphon.model.clock import DAY, HOUR, MINUTE, SECOND
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, render, tree


def sentence(rule: tree.Tree, subject_kind: SubjectKind) -> str:
    """The whole rule: `Users for whom the number of api_call in the last 24 hours is at least 5`."""
    return f"{'Users for whom' if subject_kind == 'user' else 'Companies for which'} {clause(rule)}."


def clause(node: tree.Condition) -> str:
    """One condition, as part of a sentence."""
    if isinstance(node, tree.GROUPS):
        return _group(node)
    if isinstance(node, tree.Measure):
        known = "" if node.known_for is None else f" (known for at least {render.duration(node.known_for)})"
        return f"{measured(node)} {operators.by_key()[node.op].sentence} {_target(node.value)}{known}"
    if isinstance(node, tree.TraitCondition):
        return f"{trait(node)} {_trait_test(node)}"
    if isinstance(node, tree.InSegment):
        return f"membership in the segment {node.name!r} is {'given' if node.inside else 'not given'}"
    if isinstance(node, tree.Sequence):
        return f"{sequence(node)} happened"
    return f"{follow_up(node)} for {render.duration(node.wait)}"


def sequence(node: tree.Sequence) -> str:
    """What a sequence is: `a, then b, within 1 hour`."""
    return f"{', then '.join(map(_selector, node.steps))}, within {render.duration(node.within)},"


def follow_up(node: tree.FollowUpMissing) -> str:
    """What is waited for: `a was not followed by b`."""
    return f"{_selector(node.did)} was not followed by {_selector(node.then_not)}"


def measured(node: tree.Measure) -> str:
    """What a condition measures: `the number of api_call in the last 24 hours`."""
    row = aggregates.by_key()[node.aggregate.kind]
    made = row.sentence.format(
        selector=_selector(node.aggregate.selector),
        property=node.aggregate.property,
        to="" if node.aggregate.to is None else _selector(node.aggregate.to),
    )
    return f"the {made}{_window(node.window)}"


def trait(node: tree.TraitCondition) -> str:
    """Which trait a condition tests: `the company's plan_limit`."""
    return node.name if node.owner == "own" else f"the {node.owner}'s {node.name}"


def wanted(node: tree.Condition, right: Any) -> str:
    """What a condition asks of its value, with the right-hand side as it is for a subject: `at least 800`."""
    if isinstance(node, tree.Measure):
        asked = operators.by_key()[node.op].sentence
        if isinstance(node.value, (tree.TraitValue, tree.Baseline)):
            return f"{asked} {shown(right)} ({_target(node.value)})"
        return f"{asked} {_target(node.value)}"
    if isinstance(node, tree.TraitCondition):
        return _trait_test(node)
    return ""


def shown(value: Any, gives: aggregates.Gives = "number") -> str:
    """A value for people to read; an age in its largest units, a share in percent."""
    if value is None:
        return "unknown"
    if gives == "age":
        return _age(int(value))
    if gives == "share":
        return f"{value * 100:.6g}%"
    return render.scalar(value) if isinstance(value, (str, bool, int, float)) else str(value)


def _group(node: tree.Group) -> str:
    inner = [f"({clause(child)})" if isinstance(child, tree.GROUPS) else clause(child) for child in node.of]
    if isinstance(node, tree.AllOf):
        return ", and ".join(inner)
    if isinstance(node, tree.AnyOf):
        return ", or ".join(inner)
    if isinstance(node, tree.NoneOf):
        return f"it is not so that {', or '.join(inner)}"
    return f"at least {node.count} of these {len(inner)} hold: {'; '.join(inner)}"


def _selector(node: tree.Selector) -> str:
    event = f"events matching {node.event}" if node.match != "exact" else node.event
    tests = " and ".join(f"{test.property} {_operation(test.op, test.value)}" for test in node.where)
    return f"{event} where {tests}" if tests else event


def _operation(op: str, value: tree.Scalar | tuple[tree.Scalar, ...] | None) -> str:
    row = operators.by_key()[op]
    if row.operand == "none":
        return row.sentence
    items = value if isinstance(value, tuple) else (value,)
    return f"{row.sentence} {', '.join(shown(item) for item in items)}"


def _trait_test(node: tree.TraitCondition) -> str:
    if isinstance(node.value, tree.Duration):
        row = next(row for row in dates.DATE_OPERATORS if row.key == node.op)
        return row.sentence.format(render.duration(node.value))
    return _operation(node.op, node.value)


def _window(window: tree.Window) -> str:
    if isinstance(window, tree.Ever):
        return ""
    return f" {render.window(window)}"


def _target(value: tree.Target) -> str:
    if isinstance(value, tree.TraitValue):
        part = "" if value.percent == 100 else f"{shown(value.percent)}% of "  # noqa: PLR2004 - the whole
        return f"{part}{'' if value.owner == 'own' else f'the {value.owner} trait '}{value.name}"
    return render.target(value)


def _age(ms: int) -> str:
    for length, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        if abs(ms) >= length:
            count = f"{ms / length:.1f}".removesuffix(".0")
            return f"{count} {unit}{'' if count == '1' else 's'}"
    return f"{ms} ms"
