"""Judging subjects by the rules, and what follows when a judgement changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.deeds import Rows, kind_of
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.model.event import INTERNAL, Event
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKey
from antiphon.rules.kernel.blocks import FAR, STALE, Ints
from antiphon.rules.kernel.tick import ROOM
from antiphon.rules.state import SubjectState, SubjectView
from antiphon.store.engine import Connection
from antiphon.store.subjects import Membership

NOTHING: Ints = np.zeros(0, dtype=np.int64)
"""In place of when events were received: there are none."""


class Outcome:
    """What judging led to: memberships and signals to store, events of our own to emit, slots whose judgement changed.

    `profiles` are those whose computed traits changed; `company_traits` names these traits of companies, for whose members they may
    change something too.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.memberships: list[Membership] = []
        self.signals: list[Signal] = []
        self.emissions: list[Event] = []
        self.moved: set[int] = set()
        self.judged = 0
        self.profiles: set[SubjectKey] = set()
        self.company_traits: dict[str, set[str]] = {}

    def add(self, other: Outcome) -> None:
        """Take in what another judging led to."""
        self.memberships.extend(other.memberships)
        self.signals.extend(other.signals)
        self.emissions.extend(other.emissions)
        self.moved |= other.moved
        self.profiles |= other.profiles


class Fresh(Protocol):
    """Rules that are being filled, see `already.py`."""

    def old_news(self, rule_id: int, subject_id: str, *, member: bool) -> bool:
        """Whether a rule's move of somebody only says what was so when it was switched on."""
        ...


