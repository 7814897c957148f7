"""A batch of events as rows for the kernel: who did what, by slot and plan, and whose company it counts for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.roster import UNKNOWN_HOME
from antiphon.model.event import INTERNAL, LATE, Event
from antiphon.model.event_batch import EventBatch, Slots
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules.accumulators import exact_weight
from antiphon.rules.kernel.blocks import ANONYMOUS, FAR, NEVER, Ints
from antiphon.rules.kernel.layout import WEIGHT_ONE
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.kernel.tick import Deeds
from antiphon.rules.live import Program, Touch
from antiphon.rules.touch import Plan
from antiphon.store.engine import Connection


class Batch(NamedTuple):
    """Unique events in log order, packed too, and where their subjects are (see `absorb.bring`).

    When they are replayed, the log offset of each too.
    """

    events: Sequence[Event]
    packed: EventBatch
    places: Slots
    offsets: Ints = np.zeros(0, np.int64)


class Rows:
    """Rows for `Deeds` as they are gathered: columns of (slot, plan, at, weight, seen, index of the event or -1)."""

    def __init__(self) -> None:
        """Start empty."""
        self._parts: list[tuple[Ints, ...]] = []

    def add(self, *columns: Ints) -> None:
        """Add rows, column by column."""
        self._parts.append(columns)

    def judge(self, slot: int, plan: int, index: int = -1) -> None:
        """Add a row that only has a slot judged by a plan's rules, because of the event at `index` if there is one."""
        one = [np.array([value], dtype=np.int64) for value in (slot, plan, 0, 0, NEVER, index)]
        self._parts.append(tuple(one))

    def take(self, chosen: NDArray[np.bool_]) -> Rows:
        """Take out, as rows of their own, those of the slots that `chosen` (by slot) says."""
        taken, parts = Rows(), self._parts
        self._parts = []
        for part in parts:
            flags = chosen[part[0]]
            taken.add(*(column[flags] for column in part))
            self.add(*(column[~flags] for column in part))
        return taken

    def sorted(self) -> tuple[Deeds, Ints]:
        """All rows, those of one slot together in the order of their events, and the index of each one's event."""
        if not self._parts:
            empty = np.zeros(0, dtype=np.int64)
            return Deeds(empty, empty, empty, empty, empty), empty
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        order = np.lexsort((columns[5], columns[0]))
        slot, plan, at, weight, seen, index = (column[order] for column in columns)
        return Deeds(slot, plan, at, weight, seen), index


