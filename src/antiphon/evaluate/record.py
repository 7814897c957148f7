"""What is kept for one id: its behaviour, its traits, and how the rules judged it last."""

from __future__ import annotations

from typing import Any

import msgspec

from antiphon.rules.state import SubjectState


class Judgement(msgspec.Struct, array_like=True, gc=False):
    """How a rule judged a subject last.

    `version` is the rule's version that judged. `since` is when `member` last changed, `recheck_at` when it must be
    judged again though nothing happens (both in ms; None = never). `episode` counts stays from 1.
    """

    version: int
    member: bool
    episode: int
    since: int
    recheck_at: int | None = None


class ComputedValue(msgspec.Struct, array_like=True, gc=False):
    """A computed trait's value (None: it has none) by a version of its formula, since when, and when to look again (ms)."""

    version: int
    value: Any
    since: int
    recheck_at: int | None = None


class Record(msgspec.Struct, array_like=True):
    """All that evaluation keeps for one id.

    A user's state is the fold of the events that carry this very id; ids that are linked are merged when they are
    judged, so that linking them early or late comes to the same. `contribution` is the part of a user's events that
    name no company: it counts for the user's company, whichever that is. A company's `state` is the fold of its own
    events (`own`) and its members' contributions. `company` is the latest group call: (company id, its clock in ms).
    `profiled_at` is the last_seen that the profile row shows. `computed` holds computed traits by their keys.
    """

    state: SubjectState
    judgements: dict[int, Judgement]
    contribution: SubjectState | None = None
    own: SubjectState | None = None
    company: tuple[str, int] | None = None
    profiled_at: int = 0
    computed: dict[int, ComputedValue] = {}

    @property
    def recheck_at(self) -> int | None:
        """When the first rule or computed trait must be looked at again (ms), or None."""
        times = [j.recheck_at for j in self.judgements.values() if j.recheck_at is not None]
        times += [c.recheck_at for c in self.computed.values() if c.recheck_at is not None]
        return min(times) if times else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    """The bytes that the subjects table keeps."""
    return _encoder.encode(record)


def decode(data: bytes) -> Record:
    """The record that `encode` made."""
    return _decoder.decode(data)
