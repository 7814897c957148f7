"""The log's packed events as arrays, read by compiled code: `packed.c` beside this file, built when the package is.

Events are MessagePack arrays (see `model.event.Event`); a segment is an array of them. Positions are bytes from the
beginning of the data; a position or a length of -1 says that there is nothing.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.model.event_batch import READING_ERRORS, BrokenEvents
from antiphon.model.native import load, structure

TEXTS = 8
"""Fields that are texts, in the order of `Places.texts`: id, type, name, source, user, anonymous, company, previous id."""

LIBRARY = Path(__file__).with_name("_packed.so")

_ERRORS = READING_ERRORS | {
    -4: "properties are nested too deep",
    -5: "it has more in it than it is said to have",
}
_JSON_GROWTH = 8
"""JSON has at most so many bytes for one of MessagePack: a control character has 6, `false` and a comma too, a small
fraction's 24 stand for 5."""


class BrokenSegment(BrokenEvents):
    """Bytes of the log that are no packed events."""


class Places:
    """Where the fields of events lie, and those of fixed size themselves; a row for each event.

    `texts`, `lengths` [TEXTS, rows]: positions and lengths of texts. `times` [2, rows]: timestamp and received_at in ms.
    `weights`, `flags` [rows]. `bodies` [2, rows]: where properties and context begin; `before` [2, rows]: how many fractions
    come before theirs in `fractions`, of which there are `total[0]`.
    """

    def __init__(self, data: NDArray[np.uint8], rows: int) -> None:
        """Take the bytes of one or more segments, and how many events they have."""
        self._data = data
        self._rows = rows
        self.texts, self.lengths = np.zeros((TEXTS, rows), np.int64), np.full((TEXTS, rows), -1, np.int64)
        self.times, self.before = np.zeros((2, rows), np.int64), np.zeros((2, rows), np.int64)
        self.bodies = np.full((2, rows), -1, np.int64)
        self.weights, self.flags = np.empty(rows, np.float64), np.empty(rows, np.int32)
        self._fractions = np.empty(len(data) // 5 + 1, np.float64)  # one takes 5 bytes at least
        self._total = np.zeros(1, np.int64)

    @property
    def fractions(self) -> NDArray[np.float64]:
        """The fractions met so far."""
        return self._fractions[: int(self._total[0])]

    def read(self, start: int, end: int, row: int, count: int) -> None:
        """Read the segment of `count` events that lies in [start, end) into the rows from `row` on; BrokenSegment."""
        arrays = (
            self.texts, self.lengths, self.times, self.weights, self.flags, self.bodies, self.before,
            self._fractions, self._total,
        )  # fmt: skip
        found = _library().walk(
            self._data.ctypes.data, start, end, row, structure(arrays, (self._rows, len(self._fractions)))
        )
        if _checked(found) != count:
            raise BrokenSegment(f"A segment of the log has {found} events and should have {count}.")


class OwnProperties:
    """The properties of API calls that have columns of their own; a row for each event.

    `places`, `lengths` [2, rows]: of method and route. `status` and `latency` [rows] count where `has_...` says so.
    """

    def __init__(self, rows: int) -> None:
        """None is known yet."""
        self.places, self.lengths = np.zeros((2, rows), np.int64), np.full((2, rows), -1, np.int64)
        self.status, self.has_status = np.zeros(rows, np.int32), np.zeros(rows, np.bool_)
        self.latency, self.has_latency = np.zeros(rows, np.float64), np.zeros(rows, np.bool_)


class JsonWriter:
    """Writes packed values as JSON texts."""

    def __init__(
        self, data: NDArray[np.uint8], decimals: NDArray[np.uint8], offsets: NDArray[np.int32], own: OwnProperties
    ) -> None:
        """Take the bytes, the fractions' texts one after another, and where each of these begins and the last ends."""
        self._data, self._decimals, self._offsets, self._own = data, decimals, offsets, own
        self._json = np.empty(len(data) * _JSON_GROWTH, np.uint8)

    def write(
        self, bodies: NDArray[np.int64], before: NDArray[np.int64], calls: NDArray[np.bool_]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The values that begin at `bodies` [rows] as JSON, one after another, and where each row's ends; BrokenSegment.

        Where `calls` [rows], properties with columns of their own are noted.
        """
        own, ends = self._own, np.empty(len(bodies), np.int64)
        arrays = (
            bodies, before, self._decimals, self._offsets, calls, own.places, own.lengths, own.status, own.has_status,
            own.latency, own.has_latency, ends, self._json,
        )  # fmt: skip
        numbers = (len(bodies), len(self._offsets) - 1, len(self._json))
        size = _library().write_json(self._data.ctypes.data, len(self._data), structure(arrays, numbers))
        return self._json[: _checked(size)].copy(), ends


def gather(
    data: NDArray[np.uint8], places: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts one after another, and where each ends; BrokenSegment for places outside the data."""
    together = np.empty(int(np.maximum(lengths, 0).sum()), np.uint8)
    ends = np.empty(len(places), np.int64)
    source, rows = (data.ctypes.data, len(data)), (places.ctypes.data, lengths.ctypes.data, len(places))
    _checked(_library().gather(*source, *rows, ends.ctypes.data, together.ctypes.data, len(together)))
    return together, ends


def _checked(result: int) -> int:
    if result < 0:
        raise BrokenSegment(f"A segment of the log cannot be read: {_ERRORS[result]}.")
    return result


@lru_cache(maxsize=1)
def _library() -> Any:
    return load(LIBRARY, {"walk": "npnnnp", "write_json": "npnp", "gather": "npnppnppn"})
