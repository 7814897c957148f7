"""The subjects whose state is in memory: read when needed, written behind, let go when there are too many.

A subject has a slot: its numbers lie in blocks (see `rules.kernel.blocks`), its traits and what else Python keeps in an `Extra`.
Only evaluation writes the table, so what is in memory is at least as new as what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.evaluate.extras import Extras
from antiphon.evaluate.record import Extra, Stored, block_of, decode, encode
from antiphon.evaluate.rounds import Rounds
from antiphon.model.subject import StateKind, SubjectKey, SubjectKind
from antiphon.rules.accumulators import exact_weight
from antiphon.rules.kernel.blocks import (
    ANONYMOUS,
    CLEAN,
    COMPANY,
    FAR,
    FIRST_SLOTS,
    NEVER,
    NEW,
    PART,
    STALE,
    USER,
    Ints,
    Memory,
    Slots,
)
from antiphon.rules.kernel.layout import COUNT, FOLLOW_UP, WEIGHT_ONE, Names, how_of, is_ever
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.state import SubjectState
from antiphon.store import subjects
from antiphon.store.engine import Connection

KINDS: dict[StateKind, int] = {"user": USER, "company": COMPANY, "anonymous": ANONYMOUS}
_BEFORE = int(NEVER)
_NOT_STORED = -1
UNKNOWN_HOME = -2
_FULL = 0.8

SWEEP = 20_000
"""Slots looked through at a tick for what no rule uses any more."""


class Residents:
    """Slots of the subjects in memory, at most about `capacity` between ticks."""

    def __init__(self, capacity: int) -> None:
        """Nobody is in memory."""
        self._capacity = capacity
        self.memory = Memory()
        self.places: dict[StateKind, dict[str, int]] = {"user": {}, "company": {}, "anonymous": {}}
        self.names: list[str] = []
        self._kind_of: list[StateKind] = []
        self.count = 0
        self._free: list[int] = []
        self.part = np.full(FIRST_SLOTS, -1, dtype=np.int64)
        self.part_first = np.full(FIRST_SLOTS, _BEFORE, dtype=np.int64)
        self.part_last = np.full(FIRST_SLOTS, _BEFORE, dtype=np.int64)
        self.profiled_at = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.applied = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.used_at = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.stored_recheck = np.full(FIRST_SLOTS, _NOT_STORED, dtype=np.int64)
        self.home = np.full(FIRST_SLOTS, UNKNOWN_HOME, dtype=np.int64)
        self._extras = Extras(self._kind_of)
        self.created: list[int] = []
        self._merging: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
        self.everybody = False  # whether all that is stored is in memory
        self._keys: Ints = np.zeros(0, dtype=np.int64)
        self._swept = self._sweep_to = 0  # between these slots there may be what no rule uses
        self._readings: tuple[object, int] | None = None
        self.rounds = Rounds()

    @property
    def slots(self) -> Slots:
        """The columns of the slots."""
        return self.memory.columns

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
            for one, state in subjects.load(conn, kind, missing).items():
                self._install(kind, one, decode(state))
            missing = [one for one in missing if one not in known]
        return missing

    def bring(self, conn: Connection, kind: StateKind, ids: Iterable[str]) -> None:
        """Have all of `ids` in memory, new ones too."""
        for one in self.load(conn, kind, ids):
            self._create(kind, one)

    def key(self, slot: int) -> SubjectKey:
        """Whose slot it is."""
        kind = self._kind_of[slot]
        return SubjectKey(kind, self.names[slot])

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

    def part_of(self, slot: int) -> int:
        """The slot of a subject's part; a new one if there is none."""
        part = int(self.part[slot])
        if part < 0:
            part = self._take("")
            self.slots.kind[part] = PART
            self.part[slot] = part
        return part

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
        return SubjectState(_time(first), _time(last), metrics | extra.metrics, extra.traits)

    def part_state(self, slot: int) -> SubjectState | None:
        """The state of an id's part; None when there is none."""
        first, last = int(self.part_first[slot]), int(self.part_last[slot])
        part = int(self.part[slot])
        extra = self.extra(slot)
        if first == _BEFORE and part < 0 and not extra.part_metrics:
            return None
        kept = self.memory.metrics(part, self._names["company"]) if part >= 0 else {}
        return SubjectState(_time(first), _time(last), kept | extra.part_metrics)

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

    def merge(self, slot: int, kind: SubjectKind, key: str, value: Any, *, part: bool = False) -> None:
        """Add what the past has of one metric to what an id (or its part) has of it; `merged` must follow."""
        metric = self.kernel.native[kind].get(key)
        where = self.part_of(slot) if part and metric is not None else slot
        if metric is not None and how_of(metric) != FOLLOW_UP:
            numbers, values = ([0], [value]) if is_ever(metric) else value
            if how_of(metric) == COUNT:
                values = [round(exact_weight(one) * WEIGHT_ONE) for one in values]
            number = 2 * self.kernel.numbers[kind][key]
            rows = self._merging.setdefault((how_of(metric), metric.limit), [])
            rows += [(where, number, bucket, amount) for bucket, amount in zip(numbers, values, strict=True)]
            return
        kept = self.part_state(slot) if part else self.state(slot, kind, frozenset([key]))
        old = None if kept is None else kept.metrics.get(key)
        both = SubjectState(metrics={key: self.kernel.metric(kind, key).merge(old, value)})
        self.put(slot, both, kind, [key], part=part)

    def merged(self) -> None:
        """Do what `merge` has gathered."""
        for (how, limit), rows in self._merging.items():
            self.memory.merge_rings(np.array(rows, dtype=np.int64), how, limit)
        self._merging.clear()

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

    def next_behind(self, most: int, end: int) -> list[int]:
        """Of the next `most` slots those that are behind, to be stored as they are after the events before log offset `end`.

        They come in the order in which slots came to be, since rows of the table that lie next to each other are written together.
        """
        first, passed = self.rounds.go_on(most, self.count, end)
        found = first + np.flatnonzero(self.slots.dirty[first:passed] != CLEAN)
        return found.tolist()

    def flush(self, conn: Connection, chosen: Sequence[int], position: int, now: int = FAR) -> None:
        """Store slots as they are after the events before `position`.

        A stored timer that is still to come and too early, as those of absences mostly are, stays: whoever is not in memory then is
        looked at once too often, and the index of timers need not be written for every event. Without `now` (ms) all are written.
        """
        chosen = [slot for slot in chosen if self.slots.kind[slot] != PART]
        if not chosen:
            return
        self._extras.encode()
        slots = np.array(chosen, dtype=np.int64)
        recheck, stored = self.slots.recheck_at[slots], self.stored_recheck[slots]
        kept = (stored > now) & (stored <= recheck) & ((recheck != FAR) | (stored == FAR))
        self._save(conn, slots[kept], position, timers=False)
        self._save(conn, slots[~kept], position, timers=True)
        self.stored_recheck[slots[~kept]] = recheck[~kept]
        self.slots.dirty[slots] = CLEAN
        self.applied[slots] = position

    def _save(self, conn: Connection, slots: Ints, position: int, *, timers: bool) -> None:
        whole = self.memory.blocks(slots)
        with_part = np.flatnonzero(self.part[slots] >= 0)
        parts = dict(zip(with_part.tolist(), self.memory.blocks(self.part[slots][with_part]), strict=True))
        rows: list[tuple[str, str, bytes, int | None]] = []
        columns = (
            self.slots.first_seen, self.slots.last_seen, self.profiled_at, self.part_first, self.part_last,
            self.slots.recheck_at,
        )  # fmt: skip
        numbers = zip(slots.tolist(), *(column[slots].tolist() for column in columns), strict=True)
        for row, (slot, first, last, profiled, part_first, part_last, recheck_at) in enumerate(numbers):
            stored = Stored(
                position, _time(first), _time(last), profiled, whole[row], _time(part_first), _time(part_last),
                parts.get(row, b""), self._extras.encoded(slot),
            )  # fmt: skip
            rows.append(
                (self._kind_of[slot], self.names[slot], encode(stored), None if recheck_at == FAR else recheck_at)
            )
        (subjects.save if timers else subjects.save_states)(conn, rows)

    def settle(self) -> None:
        """Call after the commit: the longest unused go when there are too many, and a few more lose what no rule uses."""
        self._extras.close()
        if self._swept < self._sweep_to:
            until = min(self._swept + SWEEP, self._sweep_to)
            self.memory.drop_unknown(np.arange(self._swept, until), self._keys)
            self._swept = until
        self.created.clear()
        excess = sum(map(len, self.places.values())) - self._capacity
        if self.memory.fullness > _FULL:  # blocks that were given back are used first from now on
            excess = max(excess, self.count // 8)
        if excess > self._capacity // 8:
            self._evict(excess)

    def _evict(self, excess: int) -> None:
        count = self.count
        may = np.flatnonzero((self.slots.dirty[:count] == CLEAN) & (self.slots.kind[:count] != PART))
        if len(may) > excess:
            may = may[np.argpartition(self.used_at[may], excess)[:excess]]
        for slot in may.tolist():
            if self.slots.kind[slot] == COMPANY:
                self.home[:count] = UNKNOWN_HOME
            del self.places[self._kind_of[slot]][self.names[slot]]
            for one in (int(self.part[slot]), slot):
                if one >= 0:
                    self._give_back(one)
        if len(may):
            self.everybody = False

    # -- slots ---------------------------------------------------------------------------------------------------

    def _create(self, kind: StateKind, name: str) -> int:
        slot = self._take(name)
        self.slots.kind[slot] = KINDS[kind]
        self.slots.flags[slot] = NEW
        self._kind_of[slot] = kind
        self.places[kind][name] = slot
        self.created.append(slot)
        return slot

    def _install(self, kind: StateKind, name: str, stored: Stored) -> None:
        slot = self._take(name)
        self.slots.kind[slot] = KINDS[kind]
        self.slots.flags[slot] = STALE
        self._kind_of[slot] = kind
        self.places[kind][name] = slot
        self.slots.first_seen[slot] = _BEFORE if stored.first_seen is None else stored.first_seen
        self.slots.last_seen[slot] = _BEFORE if stored.last_seen is None else stored.last_seen
        self.part_first[slot] = _BEFORE if stored.part_first_seen is None else stored.part_first_seen
        self.part_last[slot] = _BEFORE if stored.part_last_seen is None else stored.part_last_seen
        self.profiled_at[slot], self.applied[slot] = stored.profiled_at, stored.position
        self._extras.put(slot, stored.extra)
        for where, block in ((slot, stored.block), (-1, stored.part_block)):
            if block:
                place = self.part_of(slot) if where < 0 else where
                self.memory.put_block(place, block_of(block))
                self.memory.drop_unknown(np.array([place]), self._keys)
        self.memory.refresh_recheck(slot)

    def _take(self, name: str) -> int:
        if self._free:
            slot = self._free.pop()
            self.names[slot] = name
            return slot
        slot = self.count
        if slot == len(self.part):
            self._grow()
        self.count += 1
        self.names.append(name)
        self._kind_of.append("user")
        return slot

    def _give_back(self, slot: int) -> None:
        self.memory.clear(slot)
        self.part[slot], self.profiled_at[slot], self.applied[slot] = -1, 0, 0
        self.stored_recheck[slot] = _NOT_STORED
        self.part_first[slot] = self.part_last[slot] = _BEFORE
        self.home[slot] = UNKNOWN_HOME
        self.names[slot] = ""
        self._extras.put(slot, b"")
        self._free.append(slot)

    def _grow(self) -> None:
        more = len(self.part)
        self.memory.grow()

        def longer(column: Ints, value: int) -> Ints:
            return np.concatenate((column, np.full(more, value, dtype=np.int64)))

        self.part, self.home = longer(self.part, -1), longer(self.home, UNKNOWN_HOME)
        self.stored_recheck = longer(self.stored_recheck, _NOT_STORED)
        self.part_first, self.part_last = longer(self.part_first, _BEFORE), longer(self.part_last, _BEFORE)
        self.profiled_at, self.applied, self.used_at = (
            longer(column, 0) for column in (self.profiled_at, self.applied, self.used_at)
        )


def _time(instant: int) -> int | None:
    return None if instant == _BEFORE else instant
