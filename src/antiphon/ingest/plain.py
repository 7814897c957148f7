"""Batches in which nothing has to be repaired or refused, packed for the log in one pass of compiled code.

`plain.c` beside this file, built when the package is, does what `parse`, `sources.segment`, `steps` and `redact` do one after
another. It takes nearly every batch that a client library sends; what it does not take goes that longer way, from the beginning.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.ingest.parse import MAX_OBJECTS
from antiphon.ingest.redact import fold
from antiphon.ingest.steps import Bounds
from antiphon.model.native import address, load, structure
from antiphon.store.log import Packed

_NEEDED = frozenset({"groupid", "companyid", "route", "path", "status", "weight"})
"""Members that the steps look at before anything is redacted."""

_GROWTH = 3  # a byte of JSON becomes at most so many, values and events together
_LEAST = 4_096


class PlainBatches:
    """Packs plain batches; one for each thread, since it keeps its buffer."""

    def __init__(self, max_event_bytes: int, bounds: Bounds, redact_keys: Sequence[str]) -> None:
        """`max_event_bytes` bounds one call's JSON, `bounds` its time; the values of `redact_keys` are not kept."""
        self.redact_keys = tuple(redact_keys)
        folded = sorted({fold(key) for key in redact_keys} - {""})
        self._takes = all(key.isascii() for key in folded) and _NEEDED.isdisjoint(folded)
        self._secrets = np.frombuffer("".join(folded).encode() or b"\0", np.uint8)
        self._ends = np.cumsum([len(key) for key in folded], dtype=np.int64) if folded else np.zeros(1, np.int64)
        self._limits = (bounds.ahead, bounds.lateness, max_event_bytes, MAX_OBJECTS)
        self._many = len(folded)
        self._room: NDArray[np.uint8] = np.empty(0, np.uint8)

    def pack(self, body: bytes, received_at: int, source: str) -> Packed | None:
        """The events of a batch that came at `received_at` (ms) with the key `source`; None if it is not plain."""
        if not self._takes or not _is_text(body):
            return None
        if len(self._room) < _GROWTH * len(body) + _LEAST:
            self._room = np.empty(_GROWTH * len(body) + _LEAST, np.uint8)
        name = np.frombuffer(msgspec.msgpack.encode(source), np.uint8)
        ahead, lateness, most_bytes, most_maps = self._limits
        given = structure(
            (name, self._secrets, self._ends),
            (len(name), self._many, received_at, ahead, lateness, most_bytes, most_maps),
        )
        count = ctypes.c_int64()
        place = address(self._room)
        size = _library().pack_plain(body, len(body), given, place, len(self._room), ctypes.addressof(count))
        return Packed(count.value, self._room[:size].tobytes()) if size > 0 else None


def _is_text(body: bytes) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=1)
def _library() -> Any:
    return load(Path(__file__).with_name("_plain.so"), {"pack_plain": "npnppnp"}, of_python=True)
