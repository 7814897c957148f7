"""The stage: one tick reads the log, folds, judges, and commits cursor and consequences together."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from antiphon.evaluate.absorb import absorb, company_of
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.computed import compute_everybody, forget_removed, judge_members, specs
from antiphon.evaluate.fill import Past, fill_metrics, judge_everybody
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.profiles import save_profiles
from antiphon.evaluate.program import InForce, active_rules, watches
from antiphon.evaluate.records import Records
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.model.clock import Clock
from antiphon.model.event import Event
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKey
from antiphon.store import computed_traits, log, log_duplicates, program, signals, subjects, workflow_runs
from antiphon.store.dedupe import DedupeIndex
from antiphon.store.engine import Connection, Store
from antiphon.store.lease import Guard
from antiphon.store.wake import Topic

PARTITION = 0
CURSOR = f"evaluate:{PARTITION}"
DUE_BATCH = 2_000


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

        `past` reads the events before a log offset, for rules that are new. `guard` refuses a tick once another
        worker has taken over: what is in memory is then no longer what is stored.
        """
        self._store = store
        self._clock = clock
        self._settings = settings
        self._notify = notify
        self._time_zone = time_zone
        self._past = past
        self._guard = guard
        self._records = Records(settings.hot_subjects)
        self._forget()

    def _forget(self) -> None:
        """What is in memory may not be what is stored: read everything again."""
        self._records.forget()
        self._current: InForce | None = None
        self._fingerprint: tuple[int, ...] | None = None
        self._identities: Identities | None = None
        self._dedupe: DedupeIndex | None = None

    def tick(self) -> Progress:
        """Read, fold, judge, commit. Raises what the database raises; nothing was done then."""
        try:
            progress = self._tick()
        except BaseException:
            self._forget()
            raise
        self._records.settle()
        if progress.transitions:
            self._notify("signals")
            self._notify("emissions")
        if progress.events:
            self._notify("history")
        return progress

    def _tick(self) -> Progress:
        now = self._clock()
        limit = self._settings.evaluate_batch
        with self._store.log.read() as log_conn, self._store.state.write() as conn:
            self._guard(conn)
            position = signals.cursor(conn, CURSOR)
            outcome = Outcome()
            current = self._refresh(conn, position, now, outcome)
            segments = log.read(log_conn, position, limit, PARTITION)
            events, end = self._unique(conn, log_conn, segments, position)
            identities = self._identities_of(conn)
            changes = absorb(conn, current.program, self._records, identities, events)
            judged = self._judge(conn, current, identities, changes, now, outcome)
            self._save(conn, current, identities, changes, outcome, now)
            if end != position:
                signals.set_cursor(conn, CURSOR, end)
            next_due = subjects.next_due(conn)
        more = end - position >= limit or (next_due is not None and next_due <= now)
        return Progress(end - position, judged, len(outcome.signals), more, next_due)

    def _identities_of(self, conn: Connection) -> Identities:
        if self._identities is None:
            self._identities = Identities(subjects.load_identities(conn))
        return self._identities

    def _unique(
        self, conn: Connection, log_conn: Connection, segments: list[log.Segment], position: int
    ) -> tuple[list[Event], int]:
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
        return unique, position

    # -- the program -------------------------------------------------------------------------------------------

    def _refresh(self, conn: Connection, position: int, now: int, outcome: Outcome) -> InForce:
        """The program in force; compiled anew, and new rules filled, when a rule or workflow changed."""
        fingerprint = (*workflow_runs.fingerprint(conn), *computed_traits.fingerprint(conn))
        if self._current is not None and fingerprint == self._fingerprint:
            return self._current
        zone = self._time_zone(conn)
        watched = watches(conn)
        rows = active_rules(conn)
        traits = computed_traits.list_computed_traits(conn)
        current = InForce(rows, watched, zone, now, specs(traits))
        subjects.end_memberships(conn, program.rules_with_members(conn) - current.rules.keys(), now)
        unfilled = [row for row in rows if row.filled_version < row.version]
        new_traits = [trait for trait in traits if trait.filled_version < trait.version]
        removed = computed_traits.removed_computed_traits(conn)
        if removed:
            forget_removed(conn, self._records, removed, outcome)
        if unfilled or new_traits:
            identities = self._identities_of(conn)
            kept = specs([trait for trait in traits if trait not in new_traits])
            filled = InForce([row for row in rows if row not in unfilled], [], zone, now, kept)
            missing = current.program.new_metrics(filled.program)
            if any(missing.values()):
                fill_metrics(conn, current.program, missing, self._records, identities, self._past(position))
            outcome.add(compute_everybody(conn, current, new_traits, self._records, identities, now))
            outcome.add(judge_everybody(conn, current, unfilled, self._records, identities, now))
        self._current, self._fingerprint = current, fingerprint
        return current

    # -- judging -----------------------------------------------------------------------------------------------

    def _judge(
        self,
        conn: Connection,
        current: InForce,
        identities: Identities,
        changes: Changes,
        now: int,
        outcome: Outcome,
    ) -> int:
        def company(root: SubjectKey) -> str | None:
            return company_of(conn, self._records, identities, root)

        self._gather(conn, current, identities, changes, now)
        wanted = changes.rules
        judge = Judge(conn, current, self._records, identities, company, now, outcome)
        self._records.prefetch(conn, wanted)
        companies = [key for key in wanted if key.kind == "company"] if current.computed else []
        if companies:  # their traits first, since what reads them is judged after them
            for key in companies:
                judge.judge(key, wanted.pop(key), changes.receipt.get(key))
            judge_members(conn, current, identities, outcome, lambda key, readers, _: changes.judge(key, readers))
            self._records.prefetch(conn, wanted)
        for key, rules in wanted.items():
            if key.kind != "company" and identities.root(key) != key:
                continue  # became part of somebody else after this was noted; that one is judged by everything
            judge.judge(key, rules, changes.receipt.get(key))
        for watch, root, event in changes.hits:
            outcome.signals.append(_event_signal(watch, root, event))
        return len(companies) + len(wanted)

    def _gather(self, conn: Connection, current: InForce, identities: Identities, changes: Changes, now: int) -> None:
        """Add to the rules that events touched: those of newcomers, of the merged, of company traits, of timers."""
        for key in changes.new:
            changes.judge(key, current.initial(key.kind))
        for key in changes.everything:
            changes.judge(key, current.everything(key.kind))
        for company_id, names in changes.company_traits.items():
            readers = current.program.rules_for_company_traits(names)
            if readers:
                for key in subjects.members_of(conn, company_id):
                    changes.judge(identities.root(key), readers)
        for key in subjects.due(conn, now, DUE_BATCH):
            changes.judge(key, self._due_rules(conn, current, key, now))

    def _due_rules(self, conn: Connection, current: InForce, key: SubjectKey, now: int) -> list[int]:
        """The rules and computed traits whose timer has come; judgements of rules that are gone are dropped here."""
        if self._records.find(conn, key) is None:
            return []
        record = self._records.change(conn, key)
        for rule_id in [r for r in record.judgements if r not in current.rules]:
            del record.judgements[rule_id]
        for number in [number for number in record.computed if number not in current.computed]:
            del record.computed[number]
        kept = (*record.judgements.items(), *record.computed.items())
        return [r for r, j in kept if j.recheck_at is not None and j.recheck_at <= now]

    def _save(
        self, conn: Connection, current: InForce, identities: Identities, changes: Changes, outcome: Outcome, now: int
    ) -> None:
        subjects.save_identities(conn, changes.links)
        for key in changes.moved:
            subjects.end_subject(conn, key, now)
        changes.profiles |= outcome.profiles
        signals.count_up(conn, changes.refused)
        save_profiles(conn, current, self._records, identities, changes)
        subjects.save_memberships(
            conn, list({(m.rule_id, m.subject_kind, m.subject_id): m for m in outcome.memberships}.values())
        )
        signals.add_signals(conn, outcome.signals)
        signals.emit(conn, outcome.emissions)
        self._records.save(conn)


def _event_signal(watch: str, root: SubjectKey, event: Event) -> Signal:
    return Signal(
        kind="event",
        subject_kind="user",
        subject_id=root.id,
        at=event.timestamp,
        watch=watch,
        event_id=f"{event.source}:{event.id}",
        event={"name": event.name, "timestamp": event.timestamp, "properties": event.properties},
        caused_at=event.received_at,
    )