class Judge:
    """Folds and judges at one instant (`now`, ms), from the log offset `position` on."""

    def __init__(
        self,
        conn: Connection,
        current: Running,
        residents: Residents,
        identities: Identities,
        now: int,
        position: int,
        outcome: Outcome,
        *,
        quiet: bool = False,
        fillings: Sequence[Fresh] = (),
    ) -> None:
        """`quiet` judgements are recorded, and nobody is messaged for them (a backfill).

        So are first judgements by rules that are being filled, where `fillings` have it that they are old news.
        """
        self._conn = conn
        self._current = current
        self._residents = residents
        self._identities = identities
        self._now = now
        self._position = position
        self._outcome = outcome
        self._quiet = quiet
        self._fillings = fillings
        self._received: tuple[Ints, Ints, Ints] | None = None

    # -- the kernel's part ---------------------------------------------------------------------------------------

    def absorb(self, rows: Rows, received: Ints, *, judging: bool = True) -> None:
        """Fold rows and judge whom they touch; without `judging` that is only noted as due. `received` (ms) is by event."""
        deeds, index = rows.sorted()
        if not len(deeds.slot):
            return
        residents, kernel = self._residents, self._current.kernel
        slots = np.unique(deeds.slot)
        residents.used_at[slots] = self._position
        self._outcome.judged += len(slots)
        if judging:
            self._inputs(slots)
        self._received = (deeds.slot, index, received)
        first, earlier = self._current.first, self._current.earlier
        at, tables = 0, kernel.ready(self._now)
        while at < len(deeds.slot):
            at = tables.absorb(residents.memory, deeds, at, first, earlier, self._now, self._position, judging=judging)
            self._take()

    def due(self, slots: Ints) -> None:
        """Judge slots by the rules whose time has come."""
        residents, kernel = self._residents, self._current.kernel
        self._inputs(slots)
        self._received, at, tables = None, 0, kernel.ready(self._now)
        while at < len(slots):
            at = tables.judge_due(residents.memory, slots, at, self._now, self._position)
            self._take()

    def _inputs(self, slots: Ints) -> None:
        """Bring what the rules read of traits up to date."""
        residents, readings = self._residents, self._current.kernel.readings
        stale = slots[(residents.slots.flags[slots] & STALE) != 0]
        if not len(stale):
            return
        residents.slots.flags[stale] &= ~STALE & 0xFF
        if not len(readings):
            return
        rows, identities = list[list[float]](), self._identities
        nothing = readings.of({}, {})  # what most have after a start
        for slot in stale.tolist():
            key = residents.key(slot)
            if not residents.has_extra(slot) and not identities.has_others(key):
                rows.append(nothing)
                continue
            own = trait_values_of(residents, slot)
            company = company_of(self._conn, residents, identities, key) if key.kind != "company" else None
            place = None if company is None else residents.find(self._conn, SubjectKey("company", company))
            rows.append(readings.of(own, {} if place is None else trait_values_of(residents, place)))
        residents.memory.set_inputs(stale, np.array(rows, dtype=np.float64))

    def _take(self) -> None:
        """Take over what the kernel found, and do what it leaves to Python."""
        rule_ids = self._current.kernel.rule_ids
        moves, todo = self._current.kernel.tables.taken()
        work: dict[int, set[int]] = {}
        for slot, rule in todo:
            work.setdefault(slot, set()).add(rule_ids[rule])
        self._moved(moves, work)
        while work:
            self._python(work)

    def _moved(self, moves: list[list[int]], work: dict[int, set[int]]) -> None:
        """Note who entered and left; rules that read such a segment are to be judged too."""
        program, rule_ids = self._current.program, self._current.kernel.rule_ids
        for slot, rule, episode, member, at in moves:
            rule_id = rule_ids[rule]
            self._changed(slot, rule_id, episode, at, member=bool(member))
            if self._current.layered:
                readers = program.rules_for_segment(rule_id)
                if readers:
                    work.setdefault(slot, set()).update(readers)

    # -- Python's part -------------------------------------------------------------------------------------------

    def _python(self, work: dict[int, set[int]]) -> None:
        """Judge the lowest layer of the rules in `work`, and add those that read the segments or computed traits that changed."""
        current, residents = self._current, self._residents
        lowest = min(current.rank(rule) for rules in work.values() for rule in rules)
        verdicts: list[tuple[int, int, bool, int | None]] = []
        for slot in list(work):
            rules = [rule for rule in work[slot] if current.rank(rule) == lowest]
            work[slot].difference_update(rules)
            if not work[slot]:
                del work[slot]
            verdicts += self._held(slot, rules)
            rules = [rule for rule in rules if rule not in current.kernel.waiting]
            if rules:
                key = residents.key(slot)
                view = self.view(key, slot, current.reads(rules))
                for number in [rule for rule in rules if rule in current.computed]:
                    rules.remove(number)
                    verdicts.append((slot, number, False, self._compute(key, slot, number, view, work)))
                verdicts += ((slot, *verdict) for verdict in current.program.evaluate_all(rules, view, self._now))
        tables, index = current.kernel.tables, current.kernel.rule_index
        for start in range(0, len(verdicts), ROOM):
            rows = [
                (slot, index[rule], truth, FAR if at is None else at)
                for slot, rule, truth, at in verdicts[start : start + ROOM]
            ]
            tables.settle(residents.memory, np.array(rows, dtype=np.int64))
            self._moved(tables.taken()[0], work)

    def _held(self, slot: int, rules: Sequence[int]) -> list[tuple[int, int, bool, int | None]]:
        """Rules that judge nobody yet leave a judgement from before as it is: everybody is judged by them when they are filled."""
        waiting = [rule for rule in rules if rule in self._current.kernel.waiting]
        judged = self._residents.judgements(slot) if waiting else {}
        return [(slot, rule, judged[rule][0], None) for rule in waiting if rule in judged]

    def _compute(
        self, key: SubjectKey, slot: int, number: int, view: SubjectView, work: dict[int, set[int]]
    ) -> int | None:
        """Bring a computed trait up to date, and add what reads it when it changed; when to look again."""
        value, recheck_at = self._current.program.compute(number, view, self._now)
        residents, name = self._residents, self._current.computed[number].name
        old = residents.extra(slot).computed.get(number) if residents.has_extra(slot) else None
        if type(old) is type(value) and old == value:
            return recheck_at
        kept = residents.change(slot).computed
        if value is None:
            kept.pop(number, None)
        else:
            kept[number] = value
        self._outcome.moved.add(slot)
        self._outcome.profiles.add(key)
        kind = kind_of(key)
        readers = self._current.program.rules_for_traits(kind, (name,))
        if readers:
            work.setdefault(slot, set()).update(readers)
        if kind == "company":
            self._outcome.company_traits.setdefault(key.id, set()).add(name)
        return recheck_at

    def view(self, key: SubjectKey, slot: int, keys: frozenset[str] | None = None) -> SubjectView:
        """A subject as rules see it: all its ids together, its traits, its company's traits, its segments.

        `keys` are the metrics that are looked at (None: all).
        """
        residents, conn = self._residents, self._conn
        program, known = self._current.program, self._current.rules
        state = residents.state(slot, kind_of(key), keys)
        for other in self._identities.group(key)[1:] if key.kind == "user" else ():
            place = residents.find(conn, other)
            if place is not None:
                state = program.merge(state, residents.state(place, "user", keys))
        company = company_of(conn, residents, self._identities, key) if key.kind == "user" else None
        place = residents.find(conn, SubjectKey("company", company)) if company is not None else None
        segments: dict[str, bool] = {}
        if self._current.layered:
            judged = residents.judgements(slot)
            segments = {known[rule].name: member for rule, (member, _, _) in judged.items() if rule in known}
        return SubjectView(
            state=state,
            traits=self._current.traits(kind_of(key), residents.extra(slot).computed, state),
            company_traits=None if place is None else self._company_traits(place),
            segments=segments,
        )

    def _company_traits(self, place: int) -> dict[str, object]:
        extra = self._residents.extra(place)
        return self._current.traits("company", extra.computed, SubjectState(traits=extra.traits))

    # -- consequences --------------------------------------------------------------------------------------------

    def _changed(self, slot: int, rule_id: int, episode: int, at: int, *, member: bool) -> None:
        key = self._residents.key(slot)
        kind = kind_of(key)
        self._outcome.moved.add(slot)
        quiet = self._quiet or any(found.old_news(rule_id, key.id, member=member) for found in self._fillings)
        self._outcome.memberships.append(Membership(rule_id, kind, key.id, episode, member, at))
        name = "entered" if member else "left"
        self._outcome.signals.append(
            Signal(
                kind=name,
                subject_kind=kind,
                subject_id=key.id,
                at=at,
                rule_id=rule_id,
                episode=episode,
                caused_at=self._caused_at(slot),
                quiet=quiet,
            )
        )
        if not quiet:
            self._outcome.emissions.append(self._event(key, rule_id, episode, at, name))

    def _caused_at(self, slot: int) -> int | None:
        """When the newest event that touched a slot was received; None when time alone did."""
        if self._received is None:
            return None
        slots, index, received = self._received
        last = int(np.searchsorted(slots, slot, side="right")) - 1
        return int(received[index[last]]) if last >= 0 and slots[last] == slot and index[last] >= 0 else None

    def _event(self, key: SubjectKey, rule_id: int, episode: int, at: int, name: str) -> Event:
        return Event(
            id=f"segment:{rule_id}:{key.kind}:{key.id}:{episode}:{name}",
            type="track",
            name=f"segment_{name}",
            timestamp=at,
            received_at=at,
            source="antiphon",
            user_id=key.id if key.kind == "user" else None,
            company_id=key.id if key.kind == "company" else None,
            properties={"rule_id": rule_id, "rule": self._current.rules[rule_id].name, "episode": episode},
            flags=INTERNAL,
        )


def trait_values_of(residents: Residents, slot: int) -> dict[str, object]:
    """The traits of one id that are there, by name."""
    if not residents.has_extra(slot):
        return {}
    return {name: value for name, (value, _) in residents.extra(slot).traits.items() if value is not None}
