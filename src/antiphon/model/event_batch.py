"""Batches of events as the log packs them, read by compiled code: `events.c` beside this file, built when the package is."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
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

LIBRARY = Path(__file__).with_name("_events.so")

_PLACES = 9
_BEGIN, _END = 0, 1
READING_ERRORS = {
    -1: "it ends in the middle of a value",
    -2: "it has a MessagePack type that events never have",
    -3: "a value stands where an event has another, or none",
}
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)


class BrokenEvents(ValueError):  # noqa: N818 - it is what they are
    """Bytes that are no packed events."""


class EventBatch(Sequence[Event]):
    """Events that are read field by field; `batch[i]` is decoded each time it is asked for.

    By event: `at` and `received` in ms, `weight`, `flags`, and `call`: whether it is no `track`.
    """

    __slots__ = ("_packed", "_places", "at", "call", "flags", "received", "weight")

    def __init__(
        self,
        packed: bytes,
        places: NDArray[np.int64],
        columns: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
    ) -> None:
        """`places` [events, 9]: where each event and its fields lie in `packed`; `read` and `of` find that out."""
        self._packed = packed
        self._places = places
        self.at: NDArray[np.int64]
        self.received: NDArray[np.int64]
        self.weight: NDArray[np.float64]
        self.flags: NDArray[np.int64]
        self.call: NDArray[np.bool_]
        self.at, self.received, self.weight, self.flags, self.call = columns

    @classmethod
    def read(cls, packed: bytes, count: int) -> EventBatch:
        """The `count` events of lists of packed events, one list after another; raises BrokenEvents."""
        places, times = np.empty((count, _PLACES), np.int64), np.empty((3, count), np.int64)
        weight, call = np.empty(count, np.float64), np.empty(count, np.bool_)
        at, received, flags = times
        rows = structure((places, at, received, weight, flags, call), (count,))
        found = _library().walk(_address(packed), len(packed), rows)
        if _checked(found) != count:
            raise BrokenEvents(f"There are {found} packed events, and there should be {count}.")
        return cls(packed, places, (at, received, weight, flags, call))

    @classmethod
    def of(cls, events: Iterable[Event]) -> EventBatch:
        """Pack events; raises what msgspec raises for what MessagePack does not have."""
        listed = list(events)
        return cls.read(_encoder.encode(listed), len(listed))

    def __len__(self) -> int:
        """How many events."""
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        """One event, decoded; of a slice a list of them."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        place = self._places[index]
        return _decoder.decode(self._packed[place[_BEGIN] : place[_END]])

    def __iter__(self) -> Iterator[Event]:
        """All events, decoded one by one."""
        return (self[index] for index in range(len(self)))

    def take(self, rows: NDArray[Any]) -> EventBatch:
        """Some of the events: those of an array of indices, or where one of booleans is true."""
        columns = (self.at[rows], self.received[rows], self.weight[rows], self.flags[rows], self.call[rows])
        return EventBatch(self._packed, np.ascontiguousarray(self._places[rows]), columns)

    def slots(self, users: Mapping[str, int], devices: Mapping[str, int], companies: Mapping[str, int]) -> Slots:
        """Look up the users or, where an event names none, the anonymous ids, and the companies that it names, in the three dicts."""
        slot, company = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        unknown = _looking().slots(*self._where(), users, devices, companies, address(slot), address(company))
        return Slots(slot, company, _checked(unknown))

    def digests(self, size: int) -> NDArray[np.uint8]:
        """BLAKE2b of each event's source, a zero byte and its id; [events, size], `size` up to 64."""
        if not 0 < size <= LONGEST_DIGEST:
            raise ValueError(f"A digest has 1 to {LONGEST_DIGEST} bytes, not {size}.")
        out = np.empty((len(self), size), np.uint8)
        _library().digests(*self._where(), address(out), size)
        return out

    def meanings(self, names: Mapping[str, int], known: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """See `Meanings.of`, which knows the names."""
        numbers = np.empty(len(self), np.int64)
        missing = _looking().meanings(*self._where(), names, address(known), address(numbers))
        return numbers, _checked(missing)

    def _where(self) -> tuple[int, int, int]:
        return _address(self._packed), address(self._places), len(self)


class Slots(NamedTuple):
    """Slots of the subjects of events: the user's or anonymous id's, and the named company's.

    In `unknown` events one is UNKNOWN.
    """

    slot: NDArray[np.int64]
    company: NDArray[np.int64]
    unknown: int


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
        self._names: dict[str, int] = {}
        self._known: list[dict[bytes, int]] = []
        self._keep: list[Any] = []
        self._addresses = np.empty(0, np.int64)

    def add_name(self, name: str, properties: list[ValueClasses]) -> dict[bytes, int]:
        """Begin to know a name; the dict (classes, four bytes each in native order -> number) is to be filled."""
        known: dict[bytes, int] = {}
        names = [np.frombuffer(one.name.encode(errors="surrogatepass") + b"\0", np.uint8) for one in properties]
        table = np.array([_row(*pair) for pair in zip(names, properties, strict=True)], np.int64).reshape(-1)
        entry = structure([table], [len(properties), id(known)])
        self._keep += [names, properties, table, entry, known]
        self._names[name] = len(self._known)
        self._known.append(known)
        self._addresses = np.append(self._addresses, ctypes.addressof(entry))
        return known

    def of(self, batch: EventBatch) -> tuple[NDArray[np.int64], int]:
        """The numbers of events, NOT_HERE for those that have none yet; and how many these are."""
        return batch.meanings(self._names, self._addresses)


def _address(packed: bytes) -> int:
    return address(np.frombuffer(packed, np.uint8))


def _row(name: NDArray[np.uint8], one: ValueClasses) -> list[int]:
    numbers = one.numbers
    return [
        address(name), len(name) - 1, id(one.texts), 0 if one.named is None else id(one.named), one.other, one.missing,
        0 if numbers is None else address(numbers), -1 if numbers is None else len(numbers), address(one.between),
    ]  # fmt: skip


def _checked(result: int) -> int:
    if result < 0:
        raise BrokenEvents(f"Packed events cannot be read: {READING_ERRORS[result]}.")
    return result


@lru_cache(maxsize=1)
def _library() -> Any:
    return load(LIBRARY, {"walk": "npnp", "digests": "vppnpn"})


@lru_cache(maxsize=1)
def _looking() -> Any:
    return load(LIBRARY, {"slots": "nppnooopp", "meanings": "nppnopp"}, of_python=True)
