"""The digests of the log's newest block and the offsets they came from; compiled code looks them up: `recent.c` beside this file."""

from __future__ import annotations

import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.model.native import address, load, structure

NEW = -1
"""In place of an offset: the digest was not there before."""

KNOWN = -2
"""In place of an offset: the digest came before the block."""

LIBRARY = Path(__file__).with_name("_recent.so")


class RecentDigests:
    """Up to `room` digests of 128 bits, each with the offset of its first event."""

    def __init__(self, room: int) -> None:
        """Start empty."""
        self._digests, self._offsets = np.empty((room, 2), np.uint64), np.empty(room, np.int64)
        self._index, self._count = np.zeros(1 << (2 * room - 1).bit_length(), np.int32), np.zeros(1, np.int64)
        arrays = (self._digests, self._offsets, self._index, self._count)
        self._table = structure(arrays, (len(self._index) - 1, secrets.randbits(63)))

    def __len__(self) -> int:
        """How many digests."""
        return int(self._count[0])

    def note(
        self, digests: NDArray[np.uint64], known: NDArray[np.bool_] | None, first_offset: int
    ) -> NDArray[np.int64]:
        """Add the digests [n, 2] of consecutive events; by event the offset of the same one before, or NEW.

        Where `known` says that a digest is older than the block it is KNOWN, and not added. Raises ValueError for more than there
        is room for.
        """
        if len(self) + len(digests) > len(self._digests):
            raise ValueError(f"There is room for {len(self._digests)} digests.")
        digests, found = np.ascontiguousarray(digests), np.empty(len(digests), np.int64)
        mask = 0 if known is None else address(known)
        _library().note(self._table, address(digests), len(digests), mask, first_offset, address(found))
        return found

    def take(self) -> NDArray[np.uint64]:
        """Take out all digests [n, 2]."""
        taken = self._digests[: len(self)].copy()
        self._index[:] = 0
        self._count[0] = 0
        return taken


@lru_cache(maxsize=1)
def _library() -> Any:
    return load(LIBRARY, {"note": "vppnpnp"})
