"""The text form, written: what `text.parse` reads back as the same tree."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from antiphon.rules import aggregates, dates, operators, tree
from antiphon.rules.grammar import NAME, OWNERS, keywords

_PATTERN = re.compile(r'(?!regex\b)[^\s;,()"]+', re.IGNORECASE)
_WILDCARD = re.compile(r"[\w$.:\-*]*\*[\w$.:\-*]*")
_PERIODS = {"day": "today", "week": "this week", "month": "this month"}
_GROUPS = {tree.AllOf: "all of", tree.AnyOf: "any of", tree.NoneOf: "none of"}


def render(node: tree.Tree) -> str:
    """A rule as one line of text."""
    if isinstance(node, tree.GROUPS):
        word = f"at least {node.count} of" if isinstance(node, tree.AtLeast) else _GROUPS[type(node)]
        return f"{word} ({'; '.join(render(child) for child in node.of)})"
    if isinstance(node, tree.Measure):
        return _measure(node)
    if isinstance(node, tree.TraitCondition):
        return _trait(node)
    if isinstance(node, tree.InSegment):
        return f"{'' if node.inside else 'not '}in segment {name(node.name)}"
    if isinstance(node, tree.Sequence):
        return f"did {', then '.join(selector(step) for step in node.steps)}, within {duration(node.within)}"
    return f"did {selector(node.did)}, then not {selector(node.then_not)}, for {duration(node.wait)}"


def selector(node: tree.Selector) -> str:
    """A selector: `api_call where status = 400`."""
    if node.match == "exact":
        event = name(node.event)
    elif node.match == "regex":
        event = f"matching regex {quoted(node.event)}"
    else:
        event = node.event if _WILDCARD.fullmatch(node.event) else f"matching {quoted(node.event)}"
    tests = [f"{name(test.property)} {operation(test.op, test.value)}" for test in node.where]
    return f"{event} where {' and '.join(tests)}" if tests else event


def aggregate(node: tree.Aggregate) -> str:
    """An aggregate: `sum of amount of payment`."""
    row = aggregates.by_key()[node.kind]
    if row.form == "property":
        return f"{row.text} {name(node.property or '')} of {selector(node.selector)}"
    to = f" to {selector(node.to)}" if node.to is not None else ""
    return f"{row.text} {selector(node.selector)}{to}"


def window(node: tree.Window) -> str:
    """A window: `in the last 24 hours`."""
    if isinstance(node, tree.Ever):
        return "ever"
    if isinstance(node, tree.Last):
        return f"in the last {duration(node.length)}"
    if isinstance(node, tree.Calendar):
        zone = "" if node.zone == "workspace" else f" in the {node.zone}'s time zone"
        return _PERIODS[node.period] + zone
    if isinstance(node, tree.BillingPeriod):
        named = (node.trait, node.owner) != (tree.BILLING_TRAIT, "own")
        anchor = f" from {trait_name(node.trait, node.owner)}" if named else ""
        return f"this {'yearly ' if node.every == 'year' else ''}billing period{anchor}"
    if isinstance(node, tree.Between):
        return f"between {node.start} and {node.end}"
    since = trait_name(node.trait, node.owner)
    return f"since {since}" if node.within is None else f"within {duration(node.within)} of {since}"


def operation(op: str, value: tree.Scalar | tuple[tree.Scalar, ...] | None) -> str:
    """An operator with its operand: `in ("a", "b")`."""
    row = operators.by_key()[op]
    if row.operand == "none":
        return row.text
    if isinstance(value, tuple):
        return f"{row.text} ({', '.join(scalar(item) for item in value)})"
    if row.operand == "pattern" and isinstance(value, str) and _PATTERN.fullmatch(value):
        return f"{row.text} {value}"
    return f"{row.text} {scalar(value) if value is not None else quoted('')}"


def target(value: tree.Target) -> str:
    """A right-hand side: `80% of company.plan_limit`."""
    if isinstance(value, tree.Duration):
        return duration(value)
    if isinstance(value, tree.Percent):
        return f"{scalar(value.value)}%"
    if isinstance(value, tree.Baseline):
        part = "" if value.percent == 100 else f"{scalar(value.percent)}% of "  # noqa: PLR2004 - the whole
        return f"{part}its average over the previous {duration(value.over)}"
    if isinstance(value, tree.TraitValue):
        part = "" if value.percent == 100 else f"{scalar(value.percent)}% of "  # noqa: PLR2004 - the whole
        return part + trait_name(value.name, value.owner, quotes=False)
    return scalar(value)


def duration(node: tree.Duration) -> str:
    """A length of time: `1 hour`."""
    return f"{node.amount} {node.unit[:-1] if node.amount == 1 else node.unit}"


def scalar(value: tree.Scalar) -> str:
    """A value: a text in quotes, a number, true or false."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - exact below
        return str(int(value))
    return str(value)


def name(text: str) -> str:
    """A name, in quotes when it needs them."""
    return text if re.fullmatch(NAME, text) and text.lower() not in _reserved() else quoted(text)


def quoted(text: str) -> str:
    """A text in quotes."""
    return json.dumps(text, ensure_ascii=False)


def trait_name(text: str, owner: tree.Owner, *, quotes: bool = True) -> str:
    """A trait's name with its owner; `quotes` tells whether quotes alone make it a trait's name there."""
    bare = re.fullmatch(NAME, text) is not None
    if owner != "own":
        return f"{owner}.{text}" if bare else f"{owner}.{quoted(text)}"
    if bare and text.lower() not in _reserved() and text.partition(".")[0] not in OWNERS:
        return text
    return quoted(text) if quotes else f"own.{quoted(text)}"


@lru_cache(maxsize=1)
def _reserved() -> frozenset[str]:
    units = (word for unit in tree.UNIT_MS for word in (unit, unit[:-1]))
    return frozenset((*keywords(), *units, "did"))


def _measure(node: tree.Measure) -> str:
    row = aggregates.by_key()[node.aggregate.kind]
    over = f" {window(node.window)}"
    if isinstance(node.window, tree.Ever) and (row.gives in ("age", "value")):
        over = ""
    known = "" if node.known_for is None else f", known for at least {duration(node.known_for)}"
    operator = operators.by_key()[node.op].text
    return f"{aggregate(node.aggregate)}{over} {operator} {target(node.value)}{known}"


def _trait(node: tree.TraitCondition) -> str:
    trait = trait_name(node.name, node.owner)
    if isinstance(node.value, tree.Duration):
        row = next(row for row in dates.DATE_OPERATORS if row.key == node.op)
        return " ".join(filter(None, (trait, row.before, duration(node.value), row.after)))
    return f"{trait} {operation(node.op, node.value)}"
