"""The reference page of the rule language, made from the tables; `docs/reference/rules.md` holds what this gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from antiphon.rules import aggregates, dates, operators, render
from antiphon.rules.tree import MAX_DEPTH
from antiphon.rules.validate import MAX_CONDITIONS

_FOLLOWS = {"selector": "S", "property": "P of S", "ratio": "S to S"}
_TAKES = {
    "scalar": "a text, number, true or false",
    "ordered": "a number or a text",
    "text": "a text",
    "pattern": "a pattern with `*`",
    "regex": "an RE2 expression",
    "list": "a list in brackets",
    "none": "nothing",
}

_INTRODUCTION = f"""\
# The rule language

<!-- Made by `python -m antiphon.rules.reference`; a test holds it equal to the tables in the code. -->

A rule is a condition about a user or a company, in one line of text:

    count of api_call where status = 400 in the last 24 hours >= 5
    all of (role = "Engineering"; signed_up in the last 7 days; count of api_call ever = 0)
    ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%
    time since last api_call >= 7 days

Conditions are joined by `all of (...; ...)`, `any of (...)`, `none of (...)` and `at least N of (...)`, nested up to
{MAX_DEPTH} deep, {MAX_CONDITIONS} conditions at most.

## Events: selectors

`NAME` (exact), `NAME*` (`*` is any run of characters), `matching "name *"`, `matching regex "^name"` (RE2), each with
`where P op V and P op V ...`. Names with spaces, and names that are words of the language, stand in double quotes.

## Operators on properties and traits

A missing value (null is one) makes every test false but `missing`, `!=` and `not in`. Nothing is converted: `"5" = 5` is
false, and so is `true = 1`. Numbers are 64-bit floats.
"""

_WINDOWS = """
## Windows

| form | meaning |
|---|---|
| `in the last 24 hours` | slides; its left edge moves in steps of 1 minute or 1/60 of its length, whichever is longer, and is rounded so that it never covers less than asked |
| `today`, `this week`, `this month` | since the start of the day, week (from Monday) or month in the workspace's time zone |
| `ever`, or none | since the first event |

Lengths are minutes, hours, days, weeks or months (of 30 days).

## What an aggregate is compared with

`= != < <= > >=` and a number, a percentage (`10%`), a trait (`company.plan_limit`), a part of one
(`80% of company.plan_limit`), or a length of time for `time since`. Without a value on either side only `!=` holds.

An absence (`count ... = 0`) holds only for a subject that has been known for the window's whole length, unless the condition
ends in `, known for at least N days`; that may be added to any condition on an aggregate.

## Segments

`in segment "Name of a rule"`, `not in segment "Name of a rule"`.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION, _table(("operator", "takes", "holds for", "examples"), map(_operator, operators.OPERATORS))]
    parts.append(
        "\nA date trait (ISO 8601, or seconds or milliseconds since 1970; UTC unless it says otherwise) can be set against now:\n"
    )
    parts.append(_table(("operator", "holds for"), map(_date, dates.DATE_OPERATORS)))
    parts.append("\n## Aggregates\n\nEach counts an event with its weight, and is followed by an optional window.\n")
    parts.append(_table(("form", "gives", "without events"), map(_aggregate, aggregates.AGGREGATES)))
    parts.append(_WINDOWS)
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _operator(row: operators.Operator) -> tuple[str, ...]:
    examples = [
        f"{_value(value)} {_written(row, operand)}: {'yes' if truth else 'no'}"
        for value, operand, truth in row.examples[:5]
    ]
    return f"`{row.text}`", _TAKES[row.operand], row.meaning, "<br>".join(examples)


def _written(row: operators.Operator, operand: Any) -> str:
    return f"`{render.operation(row.key, operand)}`".replace("|", "\\|")


def _value(value: Any) -> str:
    return "(missing)" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _date(row: dates.DateOperator) -> tuple[str, ...]:
    return f"`{' '.join(filter(None, (row.before, '7 days', row.after)))}`", row.meaning


def _aggregate(row: aggregates.Aggregate) -> tuple[str, ...]:
    return f"`{row.text} {_FOLLOWS[row.form]}`", row.meaning, "no value" if row.empty is None else f"{row.empty:g}"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
