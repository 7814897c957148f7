"""Rows of a stretch of the past: whom each is judged by, at which instant, and what Python folds at which of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from antiphon.evaluate.deeds import Batch, Gatherer, Rows
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.residents import Residents
from antiphon.model.event import Event
from antiphon.rules.kernel.blocks import ANONYMOUS, COMPANY, NEVER, PART, Ints
from antiphon.rules.kernel.tick import Deeds, Past
from antiphon.rules.live import Touch
from antiphon.store.engine import Connection


class PastRows(Rows):
    """Rows whose events came at instants of their own (ms); those without an event, when `moment(slot)` says."""

    def __init__(self, when: Sequence[int], moment: Callable[[int], int]) -> None:
        """`when` is by the event's index."""
        super().__init__()
        self._when = list(when)
        self._moment = moment

    def judge(self, slot: int, plan: int, index: int = -1) -> None:
        """See `Rows.judge`; the row's index is beyond those of events, at an instant of its own."""
        self._when.append(self._moment(slot) if index < 0 else self._when[index])
        one = [np.array([value], dtype=np.int64) for value in (slot, plan, 0, 0, NEVER, len(self._when) - 1)]
        self._parts.append(tuple(one))

    def past(
        self, conn: Connection, residents: Residents, identities: Identities, others: Sequence[bool]
    ) -> tuple[Past, Ints]:
        """All rows, subject by subject and instant by instant, and the index of each one's event; `others` are the events that Python
        folds too."""  # noqa: D205, D209 - one sentence
        if not self._parts:
            empty = np.zeros(0, dtype=np.int64)
            return Past(Deeds(empty, empty, empty, empty, empty), empty, empty, empty), empty
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        when = np.array(self._when, dtype=np.int64)[columns[5]]
        who = _judged(conn, residents, identities, columns[0])
        order = np.lexsort((columns[5], columns[0], when, who))
        slot, plan, at, weight, seen, index = (column[order] for column in columns)
        flags = np.zeros(len(self._when), dtype=np.int64)
        flags[: len(others)] = others
        folds = np.where(residents.slots.kind[slot] == PART, 0, flags[index])
        return Past(Deeds(slot, plan, at, weight, seen), who[order], when[order], folds), index


def _judged(conn: Connection, residents: Residents, identities: Identities, slots: Ints) -> Ints:
    """The slot that is judged by what happens to each of some slots."""
    if not identities.any:
        return slots.copy()
    mapped = np.arange(residents.count)
    for slot in np.unique(slots[residents.slots.kind[slots] == ANONYMOUS]).tolist():
        mapped[slot] = residents.slot(conn, identities.root(residents.key(slot)))
    return mapped[slots]


class LateGatherer(Gatherer):
    """A gatherer that leaves what Python folds for later: for when its subject has come to that instant."""

    def gather_late(self, batch: Batch, rows: Rows) -> list[tuple[Event, Touch]]:
        """See `Gatherer.gather`; `late` says what is to be folded."""
        self._late: dict[int, Touch] = {}
        return self.gather(batch, rows)

    def late(self, events: Sequence[Event]) -> list[bool]:
        """Which of the events gathered are to be folded by `fold`."""
        return [id(event) in self._late for event in events] if self._late else []

    def _fold(self, event: Event, touch: Touch, slot: int, company: int, fresh: Any, company_fresh: Any) -> None:
        del slot, company, fresh, company_fresh
        self._late[id(event)] = touch

    def fold(self, event: Event, slot: int) -> None:
        """Fold an event into what Python keeps of one of its subjects."""
        of_company = self._residents.slots.kind[slot] == COMPANY
        user, company = (-1, slot) if of_company else (slot, -1)
        super()._fold(event, self._late[id(event)], user, company, not of_company, of_company)
