"""The memory of evaluation: one block of 64-bit words for each subject in one arena, and a few columns by slot.

A block is a small sorted map: `[entries, room in the directory, words used] [directory] [entries' words]`. A directory
word is `key << 32 | place`, places counting from the block's start. Keys are `0` for inputs, `2 * n` for the ring of the metric
numbered n, `2 * rule id + 1` for a judgement.

- inputs: `[n] [n floats]`, what rules read of traits, see `lower.Readings`
- ring: `[n | room << 24] [room bucket numbers, ascending] [room values]`
- judgement: `[episode * 2 + member] [recheck_at]`

Blocks are of fixed sizes; one that grows moves to the next size that fits, and its old place is used again.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.model.native import address, structure, whole
from antiphon.rules.accumulators import exact_weight
from antiphon.rules.kernel.layout import (
    COUNT,
    FOLLOW_UP,
    NO_RECHECK,
    WEIGHT_ONE,
    Names,
    judgements_in,
    metrics_in,
    ring_of_follow_up,
)
from antiphon.rules.kernel.library import library

Ints = NDArray[np.int64]

NEVER = -(2**62)
"""A time that is not there yet (first_seen, last_seen)."""

FAR = NO_RECHECK
"""No need to look again (recheck_at)."""

CLEAN = -1
"""Nothing has changed since the state was stored."""

NEW, MERGED, STALE = 1, 2, 4
"""Flags of a slot: not judged yet; has several ids, so Python judges; its inputs must be worked out anew."""

USER, COMPANY, ANONYMOUS, PART = range(4)
"""What a slot is about; the last two are never judged. A part is a company's own events, or a user's that name no company."""

_SIZES = [8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256]
while _SIZES[-1] < 1 << 24:
    _SIZES.append(_SIZES[-4] * 2)

_NO_RESERVE = 0x4000
"""MAP_NORESERVE, which `mmap` names from Python 3.13 on only."""

_ADDRESSES = 0.5
"""Of the machine's memory, for blocks; it is taken only as it is used."""

NEAR = 1 << 10
"""Neighbouring slots whose soonest timer is kept, as in `kernel.c`."""

FIRST_SLOTS = NEAR

HEAD = 3
"""Words of a block before its directory."""


class ArenaFull(MemoryError):  # noqa: N818 - it says what is the case
    """There is no more room for subjects' state; keep fewer in memory (`hot_subjects`)."""


class Slots(NamedTuple):
    """What is kept of each resident subject beside its block, by slot.

    `offset` is its block's place (-1: none), `size` the block's size class. Times are in ms. `dirty` is the log offset from
    which on events are missing from what is stored (CLEAN: none are).
    """

    offset: Ints
    size: NDArray[np.int16]
    first_seen: Ints
    last_seen: Ints
    recheck_at: Ints
    dirty: Ints
    flags: NDArray[np.uint8]
    kind: NDArray[np.uint8]


EMPTY = (-1, 0, NEVER, NEVER, FAR, CLEAN, 0, PART)
"""What the columns of an unused slot hold."""

_KINDS = (np.int64, np.int16, np.int64, np.int64, np.int64, np.int64, np.uint8, np.uint8)


def _empty(count: int) -> Slots:
    columns: Any = (np.full(count, value, dtype=kind) for value, kind in zip(EMPTY, _KINDS, strict=True))
    return Slots(*columns)


