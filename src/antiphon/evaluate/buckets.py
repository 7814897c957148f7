"""In which bucket of the table each subject is: extendible hashing, by the highest bits of its place.

Fagin, Nievergelt, Pippenger and Strong, "Extendible hashing: a fast access method for dynamic files" (1979).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.store.states import PLACES

MOST = 48
"""Members of a bucket: with more it is cut in half when it is next written."""

NOT_STORED = -1
"""When a bucket must be looked at, before it was ever stored, or when that is not known."""

UNKNOWN = -1
"""How many are stored but not in memory, before anybody has looked."""


class Head(NamedTuple):
    """Who is in memory of a bucket: their slots, and `kinds` and `names` as a `Content` has them."""

    slots: NDArray[np.int64]
    kinds: bytes
    names: msgspec.Raw


class Bucket:
    """Who lies between two places.

    `slots` are those in memory; `away` is how many are stored only. `recheck_at` is what is stored (ms). `head` is kept as
    long as `slots` stay the same.
    """

    __slots__ = ("away", "head", "lowest", "recheck_at", "slots", "width")

    def __init__(self, lowest: int, width: int, away: int = 0) -> None:
        """Nobody is in memory."""
        self.lowest, self.width, self.away = lowest, width, away
        self.recheck_at = NOT_STORED
        self.put([])

    def put(self, slots: list[int]) -> None:
        """Have these in memory."""
        self.slots = slots
        self.head: Head | None = None

    def add(self, slot: int) -> None:
        """Have one more in memory."""
        self.slots.append(slot)
        self.head = None

    def remove(self, slot: int) -> None:
        """Have one in memory no longer."""
        self.slots.remove(slot)
        self.head = None

    @property
    def end(self) -> int:
        """The lowest place beyond."""
        return self.lowest + self.width


class Buckets:
    """All places, in one bucket at first."""

    def __init__(self, lowest: Sequence[int] = ()) -> None:
        """Begin with the buckets that are stored, if any."""
        ends = [*lowest[1:], PLACES]
        found = [Bucket(first, end - first, UNKNOWN) for first, end in zip(lowest, ends, strict=False)]
        self._narrowest = min((bucket.width for bucket in found), default=PLACES)
        self._by_place = [bucket for bucket in found for _ in range(bucket.width // self._narrowest)]
        self._by_place = self._by_place or [Bucket(0, PLACES)]
        self.count = len(found) or 1

    def at(self, place: int) -> Bucket:
        """The bucket of a place."""
        return self._by_place[place // self._narrowest]

    def __iter__(self) -> Iterator[Bucket]:
        """Each bucket, by place; they may split meanwhile."""
        place = 0
        while place < PLACES:
            bucket = self.at(place)
            yield bucket
            place = bucket.end

    def stretch(self, place: int, most: int) -> tuple[list[Bucket], int]:
        """The buckets from a place on with about `most` subjects in memory, and where the next begins."""
        found: list[Bucket] = []
        while most > 0 and place < PLACES:
            bucket = self.at(place)
            found.append(bucket)
            most -= len(bucket.slots) + 1
            place = bucket.end
        return found, place

    def split(self, bucket: Bucket) -> Bucket:
        """Cut a bucket in half: the upper half, still without anybody."""
        if bucket.width == self._narrowest:
            self._narrowest //= 2
            self._by_place = [one for one in self._by_place for _ in range(2)]
        bucket.width //= 2
        upper = Bucket(bucket.end, bucket.width)
        first, many = upper.lowest // self._narrowest, upper.width // self._narrowest
        self._by_place[first : first + many] = [upper] * many
        self.count += 1
        return upper
