"""Lists of events column by column, read by compiled code: `events.c` beside this file, built when the package is."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.model.event import Event
from antiphon.model.native import address, load, structure

NOBODY = -1
"""In place of a slot: the event names no such subject."""

UNKNOWN = -2
"""In place of a slot: it names one that has no slot."""

NOT_HERE = -2
"""In place of a meaning: none has been noted for such an event."""

LONGEST_DIGEST = 64


class Columns(NamedTuple):
    """Events, a row each; times in ms.

    `slot` is of the user or, where none is named, of the anonymous id; `company` of the company that is named. `call` says which
    events are not `track`. `unknown` is how many rows have an UNKNOWN slot.
    """

    slot: NDArray[np.int64]
    company: NDArray[np.int64]
    at: NDArray[np.int64]
    received: NDArray[np.int64]
    weight: NDArray[np.float64]
    flags: NDArray[np.int64]
    call: NDArray[np.bool_]
    unknown: int


def columns(
    events: list[Event], users: Mapping[str, int], devices: Mapping[str, int], companies: Mapping[str, int]
) -> Columns:
    """Read events; the slots of users, anonymous ids and companies are looked up in the three dicts."""
    slot, company, at, received, flags = np.empty((5, len(events)), np.int64)
    weight, call = np.empty(len(events), np.float64), np.empty(len(events), np.bool_)
    outs = map(address, (slot, company, at, received, weight, flags, call))
    unknown = _library().columns(events, users, devices, companies, *outs)
    return Columns(slot, company, at, received, weight, flags, call, unknown)


def digests(events: list[Event], size: int) -> bytes:
    """BLAKE2b of each event's source, a zero byte and its id: `size` (up to 64) bytes each, one after another."""
    if not 0 < size <= LONGEST_DIGEST:
        raise ValueError(f"A digest has 1 to {LONGEST_DIGEST} bytes, not {size}.")
    out = np.empty(len(events) * size, np.uint8)
    _library().digests(events, address(out), size)
    return out.tobytes()


class ValueClasses(NamedTuple):
    """How the values of one property are told apart: values of one class mean the same to everybody who asks.

    `texts` has the classes of texts, and of numbers that are looked at one by one, `named` the texts to which it matters which they are (None: to all),
    `other` is the class of a text that is not among them, `missing` of no value. Numbers fall between `numbers` (ascending; None:
    each must be looked at): `between` has the class of one below the first, of the first, of one above it and so on, or UNKNOWN.
    """

    name: str
    texts: dict[Any, int]
    named: frozenset[str] | None
    other: int
    missing: int
    numbers: NDArray[np.float64] | None
    between: NDArray[np.int64]


class Meanings:
    """Numbers for what events mean, by name and the classes of their properties' values."""

    def __init__(self) -> None:
        """Know nothing."""
        self._places: dict[str, int] = {}
        self._known: list[dict[bytes, int]] = []
        self._keep: list[Any] = []
        self._addresses = np.empty(0, np.int64)

    def add_name(self, name: str, properties: list[ValueClasses]) -> dict[bytes, int]:
        """Begin to know a name; the dict (classes, four bytes each in native order -> number) is to be filled."""
        known: dict[bytes, int] = {}
        rows = [_row(one) for one in properties]
        table = np.array(rows, np.int64).reshape(-1)
        entry = structure([table], [len(properties), id(known)])
        self._keep += [properties, table, entry, known]
        self._places[name] = len(self._known)
        self._known.append(known)
        self._addresses = np.append(self._addresses, ctypes.addressof(entry))
        return known

    def of(self, events: list[Event]) -> tuple[NDArray[np.int64], int]:
        """The numbers of events, NOT_HERE for those that have none yet; and how many these are."""
        numbers = np.empty(len(events), np.int64)
        missing = _library().meanings(events, self._places, address(self._addresses), address(numbers))
        return numbers, missing


def _row(one: ValueClasses) -> list[int]:
    numbers = one.numbers
    return [
        id(one.name), id(one.texts), 0 if one.named is None else id(one.named), one.other, one.missing,
        0 if numbers is None else address(numbers), -1 if numbers is None else len(numbers), address(one.between),
    ]  # fmt: skip


@lru_cache(maxsize=1)
def _library() -> Any:
    return load(
        Path(__file__).with_name("_events.so"),
        {"columns": "noooo" + "p" * 7, "digests": "nopn", "meanings": "noopp"},
        of_python=True,
    )
