"""Sets of 128-bit digests in few bytes each: sorted runs behind a filter, searched a batch at a time with numpy."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

DIGEST_BYTES = 16
_BITS_A_DIGEST = 8  # the filter lets through about 5 % of what is new at this filling
_SMALLEST_FILTER = 1 << 20  # bits


class Run(msgspec.Struct, frozen=True):
    """Digests ordered by `high` then `low`, and where they come from.

    `newest_at` is the latest receipt (ms) among the events of the offsets `first_offset` .. `end_offset` - 1.
    """

    first_offset: int
    end_offset: int
    newest_at: int
    high: Words
    low: Words

    def pack(self) -> bytes:
        """The digests as stored: 16 bytes each, little-endian words."""
        return np.column_stack((self.high, self.low)).astype("<u8").tobytes()

    def contains(self, high: Words, low: Words) -> NDArray[np.bool_]:
        """Which of the digests are in this run."""
        if len(self.high) == 0:
            return np.zeros(len(high), dtype=np.bool_)
        at = np.searchsorted(self.high, high)
        at[at == len(self.high)] = 0
        found = self.high[at] == high
        wrong = np.flatnonzero(found & (self.low[at] != low))
        for index in wrong:  # another digest with the same first half: look at its neighbours
            same = self.high == high[index]
            found[index] = bool(np.any(self.low[same] == low[index]))
        return found


def split(digests: bytes | bytearray) -> tuple[Words, Words]:
    """The two halves of each digest of a string of them."""
    return _halves(np.frombuffer(digests, dtype="<u8").reshape(-1, 2))


def _halves(digests: Words) -> tuple[Words, Words]:
    return np.ascontiguousarray(digests[:, 0]), np.ascontiguousarray(digests[:, 1])


def make_run(first_offset: int, end_offset: int, newest_at: int, digests: Words) -> Run:
    """A run of digests [n, 2] in any order."""
    high, low = _halves(digests)
    order = np.lexsort((low, high))
    return Run(first_offset, end_offset, newest_at, high[order], low[order])


def merge(runs: Sequence[Run]) -> Run:
    """One run that holds what neighbouring `runs` (oldest first) hold."""
    high = np.concatenate([run.high for run in runs])
    low = np.concatenate([run.low for run in runs])
    order = np.argsort(high, kind="stable")  # they are sorted pieces, which this kind of sort likes
    newest = max(run.newest_at for run in runs)
    return Run(runs[0].first_offset, runs[-1].end_offset, newest, high[order], low[order])


class DigestRuns:
    """A set made of runs; a bit filter in front of them answers for almost everything that is new."""

    def __init__(self) -> None:
        """Start empty."""
        self.runs: list[Run] = []
        self._size = 0
        self._filter = np.zeros(_SMALLEST_FILTER // 8, dtype=np.uint8)

    def __len__(self) -> int:
        """How many digests."""
        return self._size

    @property
    def memory(self) -> int:
        """Bytes that the arrays take."""
        return DIGEST_BYTES * self._size + self._filter.nbytes

    def contains(self, digests: Words) -> NDArray[np.bool_]:
        """Which of the digests [n, 2] are in any run."""
        high, low = _halves(digests)
        found = np.zeros(len(high), dtype=np.bool_)
        first, second = self._places(high, low)
        likely = np.flatnonzero(self._bits(first) & self._bits(second))
        likely = likely[np.argsort(high[likely])]  # neighbours in a run are searched together: fewer cache misses
        for run in self.runs:
            if len(likely) == 0:
                break
            hits = run.contains(high[likely], low[likely])
            found[likely[hits]] = True
            likely = likely[~hits]
        return found

    def add(self, run: Run) -> None:
        """Add a run."""
        self.runs.append(run)
        self._size += len(run.high)
        if self._size * _BITS_A_DIGEST > len(self._filter) * 8:
            self._refill()
        else:
            self._mark(run)

    def merge_last(self, count: int) -> None:
        """Make one run of the last `count`."""
        self.runs[-count:] = [merge(self.runs[-count:])]

    def drop_older(self, than: int) -> list[Run]:
        """Drop the runs with nothing received since `than` (ms); which they were."""
        dropped = [run for run in self.runs if run.newest_at < than]
        if dropped:
            self.runs = [run for run in self.runs if run.newest_at >= than]
            self._size = sum(len(run.high) for run in self.runs)
            self._refill()
        return dropped

    def _refill(self) -> None:
        bits = _SMALLEST_FILTER
        while bits < self._size * _BITS_A_DIGEST:
            bits *= 2
        self._filter = np.zeros(bits // 8, dtype=np.uint8)
        for run in self.runs:
            self._mark(run)

    def _places(self, high: Words, low: Words) -> tuple[Words, Words]:
        """Two bits for each digest; the first follows the runs' order, so that filling walks through memory."""
        width = (len(self._filter) * 8).bit_length() - 1
        return high >> np.uint64(64 - width), low >> np.uint64(64 - width)

    def _bits(self, places: Words) -> NDArray[np.uint8]:
        return (self._filter[places >> np.uint64(3)] >> (places & np.uint64(7)).astype(np.uint8)) & np.uint8(1)

    def _mark(self, run: Run) -> None:
        for places in self._places(run.high, run.low):
            bits = np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))
            np.bitwise_or.at(self._filter, places >> np.uint64(3), bits)
