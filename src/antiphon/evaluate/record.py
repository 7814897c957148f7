"""A subject's state as it is stored: its blocks in few bytes, and what Python keeps beside them."""

from __future__ import annotations

from typing import Any

import msgspec

from antiphon.errors import InvalidInput
from antiphon.rules.kernel.blocks import Ints, unpacked


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


class Stored(msgspec.Struct, array_like=True):
    """The state of one id, and of its part.

    It is the fold of the events that carry this very id and lie before the log offset `position`; ids that are linked are put
    together when they are judged, so that linking them early or late comes to the same. A user's part are those events that
    name no company: they count for the user's company, whichever that is. A company's part are the events that name it; its
    state is that and its members' parts. Times are in ms, None before the first event; `profiled_at` is the last_seen that
    the profile row shows.
    """

    position: int
    first_seen: int | None
    last_seen: int | None
    profiled_at: int
    block: bytes
    part_first_seen: int | None
    part_last_seen: int | None
    part_block: bytes
    extra: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Stored)
_extra_decoder = msgspec.msgpack.Decoder(Extra)


def encode(stored: Stored) -> bytes:
    """The bytes that the subjects table keeps."""
    return _encoder.encode(stored)


def decode(data: bytes) -> Stored:
    """What `encode` was given; raises InvalidInput for what another version wrote."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise _foreign() from error


def block_of(data: bytes) -> Ints:
    """The words of a stored block; raises as `decode`."""
    try:
        return unpacked(data)
    except ValueError as error:
        raise _foreign() from error


def _foreign() -> InvalidInput:
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
