"""The stage: one tick reads the log, folds, judges, and commits cursor and consequences together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from antiphon.evaluate import absorb
from antiphon.evaluate.behind import store_all, store_behind
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.computed import forget_removed, judge_members, specs
from antiphon.evaluate.deeds import Batch, Gatherer, Rows, kind_of
from antiphon.evaluate.fill import Filling, Past, Unreadable
from antiphon.evaluate.fillings import Fillings, judge_now, merge_now
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import NOTHING, Judge, Outcome
from antiphon.evaluate.profiles import save_profiles
from antiphon.evaluate.program import active_rules, watches
from antiphon.evaluate.replay import replay
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Before, Running
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.watches import watched
from antiphon.model.clock import Clock
from antiphon.model.event_batch import EventBatch
from antiphon.rules.kernel.blocks import COMPANY, FAR, STALE, Ints
from antiphon.store import (
    computed_traits,
    log,
    log_duplicates,
    metric_numbers,
    program,
    signals,
    states,
    subjects,
    workflow_runs,
)
from antiphon.store.dedupe import DedupeIndex, Repeat
from antiphon.store.engine import Connection, Store
from antiphon.store.lease import Guard
from antiphon.store.wake import Topic

PARTITION = 0
CURSOR = f"evaluate:{PARTITION}"
DUE_BATCH = 2_000
DUE_BUCKETS = 100


class Progress(msgspec.Struct, frozen=True):
    """What a tick did: events read, subjects judged, transitions made; whether more waits; the next timer (ms)."""

    events: int
    judged: int
    transitions: int
    more: bool = False
    next_due: int | None = None


class Ready(NamedTuple):
    """What a tick begins with: events, and which of them were seen before, as `dedupe` says; it knows them from now on."""

    stretch: log.Stretch
    repeats: list[Repeat]
    dedupe: DedupeIndex


def _read(log_conn: Connection, position: int, limit: int, dedupe: DedupeIndex) -> Ready:
    stretch = log.read_stretch(log_conn, position, limit, PARTITION)
    return Ready(stretch, dedupe.check(stretch.first_offset, stretch.events), dedupe)


class Evaluator:
    """Evaluates one partition: the only writer of its cursor, states, identities, profiles, memberships, signals.

    `tick` is called from one thread.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: EvaluateSettings,
        notify: Callable[[Topic], None],
        time_zone: Callable[[Connection], str],
        past: Past,
        guard: Guard,
    ) -> None:
        """`notify(topic)` wakes the stages that follow, after a commit that gave them work.

        `past` is history, for rules that are new. `guard` refuses a tick once another
        worker has taken over: what is in memory is then no longer what is stored.
        """
        self._store = store
        self._clock = clock
        self._settings = settings
        self._notify = notify
        self._time_zone = time_zone
        self._past = past
        self._guard = guard
        self._fillings = Fillings(past, settings.fill_within)
        self._forget()

    def _forget(self) -> None:
        """What is in memory may not be what is stored: read everything again."""
        self._residents = Residents(self._settings.hot_subjects)
        self._current: Running | None = None
        self._before: Before | None = None
        self._fingerprint: tuple[int, ...] | None = None
        self._identities: Identities | None = None
        self._next: tuple[int, DedupeIndex] | None = None  # where the next tick begins, and what was seen before
        self._fillings.cancel()

    def tick(self) -> Progress:
        """Read, fold, judge, commit. Raises what the database raises; nothing was done then."""
        try:
            progress = self._tick()
        except BaseException:
            self._forget()
            raise
        self._residents.settle()
        if progress.transitions:
            self._notify("signals")
            self._notify("emissions")
        if progress.events:
            self._notify("history")
        return progress

    @property
    def residents(self) -> Residents:
        """Whose state is in memory; only to be looked at between ticks."""
        return self._residents

    def flush(self) -> None:
        """Store everything that is in memory, so that the next start has nothing to replay."""
        with self._store.state.write() as conn:
            self._guard(conn)
            position = signals.cursor(conn, CURSOR)
            if self._current is not None:
                store_all(conn, self._current, self._residents, self._identities_of(conn), position, self._clock())

    def _tick(self) -> Progress:
        now, limit = self._clock(), self._settings.evaluate_batch
        with self._store.log.read() as log_conn:
            ready, expected = None, None
            if self._next is not None:  # before the transaction: others write meanwhile
                expected, dedupe = self._next
                ready = _read(log_conn, expected, limit, dedupe)
            with self._store.state.write() as conn:
                self._guard(conn)
                position = signals.cursor(conn, CURSOR)
                if ready is None or position != expected:  # at a start
                    self._forget()
                    dedupe = DedupeIndex(PARTITION)
                    dedupe.restore(conn, log_conn, position)
                    ready = _read(log_conn, position, limit, dedupe)
                progress = self._evaluate(conn, log_conn, position, ready, now, limit)
        self._next = position + progress.events, ready.dedupe
        return progress

    def _evaluate(
        self, conn: Connection, log_conn: Connection, position: int, ready: Ready, now: int, limit: int
    ) -> Progress:
        """Evaluate the events that are ready, and whose time has come, within the tick's transaction."""
        outcome = Outcome()
        current = self._refresh(conn, log_conn, position, now, outcome)
        events, end = self._unique(conn, log_conn, ready), ready.stretch.end_offset
        identities = self._identities_of(conn)
        changes = self._judge(conn, current, identities, events, now, position, outcome)
        worked = False
        if self._fillings:
            step = self._fillings.step(conn, current, self._residents, identities, changes, now, position, outcome)
            if step.ready:
                self._fingerprint = None
            worked = step.worked
        self._save(conn, current, identities, changes, outcome)
        store_behind(
            conn,
            current,
            self._residents,
            identities,
            changes,
            outcome,
            position,
            end,
            self._settings.replay_events,
            now,
        )
        if end != position:
            signals.set_cursor(conn, CURSOR, end)
        next_due = self._soonest(conn, now)
        more = end - position >= limit or worked or (next_due is not None and next_due <= now)
        wake_at = self._fillings.wake_at(now)
        if wake_at is not None:
            next_due = wake_at if next_due is None else min(next_due, wake_at)
        return Progress(end - position, outcome.judged, len(outcome.signals), more, next_due)

    def _identities_of(self, conn: Connection) -> Identities:
        if self._identities is None:
            self._identities = Identities(subjects.load_identities(conn))
        return self._identities

    def _unique(self, conn: Connection, log_conn: Connection, ready: Ready) -> EventBatch:
        """The events that were not seen before, in log order."""
        events, first = ready.stretch.events, ready.stretch.first_offset
        if ready.repeats:
            log_duplicates.record(conn, log_conn, first, events, ready.repeats, PARTITION)
            events = events.take(np.delete(np.arange(len(events)), [repeat.index for repeat in ready.repeats]))
        ready.dedupe.save(conn)
        return events

    # -- the program -------------------------------------------------------------------------------------------

    def _refresh(self, conn: Connection, log_conn: Connection, position: int, now: int, outcome: Outcome) -> Running:
        """The program in force; compiled anew, and the filling of new rules begun, when a rule or workflow changed."""
        fingerprint = (*workflow_runs.fingerprint(conn), *computed_traits.fingerprint(conn))
        if self._current is not None and fingerprint == self._fingerprint and not self._fillings.is_due(now):
            self._current.tidy()
            return self._current
        zone = self._time_zone(conn)
        if self._before is None or self._before.time_zone != zone:
            self._before = Before(zone)
        rows = active_rules(conn, self._before.trees)
        traits = computed_traits.list_computed_traits(conn)
        computed = specs(traits)
        new, new_traits = self._fillings.new(conn, rows, traits, now)
        before, current = self._current, Running(rows, watches(conn), now, computed, self._before)
        whole = current.program
        new, new_traits = self._fillings.join(whole, new, new_traits, rows, traits)
        missing = whole.new_metrics([*(row.id for row in new), *(spec.key for spec in specs(new_traits))])
        new = self._fillings.reopen(conn, whole, missing, new, rows)
        known = None if before is None else before.kernel.numbers
        numbers = metric_numbers.give(conn, whole.metric_keys, missing, known)
        beginning = [*(row.id for row in new), *(spec.key for spec in specs(new_traits))]
        current.lower(numbers, [*self._fillings.waiting, *beginning])
        self._residents.use(current.kernel)
        self._current, self._fingerprint = current, fingerprint
        if before is None:
            self._residents.restore(conn)
            start, identities = signals.cursor(conn, signals.STORED), self._identities_of(conn)
            replay(conn, log_conn, current, self._residents, identities, start, position, now)
        ended = program.rules_with_members(conn) if before is None else before.rules.keys()
        subjects.end_memberships(conn, ended - current.rules.keys(), now)
        removed = computed_traits.removed_computed_traits(conn)
        if removed:
            forget_removed(conn, self._residents, removed, outcome)
        if new or new_traits:
            filling = self._fillings.begin(conn, new, new_traits, current, missing, position, now)
            if filling is not None:
                self._fill_now(conn, filling, current, position, now, outcome)
        return current

    def _fill_now(
        self,
        conn: Connection,
        filling: Filling,
        current: Running,
        position: int,
        now: int,
        outcome: Outcome,
    ) -> None:
        """Fill within this tick, if the past can be read."""
        identities = self._identities_of(conn)
        try:
            merge_now(conn, filling, self._residents, identities, position)
        except Unreadable as error:
            self._fillings.rest(conn, filling, error, now)
            return
        current.wait(self._fillings.waiting)
        judge_now(conn, filling, current, self._residents, identities, now, position, outcome)

    # -- judging -----------------------------------------------------------------------------------------------

    def _judge(
        self,
        conn: Connection,
        current: Running,
        identities: Identities,
        events: EventBatch,
        now: int,
        position: int,
        outcome: Outcome,
    ) -> Changes:
        residents, program = self._residents, current.program
        places = absorb.bring(conn, residents, identities, events)
        calls = [events[index] for index in np.flatnonzero(events.call).tolist()]
        changes = absorb.settle(conn, program, residents, identities, calls, position) if calls else Changes()
        rows = Rows()
        if len(events):
            gatherer = Gatherer(conn, program, current.kernel, residents, identities)
            waited = gatherer.gather(Batch(events, events, places), rows)
            outcome.signals += watched(identities, waited)
        self._again(conn, current, identities, changes, rows)
        judge = Judge(conn, current, residents, identities, now, position, outcome, fillings=self._fillings.first)
        if current.company_computed:  # a company's traits first, since what reads them is judged after them
            companies = rows.take(residents.slots.kind == COMPANY)
            judge.absorb(companies, events.received)
            judge_members(conn, current, residents, identities, outcome, rows)
        judge.absorb(rows, events.received)
        due = residents.memory.due(now, DUE_BATCH)
        if len(due):
            self._judge_due(conn, current, identities, judge, due, outcome)
        self._stored_due(conn, current, identities, judge, now, outcome)
        return changes

    def _judge_due(
        self, conn: Connection, current: Running, identities: Identities, judge: Judge, due: Ints, outcome: Outcome
    ) -> None:
        """Judge slots whose time has come, companies first when others read their computed traits."""
        if not current.company_computed:
            judge.due(due)
            return
        of_company = self._residents.slots.kind[due] == COMPANY
        judge.due(due[of_company])
        members = Rows()
        judge_members(conn, current, self._residents, identities, outcome, members)
        judge.absorb(members, NOTHING)
        judge.due(due[~of_company])

    def _again(self, conn: Connection, current: Running, identities: Identities, changes: Changes, rows: Rows) -> None:
        """Have those judged again whom calls, and their company's traits, may have changed."""
        residents, kernel = self._residents, current.kernel
        for key in changes.everything:
            changes.judge(key, current.everything(key.kind))
        for company_id, names in changes.company_traits.items():
            readers = current.program.rules_for_company_traits(names)
            if readers:
                for key in subjects.members_of(conn, company_id):
                    changes.judge(identities.root(key), readers)
        for key, rules in changes.rules.items():
            if key.kind == "anonymous" or (key.kind == "user" and identities.root(key) != key):
                continue  # nobody yet, or became part of somebody else after this was noted
            slot = residents.slot(conn, key)
            residents.slots.flags[slot] |= STALE
            changes.stored.add(key)
            chosen = current.in_order(kind_of(key), rules)
            if chosen:
                rows.judge(slot, kernel.rules_plan(chosen))

    def _stored_due(
        self,
        conn: Connection,
        current: Running,
        identities: Identities,
        judge: Judge,
        now: int,
        outcome: Outcome,
    ) -> None:
        """Judge those who are not in memory and whose time has come; their buckets are stored anew with the right time."""
        residents = self._residents
        if residents.everybody:
            return
        due = residents.read_due(conn, now, DUE_BUCKETS)
        if not due:
            return
        slots: list[int] = []
        for key in due:
            slots.append(residents.slot(conn, key))
            if key.kind != "anonymous":
                for member in identities.group(key) if key.kind == "user" else ():
                    residents.find(conn, member)
                absorb.mark(residents, identities, identities.root(key))
        self._judge_due(conn, current, identities, judge, np.array(slots, dtype=np.int64), outcome)
        outcome.moved.update(slots)

    def _soonest(self, conn: Connection, now: int) -> int | None:
        """When the next subject must be looked at (ms), or earlier; None if never."""
        soonest = self._residents.memory.next_due(now)
        if not self._residents.everybody:
            stored = states.next_due(conn)
            soonest = soonest if stored is None else min(soonest, stored)
        return None if soonest == FAR else soonest

    # -- saving ------------------------------------------------------------------------------------------------

    def _save(
        self, conn: Connection, current: Running, identities: Identities, changes: Changes, outcome: Outcome
    ) -> None:
        residents = self._residents
        subjects.save_identities(conn, changes.links)
        for key in changes.moved:
            subjects.end_subject(conn, key, self._clock())
        met = (residents.key(slot) for slot in residents.created)
        signals.count_up(conn, changes.refused)
        save_profiles(conn, current, residents, identities, {*changes.profiles, *outcome.profiles, *met})
        subjects.save_memberships(
            conn, list({(m.rule_id, m.subject_kind, m.subject_id): m for m in outcome.memberships}.values())
        )
        signals.add_signals(conn, outcome.signals)
        signals.emit(conn, outcome.emissions)
