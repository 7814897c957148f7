"""The operators on date traits that move with time (`signed_up in the last 7 days`): one row each.

A row turns the trait's instant and the length into the closed interval of time in which the condition holds. Live, the
interval tells both the truth and when it will change; over history the same function works on columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from antiphon.model.clock import DAY


class DateOperator(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `interval(date, length)` gives first and last instant (ms) of truth, None for no end.

    `before` and `after` are the words around the length in the text form. Each example is a date's distance from now
    in ms (None: no date), the length in ms, and the truth.
    """

    key: str
    before: str
    after: str
    interval: Callable[[Any, int], tuple[Any, Any | None]]
    sentence: str
    meaning: str
    examples: tuple[tuple[int | None, int, bool], ...]


DATE_OPERATORS: tuple[DateOperator, ...] = (
    DateOperator(
        key="in_the_last",
        before="in the last",
        after="",
        interval=lambda date, length: (date, date + length),
        sentence="is in the last {}",
        meaning="a date of the past, at most so long ago",
        examples=(
            (-7 * DAY, 7 * DAY, True),
            (-7 * DAY - 1, 7 * DAY, False),
            (0, DAY, True),
            (1, DAY, False),
            (None, DAY, False),
        ),
    ),
    DateOperator(
        key="within_the_next",
        before="within the next",
        after="",
        interval=lambda date, length: (date - length, date),
        sentence="is within the next {}",
        meaning="a date to come, at most so far ahead",
        examples=(
            (14 * DAY, 14 * DAY, True),
            (14 * DAY + 1, 14 * DAY, False),
            (0, DAY, True),
            (-1, DAY, False),
            (None, DAY, False),
        ),
    ),
    DateOperator(
        key="more_than_ago",
        before="more than",
        after="ago",
        interval=lambda date, length: (date + length + 1, None),
        sentence="is more than {} ago",
        meaning="a date that lies longer ago",
        examples=((-DAY - 1, DAY, True), (-DAY, DAY, False), (0, DAY, False), (None, DAY, False)),
    ),
)
