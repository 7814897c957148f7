"""Subjects' states as they are stored: the blocks of many in few bytes, and what Python keeps beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import numpy as np

from antiphon.errors import InvalidInput
from antiphon.model.subject import StateKind, SubjectKey
from antiphon.rules.kernel.blocks import ANONYMOUS, COMPANY, NEVER, USER, Ints, unpacked

KINDS: dict[StateKind, int] = {"user": USER, "company": COMPANY, "anonymous": ANONYMOUS}
_KIND_OF: dict[int, StateKind] = {number: kind for kind, number in KINDS.items()}

POSITION, FIRST_SEEN, LAST_SEEN, PROFILED_AT, PART_FIRST_SEEN, PART_LAST_SEEN, RECHECK_AT = range(7)
"""The numbers of a member."""

NUMBERS = RECHECK_AT + 1


class Extra(msgspec.Struct, array_like=True):
    """What is kept of an id beside its block; most have nothing of the kind.

    `traits` holds (value, clock in ms) by name, see `SubjectState`. `company` is the latest group call: (company id, its clock in
    ms). `metrics` and `part_metrics` are those that the kernel does not keep, by metric key; stored, by its number. `computed` holds
    the values of computed traits by their keys, for who is judged.
    """

    traits: dict[str, tuple[Any, int]] = {}
    company: tuple[str, int] | None = None
    metrics: dict[Any, Any] = {}
    part_metrics: dict[Any, Any] = {}
    computed: dict[int, Any] = {}


class Stored(msgspec.Struct, frozen=True):
    """The state of one id, and of its part.

    It is the fold of the events that carry this very id and lie before the log offset `position`; ids that are linked are put
    together when they are judged, so that linking them early or late comes to the same. A user's part are those events that
    name no company: they count for the user's company, whichever that is. A company's part are the events that name it; its
    state is that and its members' parts. Times are in ms, NEVER before the first event; `profiled_at` is the last_seen that
    the profile row shows.
    """

    position: int
    first_seen: int
    last_seen: int
    profiled_at: int
    part_first_seen: int
    part_last_seen: int
    block: bytes
    part_block: bytes
    extra: bytes


class Content(msgspec.Struct, array_like=True):
    """The states of some subjects, as the tables keep them.

    For each member: `kinds` a byte (see `KINDS`), `names` an id (an encoded list), `numbers` seven 64-bit integers (see `POSITION`
    and the following), `sizes` two 32-bit ones: how many bytes its block takes in `blocks`, and its part's in `part_blocks`.
    `extras` go by member.
    """

    kinds: bytes
    names: msgspec.Raw
    numbers: bytes
    sizes: bytes
    blocks: bytes
    part_blocks: bytes
    extras: dict[int, bytes]

    def __len__(self) -> int:
        """How many members there are."""
        return len(self.kinds)

    def members(self) -> Iterator[SubjectKey]:
        """Who they are."""
        return (SubjectKey(_KIND_OF[kind], name) for kind, name in zip(self.kinds, self.ids(), strict=True))

    def ids(self) -> list[str]:
        """Their ids."""
        return _names_decoder.decode(self.names)

    def column(self, number: int) -> Ints:
        """One number of all members."""
        return self._numbers()[:, number]

    def member(self, index: int) -> Stored:
        """The state of one member."""
        position, first, last, profiled, part_first, part_last, _ = self._numbers()[index].tolist()
        blocks, part_blocks = self._pieces()
        return Stored(
            position, first, last, profiled, part_first, part_last,
            blocks[index], part_blocks[index], self.extras.get(index, b""),
        )  # fmt: skip

    def find(self, key: SubjectKey) -> int | None:
        """Which member a subject is; None if it is none."""
        kind = KINDS[key.kind]
        for index, name in enumerate(self.ids()):
            if name == key.id and self.kinds[index] == kind:
                return index
        return None

    def take(self, chosen: Sequence[int]) -> Content:
        """Some of the members."""
        blocks, part_blocks = self._pieces()
        ids = self.ids()
        return Content(
            bytes(self.kinds[index] for index in chosen),
            names_of(ids[index] for index in chosen),
            self._numbers()[chosen].tobytes(),
            self._sizes()[chosen].tobytes(),
            b"".join(blocks[index] for index in chosen),
            b"".join(part_blocks[index] for index in chosen),
            {row: self.extras[index] for row, index in enumerate(chosen) if index in self.extras},
        )

    def starts(self) -> tuple[Ints, Ints]:
        """Where each block begins in `blocks`, and in `part_blocks` (one more: the end)."""
        found = np.zeros((len(self) + 1, 2), dtype=np.int64)
        np.cumsum(self._sizes(), axis=0, out=found[1:])
        return found[:, 0], found[:, 1]

    def _numbers(self) -> Ints:
        return np.frombuffer(self.numbers, dtype=np.int64).reshape(-1, NUMBERS)

    def _sizes(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        return np.frombuffer(self.sizes, dtype=np.int32).reshape(-1, 2)

    def _pieces(self) -> tuple[list[bytes], list[bytes]]:
        own, parts = self._sizes().T.tolist()
        return _cut(self.blocks, own), _cut(self.part_blocks, parts)


def _cut(data: bytes, sizes: list[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise(accumulate(sizes, initial=0))]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Content)
_names_decoder = msgspec.msgpack.Decoder(list[str])
_extra_decoder = msgspec.msgpack.Decoder(Extra)


def names_of(ids: Iterable[str]) -> msgspec.Raw:
    """Ids as a `Content` has them."""
    return msgspec.Raw(_encoder.encode(list(ids)))


EMPTY = Content(b"", names_of([]), b"", b"", b"", b"", {})


def joined(contents: Sequence[Content]) -> Content:
    """The members of all."""
    firsts = accumulate(map(len, contents), initial=0)
    return Content(
        b"".join(one.kinds for one in contents),
        names_of(name for one in contents for name in one.ids()),
        b"".join(one.numbers for one in contents),
        b"".join(one.sizes for one in contents),
        b"".join(one.blocks for one in contents),
        b"".join(one.part_blocks for one in contents),
        {
            first + index: extra
            for first, one in zip(firsts, contents, strict=False)
            for index, extra in one.extras.items()
        },
    )


def encode(content: Content) -> bytes:
    """The bytes that the tables keep."""
    return _encoder.encode(content)


def decode(data: bytes) -> Content:
    """What `encode` was given; raises InvalidInput for what another version wrote."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise foreign() from error


def block_of(data: bytes) -> Ints:
    """The words of a stored block; raises as `decode`."""
    try:
        return unpacked(data)
    except ValueError as error:
        raise foreign() from error


def foreign() -> InvalidInput:
    """What to say when another version wrote what is stored."""
    return InvalidInput(
        "The state of subjects was written by another version of Antiphon; start this one with a new data folder."
    )


def encode_extra(extra: Extra) -> bytes:
    """The bytes of an extra; empty when there is nothing in it."""
    some = extra.traits or extra.company or extra.metrics or extra.part_metrics or extra.computed
    return _encoder.encode(extra) if some else b""


def decode_extra(data: bytes) -> Extra:
    """What `encode_extra` was given."""
    return _extra_decoder.decode(data) if data else Extra()


def instant(time: int) -> int | None:
    """A time as Python's states have it: None for NEVER."""
    return None if time == NEVER else time
