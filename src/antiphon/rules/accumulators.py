"""What is kept per bucket of a metric: one row each, all independent of the order of events.

Sums are exact, hence the same in any order: a weight is a whole number or rounded to 2^-20, and a summed value is kept as
a whole part and millionths, both integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from antiphon.model.event import Event
from antiphon.rules import sketches
from antiphon.rules.values import LARGEST, number, plain
from antiphon.rules.zones import LocalDays

WEIGHT_STEPS = 2**20
"""A fractional weight is rounded to this part of 1."""

MICRO = 1_000_000
"""Sums are kept to a millionth."""

Read = Callable[[Event], Any]
"""What an event contributes; None when nothing."""


class Accumulator(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what an event contributes, how it is added, how two accumulated values become one.

    Accumulated values are MessagePack values, and never changed in place.
    """

    key: str
    read: Callable[[str, LocalDays], Read]
    add: Callable[[Any, Any, Any], Any]
    merge: Callable[[Any, Any], Any]


def exact_weight(weight: float) -> int | float:
    """A weight as it is counted: rounded to 2^-20, and an integer when it is whole."""
    if type(weight) is int:
        return weight
    rounded = math.floor(weight * WEIGHT_STEPS + 0.5) / WEIGHT_STEPS
    return int(rounded) if rounded.is_integer() else rounded


def _number(key: str, days: LocalDays) -> Read:
    del days
    return lambda event: number(event.properties.get(key))


def _summable(key: str, days: LocalDays) -> Read:
    del days

    def read(event: Event) -> float | None:
        found = number(event.properties.get(key))
        return found if found is not None and abs(found) < LARGEST else None

    return read


def _add_total(total: Any, value: float, weight: float) -> Any:
    weighted = value * weight
    whole = math.floor(weighted)
    micro = math.floor((weighted - whole) * MICRO + 0.5)
    return [whole, micro, weight] if total is None else [total[0] + whole, total[1] + micro, plain(total[2] + weight)]


def _value(key: str, days: LocalDays) -> Read:
    del days

    def read(event: Event) -> Any:
        value = event.properties.get(key)
        return None if value is None else [event.timestamp, event.id, event.source, value]

    return read


def _earliest(left: Any, right: Any) -> Any:
    return left if left[:3] <= right[:3] else right


def _latest(left: Any, right: Any) -> Any:
    return left if left[:3] >= right[:3] else right


def _picked(pick: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda kept, value, _weight: value if kept is None else pick(kept, value)


def _together(left: list[int], right: list[int]) -> list[int]:
    return left if right[0] in left and len(right) == 1 else sorted({*left, *right})


def _picked_number(pick: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda kept, value, _weight: plain(value) if kept is None else plain(pick(kept, value))


ACCUMULATORS: tuple[Accumulator, ...] = (
    Accumulator(
        key="count",
        read=lambda _key, _days: lambda _event: 1,
        add=lambda total, _value, weight: weight if total is None else total + weight,
        merge=lambda left, right: left + right,
    ),
    Accumulator(
        key="total",
        read=_summable,
        add=_add_total,
        merge=lambda left, right: [left[0] + right[0], left[1] + right[1], plain(left[2] + right[2])],
    ),
    Accumulator(key="min", read=_number, add=_picked_number(min), merge=min),
    Accumulator(key="max", read=_number, add=_picked_number(max), merge=max),
    Accumulator(key="first", read=_value, add=_picked(_earliest), merge=_earliest),
    Accumulator(key="last", read=_value, add=_picked(_latest), merge=_latest),
    Accumulator(key="first_at", read=lambda _key, _days: lambda event: event.timestamp, add=_picked(min), merge=min),
    Accumulator(key="last_at", read=lambda _key, _days: lambda event: event.timestamp, add=_picked(max), merge=max),
    Accumulator(
        key="days",
        read=lambda _key, days: lambda event: [days.day(event.timestamp)],
        add=_picked(_together),
        merge=_together,
    ),
    Accumulator(
        key="digests",
        read=lambda key, _days: lambda event: sketches.digest(event.properties.get(key)),
        add=sketches.add_digest,
        merge=sketches.merge_digests,
    ),
    Accumulator(
        key="spread",
        read=lambda key, _days: lambda event: sketches.readable_number(event.properties.get(key)),
        add=sketches.add_number,
        merge=sketches.merge_numbers,
    ),
)
