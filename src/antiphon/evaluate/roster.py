"""Who has which slot, and what is kept of each beside its block, in columns."""

from __future__ import annotations

import numpy as np

from antiphon.evaluate.buckets import Bucket, Buckets
from antiphon.evaluate.record import KINDS
from antiphon.model.subject import StateKind, SubjectKey
from antiphon.rules.kernel.blocks import FIRST_SLOTS, NEVER, PART, Ints, Memory, Slots
from antiphon.store.states import place_of

UNKNOWN_HOME = -2
"""Nobody has looked yet which company it is."""


class Roster:
    """Slots by who has them, and by bucket.

    `part` is the slot of a subject's part (-1: none), `part_first` and `part_last` its first_seen and last_seen. `profiled_at` is
    the last_seen that the profile row shows, `applied` the log offset before which events are in what was read or stored, `used_at`
    the one of the tick that judged it last, `home` the slot of a person's company (-1: none).
    """

    def __init__(self) -> None:
        """Nobody has a slot."""
        self.memory = Memory()
        self.places: dict[StateKind, dict[str, int]] = {"user": {}, "company": {}, "anonymous": {}}
        self.names: list[str] = []
        self._kind_of: list[StateKind] = []
        self.count = 0
        self._free: list[int] = []
        self.buckets = Buckets()
        self.place = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.part = np.full(FIRST_SLOTS, -1, dtype=np.int64)
        self.part_first = np.full(FIRST_SLOTS, NEVER, dtype=np.int64)
        self.part_last = np.full(FIRST_SLOTS, NEVER, dtype=np.int64)
        self.profiled_at = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.applied = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.used_at = np.zeros(FIRST_SLOTS, dtype=np.int64)
        self.home = np.full(FIRST_SLOTS, UNKNOWN_HOME, dtype=np.int64)

    @property
    def slots(self) -> Slots:
        """The columns of the slots."""
        return self.memory.columns

    def key(self, slot: int) -> SubjectKey:
        """Whose slot it is."""
        return SubjectKey(self._kind_of[slot], self.names[slot])

    def kind_of(self, slot: int) -> StateKind:
        """What a slot is about."""
        return self._kind_of[slot]

    def bucket_of(self, slot: int) -> Bucket:
        """Where the state of a slot is stored."""
        return self.buckets.at(int(self.place[slot]))

    def part_of(self, slot: int) -> int:
        """The slot of a subject's part; a new one if there is none."""
        part = int(self.part[slot])
        if part < 0:
            part = self._take("")
            self.slots.kind[part] = PART
            self.part[slot] = part
        return part

    def _new(self, kind: StateKind, name: str) -> int:
        """A slot for a subject."""
        slot, place = self._take(name), place_of(name)
        self.slots.kind[slot] = KINDS[kind]
        self._kind_of[slot] = kind
        self.places[kind][name] = slot
        self.place[slot] = place
        self.buckets.at(place).add(slot)
        return slot

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
        self.part_first[slot] = self.part_last[slot] = NEVER
        self.home[slot] = UNKNOWN_HOME
        self.names[slot] = ""
        self._free.append(slot)

    def _grow(self) -> None:
        more = len(self.part)
        self.memory.grow()

        def longer(column: Ints, value: int) -> Ints:
            return np.concatenate((column, np.full(more, value, dtype=np.int64)))

        self.place = longer(self.place, 0)
        self.part, self.home = longer(self.part, -1), longer(self.home, UNKNOWN_HOME)
        self.part_first, self.part_last = longer(self.part_first, NEVER), longer(self.part_last, NEVER)
        self.profiled_at, self.applied, self.used_at = (
            longer(column, 0) for column in (self.profiled_at, self.applied, self.used_at)
        )
