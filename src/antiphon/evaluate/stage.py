"""The stage: one tick reads the log, folds, judges, and commits cursor and consequences together."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from antiphon.evaluate import absorb
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.computed import compute_everybody, forget_removed, judge_members, specs
from antiphon.evaluate.deeds import Batch, Gatherer, Rows, kind_of
from antiphon.evaluate.fill import Filling, Past
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.profiles import lagging, save_profiles
from antiphon.evaluate.program import InForce, active_rules, watches
from antiphon.evaluate.replay import replay
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.watches import watched
from antiphon.model.clock import Clock
from antiphon.model.event import Event
from antiphon.rules.kernel.blocks import COMPANY, FAR, STALE, Ints
from antiphon.store import (
    computed_traits,
    fills,
    log,
    log_duplicates,
    metric_numbers,
    program,
    signals,
    subjects,
    workflow_runs,
)
from antiphon.store.computed_traits import ComputedTrait
from antiphon.store.dedupe import DedupeIndex
from antiphon.store.engine import Connection, Store
from antiphon.store.lease import Guard
from antiphon.store.program import RuleRow
from antiphon.store.wake import Topic

PARTITION = 0
CURSOR = f"evaluate:{PARTITION}"
DUE_BATCH = 2_000
BEHIND = 2_000
"""Subjects that a tick stores at least, while there are any that are more than stored."""

FILL_PAUSE = 5
"""How long (ms) to wait for more of the past while a rule is filled and nothing else is to do."""

NO_OFFSETS = np.zeros(0, dtype=np.int64)


class Progress(msgspec.Struct, frozen=True):
    """What a tick did: events read, subjects judged, transitions made; whether more waits; the next timer (ms)."""

    events: int
    judged: int
    transitions: int
    more: bool = False
    next_due: int | None = None


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
        self._fillings: list[Filling] = []
        self._forget()

    def _forget(self) -> None:
        """What is in memory may not be what is stored: read everything again."""
        self._residents = Residents(self._settings.hot_subjects)
        self._current: Running | None = None
        self._fingerprint: tuple[int, ...] | None = None
        self._identities: Identities | None = None
        self._dedupe: DedupeIndex | None = None
        for filling in self._fillings:
            filling.cancel()
        self._fillings = []
        self._next_due = 0  # when the next resident must be looked at (ms); or earlier

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
                self._store_behind(conn, Changes(), Outcome(), position, position, limit=None)

    def _tick(self) -> Progress:
        now = self._clock()
        limit = self._settings.evaluate_batch
        with self._store.log.read() as log_conn, self._store.state.write() as conn:
            self._guard(conn)
            position = signals.cursor(conn, CURSOR)
            outcome = Outcome()
            current = self._refresh(conn, log_conn, position, now, outcome)
            segments = log.read(log_conn, position, limit, PARTITION)
            batch, end = self._unique(conn, log_conn, segments, position)
            identities = self._identities_of(conn)
            changes = self._judge(conn, current, identities, batch, now, position, outcome)
            self._fill(conn, current, identities, changes, now, position, outcome)
            self._save(conn, current, identities, changes, outcome)
            self._store_behind(conn, changes, outcome, position, end, limit=max(len(batch.events) // 20, BEHIND))
            if end != position:
                signals.set_cursor(conn, CURSOR, end)
            next_due = self._soonest(conn)
        more = end - position >= limit or (next_due is not None and next_due <= now)
        if self._fillings:
            next_due = now + FILL_PAUSE if next_due is None else min(next_due, now + FILL_PAUSE)
        return Progress(end - position, outcome.judged, len(outcome.signals), more, next_due)

    def _identities_of(self, conn: Connection) -> Identities:
        if self._identities is None:
            self._identities = Identities(subjects.load_identities(conn))
        return self._identities

    def _unique(
        self, conn: Connection, log_conn: Connection, segments: list[log.Segment], position: int
    ) -> tuple[Batch, int]:
        """The events that were not seen before, in log order, and the cursor after them all."""
        if self._dedupe is None:
            self._dedupe = DedupeIndex(PARTITION)
            self._dedupe.restore(conn, log_conn, position)
        unique: list[Event] = []
        for segment in segments:
            repeats = self._dedupe.check(segment.first_offset, segment.events)
            position = segment.end_offset
            if not repeats:
                unique += segment.events
                continue
            repeated = {repeat.index for repeat in repeats}
            unique += [event for index, event in enumerate(segment.events) if index not in repeated]
            log_duplicates.record(conn, log_conn, segment, repeats, PARTITION)
        self._dedupe.save(conn)
        return Batch(unique, NO_OFFSETS), position

    # -- the program -------------------------------------------------------------------------------------------

    def _refresh(self, conn: Connection, log_conn: Connection, position: int, now: int, outcome: Outcome) -> Running:
        """The program in force; compiled anew, and the filling of new rules begun, when a rule or workflow changed."""
        fingerprint = (*workflow_runs.fingerprint(conn), *computed_traits.fingerprint(conn))
        if self._current is not None and fingerprint == self._fingerprint:
            return self._current
        zone = self._time_zone(conn)
        watching = watches(conn)
        rows = active_rules(conn)
        traits = computed_traits.list_computed_traits(conn)
        computed = specs(traits)
        self._drop_fillings(conn, rows)
        known = {row.id for filling in self._fillings for row in filling.rows}
        new = [row for row in rows if row.filled_version < row.version and row.id not in known]
        new_traits = [trait for trait in traits if trait.filled_version < trait.version]
        bare = InForce(rows, [], zone, now, computed).program
        kept = specs([trait for trait in traits if trait not in new_traits])
        missing = bare.new_metrics(InForce([row for row in rows if row not in new], [], zone, now, kept).program)
        if any(missing.values()):
            # rules in force that share a metric which must reach further back wait with the new ones
            sharing = set(bare.rules_using(key for keys in missing.values() for key in keys))
            new += [row for row in rows if row.id in sharing and row not in new]
        numbers = metric_numbers.give(conn, bare.metric_keys, missing)
        waiting = [row.id for filling in self._fillings if not filling.judging for row in filling.rows]
        current = Running(rows, watching, zone, now, numbers, computed, [*waiting, *(row.id for row in new)])
        first = self._current is None
        self._residents.use(current.kernel)
        self._current, self._fingerprint = current, fingerprint
        if first:
            self._residents.everybody = not subjects.any_stored(conn)
            start, identities = signals.cursor(conn, signals.STORED), self._identities_of(conn)
            replay(conn, log_conn, current, self._residents, identities, start, position, now)
            self._next_due = 0
        subjects.end_memberships(conn, program.rules_with_members(conn) - current.rules.keys(), now)
        removed = computed_traits.removed_computed_traits(conn)
        if removed:
            forget_removed(conn, self._residents, removed, outcome)
        if new or new_traits:
            # computed traits are filled within the tick, since rules and other traits read them
            apart = position > self._settings.fill_within and not computed
            filling = Filling(new, current.program, missing, position, now, self._past, apart=apart)
            if apart:
                self._fillings.append(filling)
            else:
                self._merge_now(conn, filling, position)
                self._current = current = Running(rows, watching, zone, now, numbers, computed, waiting)
                self._residents.use(current.kernel)
                self._judge_now(conn, current, filling, new_traits, position, now, outcome)
        return current

    def _merge_now(self, conn: Connection, filling: Filling, position: int) -> None:
        """Merge all that the past adds within this tick, before its events: the past is short."""
        residents, identities, changes = self._residents, self._identities_of(conn), Changes()
        merged = False
        while not merged:
            merged = filling.merge(conn, residents, identities, changes)
            slots = [residents.slot(conn, key) for key in changes.stored]
            for slot in slots:
                residents.soil(slot, position)
            residents.flush(conn, slots, position)
            changes.stored.clear()

    def _judge_now(
        self,
        conn: Connection,
        current: Running,
        filling: Filling,
        traits: list[ComputedTrait],
        position: int,
        now: int,
        outcome: Outcome,
    ) -> None:
        """Then judge everybody within this tick."""
        residents, identities = self._residents, self._identities_of(conn)
        if traits:
            outcome.add(compute_everybody(conn, current, traits, residents, identities, now, position))
        filling.begin_judging(conn, residents, identities)
        while not filling.judge(conn, current, residents, identities, now, position, outcome):
            residents.flush(conn, residents.overdue(position + 1, residents.count), position)
        self._next_due = 0

    def _drop_fillings(self, conn: Connection, rows: list[RuleRow]) -> None:
        """Stop filling rules that are no longer wanted, or not in that version."""
        for filling in [one for one in self._fillings if not one.is_still(rows)]:
            filling.cancel()
            self._fillings.remove(filling)
            for row in filling.rows:
                fills.drop(conn, row.id)

    def _fill(
        self,
        conn: Connection,
        current: Running,
        identities: Identities,
        changes: Changes,
        now: int,
        position: int,
        outcome: Outcome,
    ) -> None:
        """A slice of what there is to do for new rules."""
        for filling in list(self._fillings):
            if filling.judging:
                if filling.judge(conn, current, self._residents, identities, now, position, outcome):
                    self._fillings.remove(filling)
                self._next_due = min(self._next_due, now)
            elif filling.merge(conn, self._residents, identities, changes):
                filling.begin_judging(conn, self._residents, identities)
                self._fingerprint = None  # the rules judge from the next tick on

    # -- judging -----------------------------------------------------------------------------------------------

    def _judge(
        self,
        conn: Connection,
        current: Running,
        identities: Identities,
        batch: Batch,
        now: int,
        position: int,
        outcome: Outcome,
    ) -> Changes:
        residents, program = self._residents, current.program
        events = list(batch.events)
        absorb.bring(conn, residents, identities, events)
        calls = [event for event in events if event.type != "track"]
        changes = absorb.settle(conn, program, residents, identities, calls, position) if calls else Changes()
        rows = Rows()
        if events:
            touches = Gatherer(conn, program, current.kernel, residents, identities).gather(batch, rows)
            if current.watched:
                outcome.signals += watched(identities, events, touches)
        self._again(conn, current, identities, changes, rows)
        pending = [one.pending for one in self._fillings if one.judging]
        judge = Judge(conn, current, residents, identities, now, position, outcome, fillings=pending)
        if current.company_computed:  # a company's traits first, since what reads them is judged after them
            companies = rows.take(residents.slots.kind == COMPANY)
            judge.absorb(companies, events)
            judge_members(conn, current, residents, identities, outcome, rows)
            self._soon(companies)
        judge.absorb(rows, events)
        self._soon(rows)
        if self._next_due <= now:
            due = np.flatnonzero(residents.slots.recheck_at[: residents.count] <= now)[:DUE_BATCH]
            self._judge_due(conn, current, identities, judge, due, outcome)
            self._next_due = int(residents.slots.recheck_at[: residents.count].min(initial=FAR))
        self._stored_due(conn, current, identities, judge, now, outcome)
        return changes

    def _soon(self, rows: Rows) -> None:
        """Note when the subjects of rows must be looked at again."""
        slots = np.unique(rows.slots())
        if len(slots):
            self._next_due = min(self._next_due, int(self._residents.slots.recheck_at[slots].min()))

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
        judge.absorb(members, [])
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
        """Judge those who are not in memory and whose time has come; those who are, are stored anew with their right time."""
        residents = self._residents
        if residents.everybody:
            return
        due = subjects.due(conn, now, DUE_BATCH)
        if not due:
            return
        resident = [slot for key in due if (slot := residents.places[key.kind].get(key.id)) is not None]
        outcome.moved.update(resident)
        slots: list[int] = []
        for key in due:
            if key.id not in residents.places[key.kind]:
                slot = residents.slot(conn, key)
                if key.kind != "anonymous":
                    for member in identities.group(key) if key.kind == "user" else ():
                        residents.find(conn, member)
                    absorb.mark(residents, identities, identities.root(key))
                slots.append(slot)
        self._judge_due(conn, current, identities, judge, np.array(slots, dtype=np.int64), outcome)
        outcome.moved.update(slots)

    def _soonest(self, conn: Connection) -> int | None:
        """When the next subject must be looked at (ms), or None."""
        soonest = self._next_due
        if not self._residents.everybody:
            stored = subjects.next_due(conn)
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

    def _store_behind(
        self, conn: Connection, changes: Changes, outcome: Outcome, position: int, end: int, *, limit: int | None
    ) -> None:
        """Store whose judgement or calls changed, and some of those who have been more than stored for longest.

        So a crash costs a replay of the log from `signals.STORED` on, and no consequence is ever drawn twice: what led to one is stored
        with it.
        """
        residents = self._residents
        chosen = {*outcome.moved, *(residents.slot(conn, key) for key in changes.stored)}
        before = position if end != position else end + 1  # at rest, all that is left
        if limit is None:
            chosen.update(residents.overdue(end + 1, residents.count))
        else:
            chosen.update(residents.overdue(max(before - self._settings.replay_events, 0) + 1, residents.count))
            chosen.update(residents.overdue(before, limit))
        if not chosen:
            return
        current, identities = self._current, self._identities_of(conn)
        assert current is not None, "what is in memory has a program"  # noqa: S101
        behind = lagging(residents, identities, chosen)
        if behind:
            save_profiles(conn, current, residents, identities, behind)
        residents.flush(conn, list(chosen), end)
        signals.set_cursor(conn, signals.STORED, residents.stored_from(end))
