"""Rings of buckets: `[numbers, accumulated]`, two lists of equal length, numbers ascending.

A ring holds the buckets that lie at most `limit` before its newest, and nothing else: so what it holds is a function of the
set of events, whatever their order, and merging two rings is commutative and associative.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

Ring = list[list[Any]]
Add = Callable[[Any, Any, Any], Any]
"""(accumulated or None, value, weight) -> accumulated."""
Merge = Callable[[Any, Any], Any]


def add(ring: Ring | None, bucket: int, limit: int, update: Add, value: Any, weight: float) -> Ring:
    """Accumulate a value into its bucket; `ring` is changed in place and given back (a new one for None)."""
    if ring is None:
        return [[bucket], [update(None, value, weight)]]
    numbers, accumulated = ring
    newest = numbers[-1]
    if bucket == newest:
        accumulated[-1] = update(accumulated[-1], value, weight)
    elif bucket > newest:
        numbers.append(bucket)
        accumulated.append(update(None, value, weight))
        if numbers[0] < bucket - limit:
            prune(ring, limit)
    elif bucket >= newest - limit:
        index = bisect_left(numbers, bucket)
        if numbers[index] == bucket:
            accumulated[index] = update(accumulated[index], value, weight)
        else:
            numbers.insert(index, bucket)
            accumulated.insert(index, update(None, value, weight))
    return ring


def count(ring: Ring, bucket: int, limit: int, weight: float) -> None:
    """The same for counts, which most metrics are."""
    numbers, counts = ring
    newest = numbers[-1]
    if bucket == newest:
        counts[-1] += weight
    elif bucket > newest:
        numbers.append(bucket)
        counts.append(weight)
        if numbers[0] < bucket - limit:
            prune(ring, limit)
    elif bucket >= newest - limit:
        index = bisect_left(numbers, bucket)
        if numbers[index] == bucket:
            counts[index] += weight
        else:
            numbers.insert(index, bucket)
            counts.insert(index, weight)


def prune(ring: Ring, limit: int) -> None:
    """Drop the buckets that lie more than `limit` before the newest."""
    numbers, accumulated = ring
    keep = bisect_left(numbers, numbers[-1] - limit)
    if keep:
        del numbers[:keep]
        del accumulated[:keep]


def merge(left: Ring, right: Ring, limit: int, combine: Merge) -> Ring:
    """A new ring with what both hold."""
    together: dict[int, Any] = dict(zip(*left, strict=True))
    for bucket, value in zip(*right, strict=True):
        together[bucket] = combine(together[bucket], value) if bucket in together else value
    numbers = sorted(together)
    ring: Ring = [numbers, [together[bucket] for bucket in numbers]]
    prune(ring, limit)
    return ring
