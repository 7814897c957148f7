"""Metrics: what is kept of a subject's events for the rules, shared by all rules that need the same."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from antiphon.model.event import Event
from antiphon.rules import buckets
from antiphon.rules.accumulators import ACCUMULATORS, Accumulator
from antiphon.rules.selectors import normal
from antiphon.rules.state import Metrics
from antiphon.rules.tree import Selector, canonical
from antiphon.rules.zones import LocalDays


def metric_key(selector: Selector, accumulator: str, of: str | None, step: str, zone: str) -> str:
    """A short key that is the same for the same meaning in any program and process."""
    text = msgspec.json.encode([canonical(normal(selector)).decode(), accumulator, of, step, zone])
    return base64.b85encode(hashlib.blake2b(text, digest_size=8).digest()).decode()


def steps_key(kind: str, steps: Sequence[Selector], length: int) -> str:
    """The same for selectors in an order; `length` (ms) is what they are kept by."""
    text = msgspec.json.encode([kind, [canonical(normal(step)).decode() for step in steps], length])
    return base64.b85encode(hashlib.blake2b(text, digest_size=8).digest()).decode()


class Folds(Protocol):
    """What an event that meets a selector is brought into."""

    @property
    def key(self) -> str:
        """The key of the metric, which rules are found by."""
        ...

    def fold(self, metrics: Metrics, event: Event, weight: float) -> None:
        """Add an event."""
        ...


class Kept(Protocol):
    """What is kept under one key of a subject's metrics: the same for the same set of events, whatever their order."""

    key: str
    limit: int

    def parts(self) -> Iterable[tuple[int, Folds]]:
        """The numbers of the selectors that it is made of, each with what their events are brought into."""
        ...

    def merge(self, left: Any, right: Any) -> Any:
        """What two subjects that are one have together; either may be None; shares nothing that is changed in place."""
        ...

    def prune(self, metrics: Metrics) -> None:
        """Drop what no rule needs any more."""
        ...


class Buckets(Protocol):
    """The buckets of a window: of `windows.Frame`, and of `trait_windows.TraitWindow`."""

    @property
    def step(self) -> str:
        """What they are."""
        ...

    @property
    def limit(self) -> int:
        """How many before the newest may still be needed."""
        ...

    def bucket(self, instant: int) -> int | None:
        """The bucket that an instant falls into; None when it is never in the window."""
        ...


class Metric:
    """One accumulated value per bucket of a step, for one selector.

    `limit` is the longest that any rule needs, in buckets; `ever` metrics hold one value and no ring. `of` is the property
    that is accumulated, if one is.
    """

    def __init__(
        self, key: str, selector_id: int, accumulator: Accumulator, of: str | None, frame: Buckets, days: LocalDays
    ) -> None:
        """Take what makes the metric; see `metric_key` for `key`."""
        self.key = key
        self.selector_id = selector_id
        self.accumulator = accumulator
        self.of = of
        self.days = days
        self.step = frame.step
        self.limit = frame.limit
        self.ever = frame.step == "ever"
        self.width = int(frame.step) if frame.step.isdigit() else 0
        self._bucket = frame.bucket
        self._read = accumulator.read(of or "", days)

    def parts(self) -> Iterable[tuple[int, Folds]]:
        """The one selector."""
        return ((self.selector_id, self),)

    def fold(self, metrics: Metrics, event: Event, weight: float) -> None:
        """Add an event."""
        value = self._read(event)
        if value is None:
            return
        if self.ever:
            metrics[self.key] = self.accumulator.add(metrics.get(self.key), value, weight)
            return
        bucket = self._bucket(event.timestamp)
        if bucket is not None:
            metrics[self.key] = buckets.add(
                metrics.get(self.key), bucket, self.limit, self.accumulator.add, value, weight
            )

    def merge(self, left: Any, right: Any) -> Any:
        """What two subjects that are one have together; either may be None."""
        if right is None:
            left, right = right, left
        if left is None:
            return right if self.ever or right is None else [list(right[0]), list(right[1])]
        if self.ever:
            return self.accumulator.merge(left, right)
        return buckets.merge(left, right, self.limit, self.accumulator.merge)

    def prune(self, metrics: Metrics) -> None:
        """Drop the buckets that no rule needs any more."""
        ring = metrics.get(self.key)
        if ring is not None and not self.ever:
            buckets.prune(ring, self.limit)


def accumulator_rows() -> dict[str, Accumulator]:
    """The accumulators by key."""
    return {row.key: row for row in ACCUMULATORS}
