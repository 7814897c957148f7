"""The reference page of the rule language, made from the tables; `docs/reference/rules.md` holds what this gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from antiphon.rules import aggregates, dates, operators, render
from antiphon.rules.tree import BILLING_TRAIT, MAX_DEPTH, ZONE_TRAIT
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
    count of api_call in the last 7 days <= 50% of its average over the previous 4 weeks
    did geofence_created, then not api_call where route = "/v1/track", for 3 days

Conditions are joined by `all of (...; ...)`, `any of (...)`, `none of (...)` and `at least N of (...)`, nested up to
{MAX_DEPTH} deep, {MAX_CONDITIONS} conditions at most.

## Events: selectors

`NAME` (exact), `NAME*` (`*` is any run of characters), `matching "name *"`, `matching regex "^name"` (RE2), each with
`where P op V and P op V ...`. Names with spaces, and names that are words of the language, stand in double quotes.

## Operators on properties and traits

A missing value (null is one) makes every test false but `missing`, `!=` and `not in`. Nothing is converted: `"5" = 5` is
false, and so is `true = 1`. Numbers are 64-bit floats.
"""

_WINDOWS = (
    """
## Windows

| form | meaning |
|---|---|
| `in the last 24 hours` | slides; its left edge moves in steps of 1 minute or 1/60 of its length, whichever is longer, and is rounded so that it never covers less than asked |
| `today`, `this week`, `this month` | since the start of the day, week (from Monday) or month in the workspace's time zone |
| `today in the user's time zone`, `this week in the company's time zone`, ... | the same in the zone that the trait `"""
    + ZONE_TRAIT
    + """` of the user or company names (`Europe/Paris`); when there is none, or it names no zone, in the workspace's |
| `this billing period`, `this yearly billing period` | the current month or year counted, forwards and backwards, from the day (UTC) of the date trait `"""
    + BILLING_TRAIT
    + """`; in a month without that day it begins on the month's last |
| `this billing period from company.plan_started` | the same from another trait |
| `since signed_up` | from the day (UTC) of a date trait on |
| `within 7 days of signed_up` | that day and the 7 days after it |
| `between 2026-01-01 and 2026-01-31` | from the start of the first day to the end of the second in the workspace's time zone |
| `ever`, or none | since the first event |

Where a window depends on a trait that is missing or no date, its aggregate has no value. A trait may change, and may come after
the events: what counts is what it is now.

Lengths are minutes, hours, days, weeks or months (of 30 days).

## What an aggregate is compared with

`= != < <= > >=` and a number, a percentage (`10%`), a trait (`company.plan_limit`), a part of one
(`80% of company.plan_limit`), the subject's own average (`50% of its average over the previous 4 weeks`), or a length of time
for `time since`. Without a value on either side only `!=` holds.

Its own average is for windows that slide: the mean of the same aggregate over the windows of equal length right before, here 4
of 7 days. A window without a value (an average of nothing) is left out. It asks that the subject has been known for all of
them, unless the condition says `, known for at least N days`. `count` and `sum` take up to 200 windows, others 60.

An absence (`count ... = 0`) holds only for a subject that has been known for the window's whole length, unless the condition
ends in `, known for at least N days`; that may be added to any condition on an aggregate. With `since` the subject must have been
seen by the end of the first day; with `within` and `between` the absence also holds only once the window is over.

## Sequences

| form | holds |
|---|---|
| `did A, then B, within 1 hour` | once there was a B later than an A, at most so long after it; 2 to 5 steps, each later than the one before, the last at most so long after the first. Once true, it stays so |
| `did A, then not B, for 3 days` | from 3 days after the first A that no B is later than, until a B comes |

Events at one and the same millisecond are not one after the other. For `then not`, time is cut into steps of 1 minute or 1/60 of
the length, whichever is longer, and of the A's in one step the first and the last are looked at.

## What is kept of a subject

Live evaluation keeps buckets of what was counted, never events. Rules that ask for the same of the same events share it. An
instant, a bucket's number and a count take 9, 5 and 1 to 9 bytes.

| condition | kept for a subject, at most |
|---|---|
| any aggregate `ever`, or `between` two dates | 1 value |
| in the last ... | 61 buckets and those of 5 minutes ahead (a window below an hour: one for each minute) |
| compared with its own average | so many for each window before, too |
| `today`, `this week`, `this month` | 3, 9, 33 days |
| the same in a user's or company's time zone | 106, 682, 2,986 quarters of an hour in which there was something |
| `this billing period`, yearly | 33, 368 days |
| `since`, `within` | each day on which there was something |
| a sequence of 2 steps | 4 instants for each stretch of its length in which there was something, 1,600 stretches; 1 byte once it is complete |
| a sequence of 3 to 5 steps | 64 instants a step and stretch, the 32 first and the 32 last, 1,600 stretches; 1 byte once it is complete |
| `then not` | the last B, and for each step of time since then in which there was an A, its first and last; 1,600 steps |

A bucket's value is a number for `count`, `min`, `max`, `time since`; three for `sum` and `avg`; the value with its event's id for
`first` and `last`; the days for `days active`.

## Segments

`in segment "Name of a rule"`, `not in segment "Name of a rule"`.
"""
)


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