class Gatherer:
    """Turns batches into rows; who is in memory has been seen to before, see `absorb.bring`."""

    def __init__(
        self,
        conn: Connection,
        program: Program,
        kernel: Kernel,
        residents: Residents,
        identities: Identities,
        *,
        replayed: bool = False,
    ) -> None:
        """`replayed` events may already be in what is stored of some, and are left out for those."""
        self._conn, self._program, self._kernel = conn, program, kernel
        self._residents, self._identities = residents, identities
        self._replayed = replayed

    def gather(self, batch: Batch, rows: Rows) -> list[tuple[Event, Touch]]:
        """Add the rows of a batch, and fold what Python keeps; the events that watches wait for, and what they mean."""
        events, packed, kernel = batch.events, batch.packed, self._kernel
        numbers = self._program.touch_all(packed)
        met = self._program.met
        meant = kernel.meant(met)
        slot, at, flags = batch.places.slot, packed.at, packed.flags
        seen, kept = at.copy(), meant.kept[numbers]
        user_plan, company_plan = meant.user[numbers], meant.company[numbers]
        if flags.any():
            late = flags & LATE != 0
            seen[late] = packed.received[late]
            seen[flags & INTERNAL != 0] = NEVER
            user_plan[late] = company_plan[late] = kernel.nothing
            kept &= ~late
        weight = np.floor(packed.weight * WEIGHT_ONE + 0.5).astype(np.int64)
        company, named = self._companies(batch.places)
        index = np.arange(len(events))
        fresh = self._fresh(batch.offsets, slot)
        company_fresh = self._fresh(batch.offsets, company)
        chosen = np.flatnonzero((slot >= 0) & fresh)
        rows.add(slot[chosen], user_plan[chosen], at[chosen], weight[chosen], seen[chosen], index[chosen])
        self._part(rows, np.flatnonzero((slot >= 0) & ~named & fresh), slot, company_plan, at, weight, seen)
        if (company >= 0).any():
            chosen = np.flatnonzero((company >= 0) & company_fresh)
            rows.add(company[chosen], company_plan[chosen], at[chosen], weight[chosen], seen[chosen], index[chosen])
            self._part(rows, np.flatnonzero(named & company_fresh), company, company_plan, at, weight, seen)
        if self._identities.any:
            self._linked(rows, numbers, slot, seen, user_plan)
        for place in np.flatnonzero(kept).tolist():
            where = int(slot[place]), int(company[place])
            self._fold(events[place], met[numbers[place]], *where, fresh[place], company_fresh[place])
        return [(events[place], met[numbers[place]]) for place in np.flatnonzero(meant.watched[numbers]).tolist()]

    def _fresh(self, offsets: Ints, slot: Ints) -> NDArray[np.bool_]:
        """Which events are not in what is stored of whom they are about."""
        if not self._replayed:
            return np.ones(len(slot), dtype=np.bool_)
        return offsets >= self._residents.applied[slot]

    def _companies(self, places: Slots) -> tuple[Ints, NDArray[np.bool_]]:
        """The slot of the company that each event counts for (-1: none), and whether the event names it."""
        slot, company, residents = places.slot, places.company, self._residents
        named = company >= 0
        if residents.everybody and not residents.places["company"]:
            return company, named
        home = np.where(slot >= 0, residents.home[slot], -1)
        for one in np.unique(slot[(home == UNKNOWN_HOME) & ~named]).tolist():
            residents.home[one] = self._home(residents.key(one))
        return np.where(named | (slot < 0), company, residents.home[slot]), named

    def _home(self, key: SubjectKey) -> int:
        found = company_of(self._conn, self._residents, self._identities, self._identities.root(key))
        return -1 if found is None else self._residents.slot(self._conn, SubjectKey("company", found))

    def _part(
        self, rows: Rows, chosen: Ints, whole: Ints, plan: Ints, at: Ints, weight: Ints, seen: Ints
    ) -> None:  # fmt: skip
        """Fold the chosen events into the parts of their subjects too."""
        if not len(chosen):
            return
        residents = self._residents
        known = chosen[seen[chosen] != NEVER]
        slots, times = whole[known], seen[known]
        first = residents.part_first
        first[slots[first[slots] == NEVER]] = FAR
        np.minimum.at(first, slots, times)
        np.maximum.at(residents.part_last, slots, times)
        touched = chosen[plan[chosen] != self._kernel.nothing]
        if len(touched):
            parts = _column([residents.part_of(one) for one in whole[touched].tolist()])
            never = np.full(len(touched), NEVER)
            rows.add(parts, plan[touched], at[touched], weight[touched], never, touched)

    def _linked(self, rows: Rows, numbers: Ints, slot: Ints, seen: Ints, user_plan: Ints) -> None:
        """Have those judged whom other ids mean, for what was done under these."""
        residents, identities = self._residents, self._identities
        for number in np.flatnonzero(residents.slots.kind[slot] == ANONYMOUS).tolist():
            place = int(slot[number])
            if place < 0:
                continue
            key = residents.key(place)
            root = identities.root(key)
            if root == key:
                continue
            where = residents.slot(self._conn, root)
            if user_plan[number] != self._kernel.nothing:
                rules = self._program.met[numbers[number]].user.rules
                rows.judge(where, self._kernel.rules_plan(rules), number)
            if seen[number] != NEVER and seen[number] < residents.slots.first_seen[place]:
                rows.judge(where, self._kernel.rules_plan(self._program.rules_for_first_seen("user")), number)

    def _fold(self, event: Event, touch: Touch, slot: int, company: int, fresh: Any, company_fresh: Any) -> None:
        """Fold into what Python keeps."""
        residents, weight = self._residents, exact_weight(event.weight)

        def fold(where: int, plan: Plan, *, part: bool = False) -> None:
            if where >= 0 and plan.kept:
                extra = residents.change(where)
                for metric in plan.kept:
                    metric.fold(extra.part_metrics if part else extra.metrics, event, weight)

        if fresh:
            fold(slot, touch.user)
            if event.company_id is None:
                fold(slot, touch.company, part=True)
        if company_fresh:
            fold(company, touch.company)
            if event.company_id is not None:
                fold(company, touch.company, part=True)


def kind_of(key: SubjectKey) -> SubjectKind:
    """What rules call it."""
    return "company" if key.kind == "company" else "user"


def _column(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
