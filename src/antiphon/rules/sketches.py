"""What is kept for `distinct` and for percentiles: exact while small, and beyond that a sketch of bounded size.

Both are functions of the set of events, whatever their order, and of two of them together; and any engine of history can
compute the same numbers from arithmetic that is exact. ADR 0019 says why they are not those of a library, and how far off
they are: distinct values beyond 256 by 6 % (one standard deviation), percentiles beyond 64 different numbers by at most 1/64.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from typing import Any

from antiphon.rules.values import number, plain, written

DISTINCT = 256
"""So many different values are counted exactly; one more is kept beyond, to estimate from."""

DIGITS = 13
"""Hexadecimal digits of a value's digest that are looked at: as many as a 64-bit float holds exactly."""

SPACE = 16**DIGITS

NUMBERS = 64
"""So many different numbers are kept as they are; beyond, each stands for its cell."""

CELLS = 32
"""Cells between a power of two and the next."""

Digests = list[int]
"""The smallest digests, ascending, DISTINCT + 1 at most."""

Spread = list[Any]
"""`[0 or 1, numbers ascending, the weight of each]`; 1 says that the numbers stand for cells."""


def digest(value: Any) -> int | None:
    """A number below SPACE that stands for a text, a number or a truth value; None for anything else."""
    text = written(value)
    if text is None:
        return None
    kind = "s" if type(value) is str else "b" if type(value) is bool else "n"
    found = hashlib.md5(f"{kind}:{text}".encode(), usedforsecurity=False).hexdigest()
    return int(found[:DIGITS], 16)


def add_digest(kept: Digests | None, value: int, weight: float) -> Digests:
    """With one more value; its weight does not matter."""
    del weight
    if kept is None:
        return [value]
    index = bisect_left(kept, value)
    if index > DISTINCT or (index < len(kept) and kept[index] == value):
        return kept
    return [*kept[:index], value, *kept[index:DISTINCT]]


def merge_digests(left: Digests, right: Digests) -> Digests:
    """The smallest of both."""
    return sorted({*left, *right})[: DISTINCT + 1]


def distinct(kept: Digests) -> int:
    """How many different values there are: exact up to DISTINCT, then estimated from how dense their digests lie."""
    if len(kept) <= DISTINCT:
        return len(kept)
    return math.floor(DISTINCT / (kept[DISTINCT] / SPACE) + 0.5)


def cell(value: float) -> float:
    """The middle of the cell that a number lies in, at most 1/64 of it away; exact in floating point."""
    size = abs(value)
    if not size:
        return 0.0
    power = 2.0 ** (math.frexp(size)[1] - 1)
    middle = power * (2 * math.floor((size / power - 1) * CELLS) + 2 * CELLS + 1) / (2 * CELLS)
    return math.copysign(middle, value)


def add_number(kept: Spread | None, value: float, weight: float) -> Spread:
    """With one more number."""
    if kept is None:
        return [0, [plain(value)], [weight]]
    rough, numbers, weights = kept
    place = plain(cell(value) if rough else value)
    index = bisect_left(numbers, place)
    if index < len(numbers) and numbers[index] == place:
        return [rough, numbers, [*weights[:index], plain(weights[index] + weight), *weights[index + 1 :]]]
    more = [rough, [*numbers[:index], place, *numbers[index:]], [*weights[:index], weight, *weights[index:]]]
    return more if rough or len(numbers) < NUMBERS else _spread(_added({}, more, rough=True), rough=True)


def merge_numbers(left: Spread, right: Spread) -> Spread:
    """The numbers of both, or their cells when they are many."""
    rough = bool(left[0] or right[0])
    together = _added(_added({}, left, rough=rough), right, rough=rough)
    found = _spread(together, rough=rough)
    if rough or len(together) <= NUMBERS:
        return found
    return _spread(_added({}, found, rough=True), rough=True)


def percentile(kept: Spread, percent: int) -> float:
    """The smallest number that, with all below it, makes up so much of the weight."""
    _, numbers, weights = kept
    wanted, passed = sum(weights) * percent, 0.0
    for value, weight in zip(numbers, weights, strict=True):
        passed += weight
        if passed * 100 >= wanted:
            return value
    return numbers[-1]


def _added(together: dict[float, float], kept: Spread, *, rough: bool) -> dict[float, float]:
    for value, weight in zip(kept[1], kept[2], strict=True):
        place = plain(cell(value)) if rough else value
        together[place] = plain(together.get(place, 0) + weight)
    return together


def _spread(together: dict[float, float], *, rough: bool) -> Spread:
    numbers = sorted(together)
    return [int(rough), numbers, [together[value] for value in numbers]]


def readable_number(value: Any) -> float | None:
    """A number as percentiles take it; None for anything else."""
    found = number(value)
    return found if found is not None and math.isfinite(found) else None
