"""The subjects whose state is in memory: read when needed, written behind, let go when there are too many.

A subject has a slot: its numbers lie in blocks (see `rules.kernel.blocks`), its traits and what else Python keeps in an `Extra`.
Only evaluation writes the table, so what is in memory is at least as new as what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from antiphon.evaluate.buckets import MOST, UNKNOWN, Bucket, Buckets
from antiphon.evaluate.extras import Extras
from antiphon.evaluate.record import (
    EMPTY,
    FIRST_SEEN,
    LAST_SEEN,
    PART_FIRST_SEEN,
    PART_LAST_SEEN,
    POSITION,
    PROFILED_AT,
    RECHECK_AT,
    Content,
    Extra,
    decode,
    foreign,
    instant,
    joined,
)
from antiphon.evaluate.roster import UNKNOWN_HOME, Roster
from antiphon.evaluate.rounds import Rounds
from antiphon.model.subject import StateKind, SubjectKey, SubjectKind
from antiphon.rules.kernel.blocks import (
    CLEAN,
    COMPANY,
    NEVER,
    NEW,
    PART,
    STALE,
    Ints,
)
from antiphon.rules.kernel.layout import Names, how_of, is_ever
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.state import SubjectState
from antiphon.store import states
from antiphon.store.engine import Connection
from antiphon.store.states import place_of

_BEFORE = int(NEVER)
_FULL = 0.8
_SLACK = 8  # so much of the capacity may be exceeded for a while

READ_AHEAD = 400
"""Buckets read at a time at a start."""

SWEEP = 20_000
"""Slots looked through at a tick for what no rule uses any more."""


class Residents(Roster):
    """Slots of the subjects in memory, at most about `capacity` between ticks."""

    def __init__(self, capacity: int) -> None:
        """Nobody is in memory."""
        self._capacity = capacity
        super().__init__()
        self._extras = Extras(self._kind_of)
        self.created: list[int] = []
        self.everybody = False  # whether all that is stored is in memory
        self.changed: dict[Bucket, set[int]] = {}  # slots that are stored by themselves, newer than their bucket
        self.overdue: list[Bucket] = []  # in which a stored timer has passed
        self._keys: Ints = np.zeros(0, dtype=np.int64)
        self._swept = self._sweep_to = 0  # between these slots there may be what no rule uses
        self._readings: tuple[object, int] | None = None
        self.rounds = Rounds()

    # -- finding -------------------------------------------------------------------------------------------------

    def find(self, conn: Connection, key: SubjectKey) -> int | None:
        """The slot of a subject that there is, read if need be."""
        slot = self.places[key.kind].get(key.id)
        if slot is None and not self.everybody:
            self.load(conn, key.kind, [key.id])
            slot = self.places[key.kind].get(key.id)
        return slot

    def slot(self, conn: Connection, key: SubjectKey) -> int:
        """The slot of a subject; a new one if there is none."""
        found = self.find(conn, key)
        return self._create(key.kind, key.id) if found is None else found

    def load(self, conn: Connection, kind: StateKind, ids: Iterable[str]) -> list[str]:
        """Read those of `ids` that are not in memory; those that there are none of."""
        known = self.places[kind]
        missing = [one for one in ids if one not in known]
        if missing and not self.everybody:
            self._read(conn, kind, missing)
            missing = [one for one in missing if one not in known]
        return missing

    def _read(self, conn: Connection, kind: StateKind, ids: Iterable[str]) -> None:
        """Read those of `ids` that are stored only."""
        wanted: dict[Bucket, list[str]] = {}
        for one in dict.fromkeys(ids):
            bucket = self.buckets.at(place_of(one))
            if bucket.away:
                wanted.setdefault(bucket, []).append(one)
        contents = states.read(conn, [bucket.lowest for bucket in wanted])
        found: list[Content] = []
        for bucket, some in wanted.items():
            content = self.content(bucket, contents.get(bucket.lowest))
            indices = (content.find(SubjectKey(kind, one)) for one in some)
            there = [index for index in indices if index is not None]
            bucket.away -= len(there)
            found.append(content.take(there))
        self._install(joined(found))

    def content(self, bucket: Bucket, data: bytes | None) -> Content:
        """What is stored of a bucket (None: nothing); how many of them are away is known then."""
        content = decode(data) if data else EMPTY
        if bucket.away == UNKNOWN:
            bucket.away = len(self.away(content))
        return content

    def away(self, content: Content) -> list[int]:
        """Which members of a stored bucket are not in memory."""
        return [index for index, key in enumerate(content.members()) if key.id not in self.places[key.kind]]

    def read_due(self, conn: Connection, now: int, most: int) -> list[SubjectKey]:
        """Read those who are away and whose time has come (ms), of at most so many buckets; their buckets are `overdue`."""
        found: list[Content] = []
        for lowest, data in states.due(conn, now, most):
            bucket = self.buckets.at(lowest)
            content = self.content(bucket, data)
            rechecks = content.column(RECHECK_AT)
            due = [index for index in self.away(content) if rechecks[index] <= now]
            bucket.away -= len(due)
            found.append(content.take(due))
            self.overdue.append(bucket)
        read = joined(found)
        self._install(read)
        return list(read.members())

    def restore(self, conn: Connection) -> None:
        """Begin with what is stored: those who are newer than their bucket, and whole buckets as long as there is room."""
        self.buckets = Buckets(states.all_lowest(conn))
        changed = [decode(data) for data in states.all_changed(conn)]
        for slot in self._install(joined(changed)):
            self.changed.setdefault(self.bucket_of(slot), set()).add(slot)
        stored = [bucket for bucket in self.buckets if bucket.away]
        most = self._capacity + self._capacity // _SLACK - READ_AHEAD * MOST
        while stored and self._size < most:
            some, stored = stored[:READ_AHEAD], stored[READ_AHEAD:]
            contents = states.read(conn, [bucket.lowest for bucket in some])
            found: list[Content] = []
            for bucket in some:
                content = decode(contents[bucket.lowest])
                found.append(content.take(self.away(content)))
                bucket.away = 0
            self._install(joined(found))
        self.everybody = not stored

    def bring(self, conn: Connection, kind: StateKind, ids: Iterable[str]) -> None:
        """Have all of `ids` in memory, new ones too."""
        for one in self.load(conn, kind, ids):
            self._create(kind, one)

    # -- what Python keeps ---------------------------------------------------------------------------------------

    def extra(self, slot: int) -> Extra:
        """What is kept beside the block; not to be changed."""
        return self._extras.get(slot)

    def has_extra(self, slot: int) -> bool:
        """Whether there is anything beside the block."""
        return self._extras.has(slot)

    def change(self, slot: int) -> Extra:
        """The same, to be changed."""
        return self._extras.change(slot)

    def soil(self, slot: int, position: int) -> None:
        """Note that more is in memory than is stored."""
        if self.slots.dirty[slot] == CLEAN:
            self.slots.dirty[slot] = position

    # -- states --------------------------------------------------------------------------------------------------

    def use(self, kernel: Kernel) -> None:
        """Work for another program: what its rules do not use is dropped by and by, and traits are read anew if it reads others."""
        self.kernel = kernel
        self._extras.use(kernel.numbers)
        self._names: Mapping[SubjectKind, Names] = kernel.names
        self._some_names: dict[tuple[SubjectKind, frozenset[str]], Names] = {}
        before = self._keys
        self._keys = np.unique(kernel.tables.metrics.key)
        if not np.isin(before, self._keys, assume_unique=True).all():
            self._swept, self._sweep_to = 0, self.count
        readings = (kernel.readings, len(kernel.readings))
        if readings != self._readings:
            self._readings = readings
            self.slots.flags[: self.count] |= STALE

    def state(self, slot: int, kind: SubjectKind, keys: frozenset[str] | None = None) -> SubjectState:
        """The state of an id, for Python; changes of it are not kept. Of what the kernel keeps only `keys` (None: all)."""
        extra = self.extra(slot)
        metrics: dict[str, Any] = {}
        if keys is None:
            metrics = self.memory.metrics(slot, self._names[kind])
        elif keys:
            names = self._some_names.get((kind, keys))
            if names is None:
                names = {number: name for number, name in self._names[kind].items() if name[0] in keys}
                self._some_names[kind, keys] = names
            metrics = self.memory.metrics(slot, names)
        first, last = int(self.slots.first_seen[slot]), int(self.slots.last_seen[slot])
        return SubjectState(instant(first), instant(last), metrics | extra.metrics, extra.traits)

    def part_state(self, slot: int) -> SubjectState | None:
        """The state of an id's part; None when there is none."""
        first, last = int(self.part_first[slot]), int(self.part_last[slot])
        part = int(self.part[slot])
        extra = self.extra(slot)
        if first == _BEFORE and part < 0 and not extra.part_metrics:
            return None
        kept = self.memory.metrics(part, self._names["company"]) if part >= 0 else {}
        return SubjectState(instant(first), instant(last), kept | extra.part_metrics)

    def put(
        self, slot: int, state: SubjectState, kind: SubjectKind, keys: Iterable[str], *, part: bool = False
    ) -> None:
        """Set the metrics `keys` of an id (or its part) to what `state` has of them."""
        numbers, native = self.kernel.numbers[kind], self.kernel.native[kind]
        for key in keys:
            value, metric = state.metrics.get(key), native.get(key)
            if metric is not None:
                if value is None and part and self.part[slot] < 0:
                    continue
                where = self.part_of(slot) if part else slot
                self.memory.put_metric(where, 2 * numbers[key], how_of(metric), value, ever=is_ever(metric))
            else:
                extra = self.change(slot)
                kept = extra.part_metrics if part else extra.metrics
                if value is None:
                    kept.pop(key, None)
                else:
                    kept[key] = value

    def see(self, slot: int, state: SubjectState, *, part: bool = False) -> None:
        """Set the time in which an id (or its part) is known."""
        first = self.part_first if part else self.slots.first_seen
        last = self.part_last if part else self.slots.last_seen
        first[slot] = _BEFORE if state.first_seen is None else state.first_seen
        last[slot] = _BEFORE if state.last_seen is None else state.last_seen

    def judgements(self, slot: int) -> dict[int, tuple[bool, int, int | None]]:
        """How the rules judged a slot: (member, episode, recheck_at) by rule id."""
        return self.memory.judgements(slot)

    # -- storing -------------------------------------------------------------------------------------------------

    def behind(self) -> list[int]:
        """The slots of which more is in memory than is stored."""
        return np.flatnonzero(self.slots.dirty[: self.count] != CLEAN).tolist()

    def encoded_extras(self, slots: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """What is kept beside the blocks of slots, as it is stored, by place in `slots`; most have nothing."""
        return self._extras.encoded(slots)

    def settle(self) -> None:
        """Call after the commit: the longest unused go when there are too many, and a few more lose what no rule uses."""
        self._extras.close()
        if self._swept < self._sweep_to:
            until = min(self._swept + SWEEP, self._sweep_to)
            self.memory.drop_unknown(np.arange(self._swept, until), self._keys)
            self._swept = until
        self.created.clear()
        excess = self._size - self._capacity
        if self.memory.fullness > _FULL:  # blocks that were given back are used first from now on
            excess = max(excess, self.count // _SLACK)
        if excess > self._capacity // _SLACK:
            self._evict(excess)

    @property
    def _size(self) -> int:
        return sum(map(len, self.places.values()))

    def _evict(self, excess: int) -> None:
        count = self.count
        may = (self.slots.dirty[:count] == CLEAN) & (self.slots.kind[:count] != PART)
        may[list(chain.from_iterable(self.changed.values()))] = False
        may = np.flatnonzero(may)
        if len(may) > excess:
            may = may[np.argpartition(self.used_at[may], excess)[:excess]]
        for slot in may.tolist():
            if self.slots.kind[slot] == COMPANY:
                self.home[:count] = UNKNOWN_HOME
            del self.places[self._kind_of[slot]][self.names[slot]]
            bucket = self.bucket_of(slot)
            bucket.remove(slot)
            bucket.away += bucket.away != UNKNOWN
            for one in (int(self.part[slot]), slot):
                if one >= 0:
                    self._extras.put(one, b"")
                    self._give_back(one)
        if len(may):
            self.everybody = False

    # -- slots ---------------------------------------------------------------------------------------------------

    def _create(self, kind: StateKind, name: str) -> int:
        slot = self._new(kind, name)
        self.slots.flags[slot] = NEW
        self.created.append(slot)
        return slot

    def _install(self, content: Content) -> list[int]:
        """Take into memory what was read of subjects who are not; their slots."""
        if not len(content):
            return []
        slots = [self._new(key.kind, key.id) for key in content.members()]
        chosen = np.array(slots, dtype=np.int64)
        self.slots.flags[chosen] = STALE
        columns = {
            POSITION: self.applied, FIRST_SEEN: self.slots.first_seen, LAST_SEEN: self.slots.last_seen,
            PROFILED_AT: self.profiled_at, PART_FIRST_SEEN: self.part_first, PART_LAST_SEEN: self.part_last,
        }  # fmt: skip
        for number, column in columns.items():
            column[chosen] = content.column(number)
        for index, extra in content.extras.items():
            self._extras.put(slots[index], extra)
        own, parts = content.starts()
        self._put_blocks(chosen, content.blocks, own)
        with_part = np.flatnonzero(np.diff(parts))
        if len(with_part):
            part = np.array([self.part_of(slots[index]) for index in with_part.tolist()], dtype=np.int64)
            self._put_blocks(part, content.part_blocks, np.append(parts[with_part], parts[-1]))
        return slots

    def _put_blocks(self, chosen: Ints, data: bytes, starts: Ints) -> None:
        try:
            self.memory.put_packed(chosen, data, starts)
        except ValueError as error:
            raise foreign() from error
        self.memory.drop_unknown(chosen, self._keys)
