"""Filling new rules: their state from the events of the past, then a first judgement of everybody, a slice at each tick.

At log position X a new rule's metrics begin to be folded live. What lies before X comes from history, read by a thread of its own, and
is merged in; merging does not care for order, so nothing is missed and nothing counts twice. Until then the rule judges nobody. Then
everybody is judged once: who matched already when the rule was switched on enters quietly, unless the person who did so chose
otherwise (see `already.py`). A crash in between begins anew: the metrics get new numbers, so what was merged before is not found
again; so does what could not read the past.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol

import structlog

from antiphon.evaluate.absorb import company_of, mark
from antiphon.evaluate.already import First, FirstJudgements, People, matching
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.deeds import Rows
from antiphon.evaluate.identity import Identities, id_of
from antiphon.evaluate.judge import NOTHING, Judge, Outcome
from antiphon.evaluate.merging import Merger
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules.computed import FIRST_KEY
from antiphon.rules.history_metrics import filled
from antiphon.rules.history_rows import history_tables
from antiphon.rules.live import Program
from antiphon.rules.selectors import event_names
from antiphon.rules.touch import Plan
from antiphon.store import fills, states, subjects
from antiphon.store import program as store
from antiphon.store.computed_traits import ComputedTrait
from antiphon.store.engine import Connection
from antiphon.store.fills import Moment
from antiphon.store.program import RuleRow

log = structlog.get_logger(__name__)

Keys = Mapping[SubjectKind, frozenset[str]]
Item = tuple[SubjectKind, str, SubjectKey, Any]
"""What the past adds: to a metric of a kind, by key, under an id, so much. Under a person's id a company's metric is their part."""

SLICE = 2_000
"""Items merged, and subjects judged, at a tick."""

CHUNK = 10_000
"""Subjects looked at at a time where that is done within one tick."""

_LOOK_S = 0.2

AHEAD = 8
"""Slices read ahead."""

_SAID = 300
"""Characters of what a library said that are shown."""


class _Cancelled(Exception):  # noqa: N818 - no error
    """Nobody wants what is read any more."""


class Unreadable(Exception):  # noqa: N818 - what the past is, not what went wrong
    """The past cannot be read; its text says why, in plain words."""

    def __init__(self, cause: Exception) -> None:
        """Take what a library said."""
        said = " ".join(str(cause).partition("\nLINE ")[0].split()) or type(cause).__name__  # without the query
        super().__init__(f"The events of the past cannot be read: {said[:_SAID]}")


class Past(Protocol):
    """History, as `store.history.HistoryReader` gives it."""

    def connect(
        self, *, before: int | None = None, people: bool | Mapping[str, Any] = False
    ) -> AbstractContextManager[Any]:
        """A connection to DuckDB with the view `events` of every unique event before a log offset, and these people."""
        ...

    def hold_people(self) -> People:
        """Everybody as they are stored now, to be read later."""
        ...

    def past(self, before: int, names: Collection[str] | None = None, regexes: Collection[str] = ()) -> Iterable[Event]:
        """Every unique event before a log offset, of these names and those that the expressions find."""
        ...


class Filling:
    """Some rules, and computed traits, that are being filled together."""

    def __init__(
        self,
        rows: Sequence[RuleRow],
        traits: Sequence[ComputedTrait],
        moments: Mapping[int, Moment],
        current: Running,
        keys: Keys,
        position: int,
        now: int,
        past: Past,
        *,
        apart: bool,
    ) -> None:
        """Begin; `keys` are the metrics to fill up to log offset `position`, `moments` say when each rule was switched on.

        `apart` reads history in a thread of its own.
        """
        self.rows, self.traits, self.keys = list(rows), list(traits), keys
        self.judging = False
        self.first = FirstJudgements(rows)
        here = Moment(position, now)
        # judged within this tick everybody who matches has done so when the rule was switched on, if that is now
        self._asked = {row.id: moments[row.id] for row in rows if row.quiet and (apart or moments[row.id] != here)}
        self.done, self.total = 0, sum(map(len, keys.values())) + len(self._asked)
        self._cancelled = False
        self._past = past
        self._people = past.hold_people() if self._asked else None
        self._items = self._read(current, keys, position, now, apart=apart)
        self._queue: queue.Queue[list[Item] | Exception | None] | None = None
        if apart and self.total:
            self._queue = queue.Queue(AHEAD)
            threading.Thread(target=self._feed, args=(self._queue,), name="fill", daemon=True).start()

    def cancel(self) -> None:
        """Stop; what was merged is not found again."""
        self._cancelled = True

    def is_still(self, rows: Collection[RuleRow], traits: Collection[ComputedTrait]) -> bool:
        """Whether these rules and traits, in these versions, are all still wanted."""
        return _versions(self.rows, self.traits) <= _versions(rows, traits)

    # -- what the past adds ----------------------------------------------------------------------------------------

    def _read(self, current: Running, keys: Keys, position: int, now: int, *, apart: bool) -> Iterator[Item]:
        self._ask(current)
        program = current.program
        rest: dict[SubjectKind, set[str]] = {kind: set() if apart else set(wanted) for kind, wanted in keys.items()}
        if apart:  # a short past is folded sooner than queries are made for it
            yield from self._queried(program, keys, position, now, self._past, rest)
        if any(rest.values()):
            yield from _folded(program, rest, position, self._past)
            self.done = self.total

    def _ask(self, current: Running) -> None:
        """Learn who matched when the rules were switched on."""
        if self._people is None:
            return
        people = self._people.read()
        for rule_id, moment in self._asked.items():
            there = matching(
                current.rules[rule_id],
                moment,
                current.rules.values(),
                current.program.days.name,
                lambda before, people: self._past.connect(before=before, people=people),
                people,
                reads_events=bool(current.program.keys_of([rule_id])),
            )
            self.first.know(rule_id, there)
            self.done += 1

    def _queried(
        self,
        program: Program,
        keys: Keys,
        position: int,
        now: int,
        past: Past,
        rest: Mapping[SubjectKind, set[str]],
    ) -> Iterator[Item]:
        """What queries tell; metrics that have no query are added to `rest`."""
        with past.connect(before=position) as db:
            for kind, wanted in keys.items():
                for key in sorted(wanted):
                    found = program.metric(kind, key)
                    values = None if found is None else filled(db, *found, kind, history_tables().events, now=now)
                    if values is None:
                        rest[kind].add(key)
                        continue
                    for subject, value in values:
                        yield kind, key, subject, value
                    self.done += 1

    def _feed(self, into: queue.Queue[list[Item] | Exception | None]) -> None:
        try:
            while some := list(islice(self._items, SLICE)):
                self._put(into, some)
            self._put(into, None)
        except _Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 - it is raised again where the tick asks
            with contextlib.suppress(_Cancelled):
                self._put(into, error)
        finally:
            if self._people is not None:
                self._people.close()

    def _put(self, into: queue.Queue[list[Item] | Exception | None], found: list[Item] | Exception | None) -> None:
        """Hand on; nobody may be there any more to take it."""
        while not self._cancelled:
            with contextlib.suppress(queue.Full):
                into.put(found, timeout=_LOOK_S)
                return
        raise _Cancelled

    def _next(self) -> list[Item] | None:
        """The next slice; empty when there is none yet, None after the last. Raises Unreadable."""
        if self._queue is None:
            try:
                return list(islice(self._items, SLICE)) or None
            except Exception as error:
                raise Unreadable(error) from error
        try:
            found = self._queue.get_nowait()
        except queue.Empty:
            return []
        if isinstance(found, Exception):
            raise Unreadable(found) from found
        return found

    # -- a tick's part ---------------------------------------------------------------------------------------------

    def merge(self, conn: Connection, residents: Residents, identities: Identities, changes: Changes) -> int | None:
        """Merge a slice of what the past adds; how much that was, None after the last.

        Raises Unreadable, having done nothing.
        """
        items = self._next()
        if items is None:
            return None
        for kind in ("user", "anonymous", "company"):
            residents.bring(conn, kind, {subject.id for _, _, subject, _ in items if subject.kind == kind})
        homes: dict[SubjectKey, str | None] = {}
        merger = Merger(residents)
        for kind, key, subject, value in items:
            slot = residents.slot(conn, subject)
            changes.stored.add(subject)
            person = subject.kind != "company"
            if kind == "user" or not person:
                merger.add(slot, kind, key, value)
            if kind == "company":
                merger.add(slot, kind, key, value, part=True)
            if kind == "company" and person:
                root = identities.root(subject)
                if root not in homes:
                    homes[root] = company_of(conn, residents, identities, root)
                home = homes[root]
                if home is not None:
                    company = SubjectKey("company", home)
                    merger.add(residents.slot(conn, company), kind, key, value)
                    changes.stored.add(company)
        merger.finish()
        self._tell(conn, "counting", self.done, self.total)
        return len(items)

    def begin_judging(self, conn: Connection, residents: Residents, identities: Identities) -> None:
        """From now on the rules judge; those who are there must be judged for the first time."""
        self.judging = True
        self.done = self.total = 0
        for rule in self.rows:
            keys = everybody(conn, residents, rule.subject_kind)
            self.first.pending[rule.id] = {key.id: None for key in keys if identities.root(key) == key}
            self.total += len(self.first.pending[rule.id])

    def judge(
        self,
        conn: Connection,
        current: Running,
        residents: Residents,
        identities: Identities,
        now: int,
        position: int,
        outcome: Outcome,
    ) -> bool:
        """Judge a slice of those who are left; whether that was everybody, and the rules are filled."""
        for rule in sorted(self.rows, key=lambda row: current.rank(row.id)):
            pending = self.first.pending[rule.id]
            some = list(islice(pending, SLICE))
            if not some:
                continue
            residents.load(conn, rule.subject_kind, some)
            before = subjects.memberships_of(conn, rule.id, rule.subject_kind, some)
            moved = {
                one.subject_id for one in outcome.memberships if one.rule_id == rule.id
            }  # by an event of this tick
            rows, plan = Rows(), current.kernel.rules_plan([rule.id])
            for one in some:
                key = SubjectKey(rule.subject_kind, one)
                slot = residents.slot(conn, key)
                outcome.moved.add(slot)  # no event tells of this judgement, should it be replayed
                mark(residents, identities, key)
                if one not in moved:
                    _restore(residents, slot, rule.id, before.get(one))
                rows.judge(slot, plan)
            judge = Judge(
                conn, current, residents, identities, now, position, outcome, fillings=[First(self.first, rule.id)]
            )
            judge.absorb(rows, NOTHING)
            for one in some:
                del pending[one]
            self.done += len(some)
            self._tell(conn, "judging", self.done, self.total)
            return False
        for rule in self.rows:
            store.mark_filled(conn, rule.id, rule.version)
            fills.drop(conn, [rule.id])
            log.info("rule filled", rule=rule.name, version=rule.version)
        return True

    def _tell(self, conn: Connection, phase: fills.Phase, done: int, total: int) -> None:
        fills.tell(conn, [rule.id for rule in self.rows], phase, done, total)


def _versions(rows: Collection[RuleRow], traits: Collection[ComputedTrait]) -> set[tuple[int, int]]:
    return {(row.id, row.version) for row in rows} | {(FIRST_KEY + trait.id, trait.version) for trait in traits}


def _folded(program: Program, keys: Mapping[SubjectKind, set[str]], position: int, past: Past) -> Iterator[Item]:
    """What events that have no other form add, folded one by one."""
    names, regexes = event_names(program.selectors_of(keys))
    states: dict[tuple[SubjectKind, SubjectKey], dict[str, Any]] = {}
    for event in past.past(position, names, regexes):
        if event.late:
            continue
        touch, person = program.touch(event), id_of(event)
        company = None if event.company_id is None else SubjectKey("company", event.company_id)
        meant: list[tuple[SubjectKind, Plan, SubjectKey | None]] = [
            ("user", touch.user, person),
            ("company", touch.company, company or person),
        ]
        for kind, plan, key in meant:
            if key is None:
                continue
            for metric in plan.metrics:
                if metric.key in keys[kind]:
                    metric.fold(states.setdefault((kind, key), {}), event, event.weight)
    for (kind, subject), metrics in states.items():
        for key, value in metrics.items():
            yield kind, key, subject, value


def everybody(conn: Connection, residents: Residents, kind: SubjectKind) -> Iterator[SubjectKey]:
    """Everybody who is stored or in memory, in the order in which states are stored."""
    for bucket in residents.buckets:
        mine = [residents.key(slot) for slot in bucket.slots]
        if bucket.away:
            content = residents.content(bucket, states.read(conn, [bucket.lowest]).get(bucket.lowest))
            mine += content.take(residents.away(content)).members()
        yield from (key for key in mine if key.kind == kind)


def _restore(residents: Residents, slot: int, rule_id: int, membership: subjects.Membership | None) -> None:
    """Start from the membership that is stored, so that an edited or reopened rule moves people by difference."""
    memory = residents.memory
    if membership is not None:
        memory.set_judgement(slot, rule_id, membership.episode, member=membership.member)
    elif rule_id in memory.judgements(slot):
        memory.forget_judgements([slot], rule_id)