class Memory:
    """Blocks and slots."""

    def __init__(self, words: int | None = None) -> None:
        """Room for so many words of blocks (by default half of the machine's memory)."""
        if words is None:
            words = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _ADDRESSES) // 8
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (_NO_RESERVE if sys.platform == "linux" else 0)
        self.words: Ints = np.frombuffer(mmap.mmap(-1, words * 8, flags=flags), dtype=np.int64)
        sizes = whole(_SIZES)
        self._free, self._top = np.full(len(sizes), -1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        self._arrays = (self.words, self._free, self._top, sizes)
        self.arena = structure(self._arrays, (words, len(sizes)))
        self._use(_empty(FIRST_SLOTS), np.full(FIRST_SLOTS // NEAR, FAR, dtype=np.int64))

    def _use(self, columns: Slots, soonest: Ints) -> None:
        self.columns, self._soonest = columns, soonest
        self.slots = structure((*columns, soonest))

    def grow(self) -> None:
        """Have twice as many slots."""
        more = _empty(len(self.columns.offset))
        pairs = zip(self.columns, more, strict=True)
        columns = Slots(*(np.concatenate(pair) for pair in pairs))  # pyright: ignore[reportArgumentType]
        self._use(columns, np.concatenate((self._soonest, np.full_like(self._soonest, FAR))))

    @property
    def fullness(self) -> float:
        """The share of the room for blocks that has ever been used."""
        return float(self._top[0]) / len(self.words)

    def clear(self, slot: int) -> None:
        """Make a slot an unused one."""
        library().release(self.arena, self.slots, slot)
        for column, value in zip(self.columns, EMPTY, strict=True):
            column[slot] = value

    # -- metrics ---------------------------------------------------------------------------------------------------

    def metrics(self, slot: int, names: Names) -> dict[str, Any]:
        """What a slot's rings hold, as `SubjectState.metrics` has it."""
        block = int(self.columns.offset[slot])
        return {} if block < 0 else metrics_in(self.words, block, names)

    def put_metric(self, slot: int, key: int, how: int, value: Any, *, ever: bool) -> None:
        """Put one metric (as `metrics` gives it) over what was there; None takes it away."""
        numbers, values = (
            ([], [])
            if value is None
            else ([0], [value])
            if ever
            else value
            if how != FOLLOW_UP
            else ring_of_follow_up(value)
        )
        if how == COUNT:
            values = [round(exact_weight(one) * WEIGHT_ONE) for one in values]
        places, amounts = whole(numbers), whole(values)
        _check(library().put_ring(self.arena, self.slots, slot, key, address(places), address(amounts), len(places)))

    def merge_rings(self, rows: Ints, how: int, limit: int) -> None:
        """Bring buckets into rings: rows of (slot, key, bucket, value), a count's value in 2^-20."""
        rows = whole(rows)
        _check(library().merge_rings(self.arena, self.slots, address(rows), len(rows), how, limit))

    def drop_unknown(self, chosen: Ints, keys: Ints) -> None:
        """Drop, from the chosen slots, rings whose key is not among `keys` (ascending): what no rule uses any more."""
        chosen = whole(chosen)
        library().drop_unknown(self.arena, self.slots, address(chosen), len(chosen), address(keys), len(keys))

    def set_inputs(self, chosen: Ints, inputs: NDArray[np.float64]) -> None:
        """Set what rules read of the traits of the chosen slots, a row each."""
        chosen, inputs = whole(chosen), np.ascontiguousarray(inputs, dtype=np.float64)
        _check(
            library().set_inputs(self.arena, self.slots, address(chosen), len(chosen), address(inputs), inputs.shape[1])
        )

    # -- timers ----------------------------------------------------------------------------------------------------

    def due(self, now: int, most: int) -> Ints:
        """Up to `most` slots that must be looked at by now (ms)."""
        groups = np.flatnonzero(self._soonest <= now)
        rows = self.columns.recheck_at.reshape(-1, NEAR)[groups]
        group, place = np.nonzero(rows <= now)
        return (groups[group] * NEAR + place)[:most]

    def next_due(self, now: int) -> int:
        """When a slot must be looked at, or earlier if that is to come (ms); exact if it is not."""
        groups = np.flatnonzero(self._soonest <= now)
        self._soonest[groups] = self.columns.recheck_at.reshape(-1, NEAR)[groups].min(axis=1)
        return int(self._soonest.min())

    # -- judgements ------------------------------------------------------------------------------------------------

    def judgements(self, slot: int) -> dict[int, tuple[bool, int, int | None]]:
        """How the rules judged a slot: (member, episode, recheck_at) by rule id."""
        block = int(self.columns.offset[slot])
        return {} if block < 0 else judgements_in(self.words, block)

    def set_judgement(self, slot: int, rule_id: int, episode: int, *, member: bool) -> None:
        """Say how a rule judged a slot, over what was there; it is to be judged again at once."""
        _check(library().set_judgement(self.arena, self.slots, slot, rule_id, episode, int(member)))

    def forget_judgements(self, chosen: Sequence[int], rule_id: int = -1) -> None:
        """Forget how a rule (by default all rules) judged slots."""
        slots = whole(chosen)
        library().forget_judgements(self.arena, self.slots, address(slots), len(slots), rule_id)

    def refresh_recheck(self, slot: int) -> None:
        """Work out anew when a slot must be looked at again."""
        library().refresh_recheck(self.arena, self.slots, slot)

    # -- storing ---------------------------------------------------------------------------------------------------

    def packed(self, chosen: Ints) -> tuple[bytes, Ints]:
        """The blocks of slots one after the other, packed as `words.h` says, and where each begins (one more: the end)."""
        chosen = whole(chosen)
        starts = np.zeros(len(chosen) + 1, dtype=np.int64)
        arguments = (self.arena, self.slots, address(chosen), len(chosen), address(starts))
        library().copy_blocks(*arguments, None)
        content = np.empty(starts[-1], dtype=np.uint8)
        library().copy_blocks(*arguments, address(content))
        return content[: starts[-1]].tobytes(), starts

    def put_packed(self, chosen: Ints, data: bytes, starts: Ints) -> None:
        """Give slots the blocks that `packed` gave; raises ValueError for bytes that hold none."""
        chosen, starts, content = whole(chosen), whole(starts), np.frombuffer(data, dtype=np.uint8)
        arguments = (address(chosen), len(chosen), address(content), address(starts))
        if _check(library().put_blocks(self.arena, self.slots, *arguments)) < 0:
            raise ValueError("the bytes hold no block of a subject")


def unpacked(data: bytes) -> Ints:
    """The words of a block that `Memory.packed` gave; raises ValueError when that is none."""
    content = np.frombuffer(data, dtype=np.uint8)
    count = library().unpack(address(content), len(content), None)
    words = np.empty(max(count, 0), dtype=np.int64)
    if count >= HEAD:
        library().unpack(address(content), len(content), address(words))
    if count < HEAD or words[2] != count:
        raise ValueError("the bytes hold no block of a subject")
    return words


def _check(result: int) -> int:
    if result == -1:
        raise ArenaFull("There is no more room for the state of subjects: lower hot_subjects, or use a larger machine.")
    return result
