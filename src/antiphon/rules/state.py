"""The state of one subject: all that evaluation remembers of it.

It is a function of the set of its events and trait changes, whatever their order. What its metrics mean is known to the
`Program` that keeps them; see `live.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

Metrics = dict[str, Any]


class SubjectState(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of a subject; times are ms since the epoch, None before the first event.

    `metrics` holds accumulated values by metric key. `traits` holds (value, clock) by name; the clock is the timestamp
    of the event that set it, and a value of None says that the trait was taken away.
    """

    first_seen: int | None = None
    last_seen: int | None = None
    metrics: dict[str, Any] = {}
    traits: dict[str, tuple[Any, int]] = {}


class SubjectView(msgspec.Struct, gc=False):
    """What a rule is evaluated against.

    `traits` are the subject's own; `company_traits` those of a user's company. `segments` tells by a rule's name whether
    the subject is in its segment; a name that is not there counts as outside.
    """

    state: SubjectState
    traits: Mapping[str, Any]
    company_traits: Mapping[str, Any] | None = None
    segments: Mapping[str, bool] = {}


def encode_state(state: SubjectState) -> bytes:
    """The state as MessagePack."""
    return msgspec.msgpack.encode(state)


def decode_state(payload: bytes) -> SubjectState:
    """The state from MessagePack."""
    return msgspec.msgpack.decode(payload, type=SubjectState)


def state_hash(state: SubjectState) -> str:
    """Equal for states of equal content, whatever the order in which it came about."""
    return hashlib.blake2b(msgspec.msgpack.encode(state, order="deterministic"), digest_size=16).hexdigest()


def seen(state: SubjectState, instant: int) -> bool:
    """Note that the subject was seen; tells whether that moved its first time back (or set it)."""
    if state.last_seen is None or instant > state.last_seen:
        state.last_seen = instant
    if state.first_seen is None or instant < state.first_seen:
        state.first_seen = instant
        return True
    return False


def set_trait(state: SubjectState, name: str, value: Any, clock: int) -> bool:
    """Set a trait, unless a newer value is there; of two at one instant the greater in JSON stays.

    Tells whether the value changed.
    """
    known = state.traits.get(name)
    if known is not None and (known[1], _rank(known[0])) >= (clock, _rank(value)):
        return False
    state.traits[name] = (value, clock)
    return known is None or _rank(known[0]) != _rank(value)


def trait_values(state: SubjectState) -> dict[str, Any]:
    """The traits that are there, by name."""
    return {name: value for name, (value, _) in state.traits.items() if value is not None}


def merge_traits(left: SubjectState, right: SubjectState) -> dict[str, tuple[Any, int]]:
    """The newest of both for each name."""
    merged = dict(left.traits)
    for name, (value, clock) in right.traits.items():
        known = merged.get(name)
        if known is None or (known[1], _rank(known[0])) < (clock, _rank(value)):
            merged[name] = (value, clock)
    return merged


def adopt(state: SubjectState, filled: SubjectState, keys: Collection[str]) -> None:
    """Take over the metrics `keys` from a state that was filled from history by another program."""
    for key in keys:
        if key in filled.metrics:
            state.metrics[key] = filled.metrics[key]
        else:
            state.metrics.pop(key, None)


def _rank(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
