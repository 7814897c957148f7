"""The past judged again: the same folding and judging as live, but for many instants at a time.

Every subject has a timeline of its own: what it did and its timers, in order. Where no subject's truth depends on another's, a
stretch of events is lived through subject by subject, which the kernel does in one go; Python comes in only at the instants at which it has
something to judge or to fold. Where they depend on each other, an instant is judged at a time, as a tick does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from antiphon.evaluate import absorb
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.deeds import Batch, Gatherer, Rows
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.past_rows import LateGatherer, PastRows
from antiphon.evaluate.profiles import save_profiles
from antiphon.evaluate.running import Running
from antiphon.evaluate.stage import Evaluator
from antiphon.evaluate.stretches import CALLS, Cutter, Stretch
from antiphon.evaluate.watches import watched
from antiphon.model.event import Event
from antiphon.model.event_batch import EventBatch
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKey
from antiphon.rules.kernel.blocks import FAR, ArenaFull, Ints
from antiphon.rules.kernel.tick import Past
from antiphon.rules.selectors import name_test
from antiphon.store.engine import Connection

MOST_AGAIN = 100_000
"""Judgements at one instant; more would mean that rules feed themselves for ever."""


Changed = tuple[int, set[SubjectKey]]
"""Whose profiles changed at an instant (ms)."""


class Happened:
    """What a stretch led to: signals, each with its instant (ms), in order, and whose profile changed at which."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.signals: list[tuple[int, Signal]] = []
        self.profiles: list[Changed] = []


class Rerun(Evaluator):
    """An evaluator that lives through a past which is handed to it; what it knows is in memory, and all in one transaction.

    Rules are put in force by ordinary ticks before; nothing is ticked afterwards.
    """

    _conn: Connection
    _running: Running
    _now: int
    _each: bool
    _echoing: bool

    def begin(self, conn: Connection, now: int, *, by_others: Iterable[str] = ()) -> None:
        """Start at `now` (ms). `by_others` names users' traits that others read at the instants of what happens."""
        assert self._current is not None, "rules are put in force before"  # noqa: S101
        assert self._residents.everybody, "what is stored is in memory"  # noqa: S101
        self._conn, self._now, self._running = conn, now, self._current
        program = self._running.program
        names = [name_test(selector) for selector in program.selectors]
        self._echoing = any(takes(name) for takes in names for name in ("segment_entered", "segment_left"))
        kinds = {kind for kind, metrics in program.metric_keys.items() if metrics}
        self._each = (
            (self._echoing and len(kinds) > 1)  # what a user's effects are to a company
            or bool(program.rules_for_company_traits(program.computed_names("company")))
            or not program.computed_names("user").isdisjoint(by_others)
        )

    def listens(self, event: Event) -> bool:
        """Whether a rule or a workflow can be touched by an event."""
        touch = self._running.program.touch(event)
        return bool(touch.user or touch.company or touch.watches)

    def stretches(self, events: Iterable[Event]) -> Iterator[Stretch]:
        """Events cut for `live`; each stretch must be lived through before the next is asked for."""
        cutter = Cutter(
            self._conn,
            self._residents,
            self._identities_of(self._conn),
            self._ends,
            each=self._each,
            traits_alone=bool(self._running.program.rules_for_company_traits()),
        )
        return cutter.cut(events)

    def _ends(self, at: int) -> int:
        self._running.kernel.ready(at)
        return self._running.kernel.same_until

    # -- time ----------------------------------------------------------------------------------------------------

    def pass_time(self, until: int) -> Iterator[tuple[int, Happened]]:
        """Let time pass up to `until` (ms, not included), timers firing at their own instants.

        Gives what happened in pieces, each with the instant before which all of it was; the next follows from it.
        """
        if self._each:
            while (due := self._soonest_timer()) < until:
                happened, due = Happened(), max(due, self._now)
                self._instant([], due, happened)
                yield due + 1, happened
            happened = Happened()
        else:
            outcome, happened = Outcome(), Happened()
            self._pass(until, outcome)
            _note(outcome, happened)
        self._now = max(self._now, until)
        yield until, happened

    def _pass(self, until: int, outcome: Outcome) -> None:
        """Timers of everybody, by the calendar windows of their instants."""
        kernel, residents = self._running.kernel, self._residents
        while True:
            kernel.ready(self._now)
            end = min(until, kernel.same_until)
            due = np.flatnonzero(residents.slots.recheck_at[: residents.count] < end)
            if len(due):
                self._judge_past(outcome).pass_time(due, np.full(len(due), end))
            if end == until:
                return
            self._now = max(end, min(self._soonest_timer(), until))

    def _soonest_timer(self) -> int:
        return int(self._residents.slots.recheck_at[: self._residents.count].min(initial=FAR))

    # -- events --------------------------------------------------------------------------------------------------

    def live(self, stretch: Stretch) -> Happened:
        """Live through a stretch, and the timers of everybody up to its last instant; `pass_time` comes before, up to its first."""
        happened = Happened()
        if self._each:
            self._instant(stretch.events, stretch.when[0], happened)
        else:
            self._live(stretch, happened)
        self._residents.settle()
        if not self._residents.everybody:  # pragma: no cover - half of the machine's memory is full
            raise ArenaFull("There is no more room for the state of subjects; use a larger machine.")
        return happened

    def _instant(self, events: list[Event], now: int, happened: Happened) -> None:
        """One instant, as a tick does it; events of our own that something listens to follow at once."""
        identities, self._now = self._identities_of(self._conn), now
        for _ in range(MOST_AGAIN):
            outcome = Outcome()
            changes = self._judge(self._conn, self._running, identities, EventBatch.of(events), now, 0, outcome)
            happened.signals += [(now, signal) for signal in outcome.signals]
            self.show({*changes.profiles, *outcome.profiles})
            events = [event for event in outcome.emissions if self.listens(event)]
            if not events and self._soonest_timer() > now:
                return
        raise RuntimeError("the rules do not come to rest at an instant")

    def _live(self, stretch: Stretch, happened: Happened) -> None:
        conn, current, residents, events = self._conn, self._running, self._residents, stretch.events
        identities = self._identities_of(conn)
        packed = EventBatch.of(events)
        places = absorb.bring(conn, residents, identities, packed)
        outcome, changes = Outcome(), self._calls(stretch, happened)
        rows = PastRows(stretch.when, lambda slot: _called_at(stretch, residents.key(slot)))
        gatherer = LateGatherer(conn, current.program, current.kernel, residents, identities)
        waited = gatherer.gather_late(Batch(events, packed, places), rows)
        if waited:
            when = {id(event): at for event, at in zip(events, stretch.when, strict=True)}
            happened.signals += [(when[id(one[0])], signal) for one in waited for signal in watched(identities, [one])]
        self._again(conn, current, identities, changes, rows)
        past, index = rows.past(conn, residents, identities, gatherer.late(events))
        self._judge_past(outcome).live(past, index, gatherer, events)
        self._pass(stretch.when[-1] + 1, outcome)
        self._now = stretch.when[-1]
        by_instant: dict[int, set[SubjectKey]] = {}
        for key in changes.profiles:
            by_instant.setdefault(_called_at(stretch, key), set()).add(key)
        happened.profiles = sorted(by_instant.items())
        _note(outcome, happened)

    def _calls(self, stretch: Stretch, happened: Happened) -> Changes:
        """Take in the calls of a stretch, after what time did until then to those whom they may change."""
        calls = [event for event in stretch.events if event.type in CALLS]
        if not calls:
            return Changes()
        conn, residents, identities, outcome = self._conn, self._residents, self._identities_of(self._conn), Outcome()
        places = [(residents.find(conn, key), at) for key, at in stretch.called.items()]
        known = np.array([(slot, at) for slot, at in places if slot is not None], dtype=np.int64).reshape(-1, 2)
        self._judge_past(outcome).pass_time(np.ascontiguousarray(known[:, 0]), np.ascontiguousarray(known[:, 1]))
        _note(outcome, happened)
        return absorb.settle(conn, self._running.program, residents, identities, calls, 0)

    def _judge_past(self, outcome: Outcome) -> PastJudge:
        conn = self._conn
        judge = PastJudge(conn, self._running, self._residents, self._identities_of(conn), self._now, 0, outcome)
        judge.listens = self.listens if self._echoing else None
        return judge

    def show(self, keys: Iterable[SubjectKey]) -> None:
        """Write profiles as they are now."""
        people = [key for key in keys if key.kind != "company"]
        if people:
            save_profiles(self._conn, self._running, self._residents, self._identities_of(self._conn), people)


class PastJudge(Judge):
    """Judges many instants at a time; the calendar windows must be the same at all of them.

    `listens` tells which events of our own are to be taken in at once; None: none.
    """

    listens: Callable[[Event], bool] | None = None

    def live(self, past: Past, index: Ints, gatherer: LateGatherer, events: Sequence[Event]) -> None:
        """Live through a stretch, subject by subject; `index` is of each row's event."""
        residents, current, at = self._residents, self._current, 0
        tables, count, eager = current.kernel.ready(self._now), len(past.who), self._eager
        self._inputs(np.unique(past.who))
        while at < count:
            at = tables.live(residents.memory, past, at, current.first, current.earlier, self._position, eager=eager)
            self._now, who = tables.moment
            self._take()
            end = at
            while end < count and past.who[end] == who and past.when[end] == self._now:
                if past.folds[end]:
                    gatherer.fold(events[int(index[end])], int(past.deeds.slot[end]))
                end += 1
            past.folds[at:end] = 0
            if end == at:
                self._finish(who)

    def pass_time(self, slots: Ints, until: Ints) -> None:
        """Let time pass for slots, for each up to its own instant (ms, not included)."""
        tables, at = self._current.kernel.ready(self._now), 0
        self._inputs(np.unique(slots))
        while at < len(slots):
            at = tables.pass_time(self._residents.memory, slots, until, at, self._position, eager=self._eager)
            self._now, who = tables.moment
            self._take()
            self._finish(who)

    @property
    def _eager(self) -> bool:
        """Whether Python must know of each move at once."""
        return self._current.layered or self.listens is not None

    def _finish(self, who: int) -> None:
        """Do what time makes due at this very instant, after what Python judged, and what follows from our own events."""
        residents, tables, slots = self._residents, self._current.kernel.tables, np.array([who])
        for _ in range(MOST_AGAIN):
            if residents.slots.recheck_at[who] <= self._now:
                tables.judge_due(residents.memory, slots, 0, self._now, self._position)
                self._take()
            elif not self._echo():
                return
        raise RuntimeError("the rules do not come to rest at an instant")

    def _echo(self) -> bool:
        """Take in what was emitted; whether there was anything."""
        emitted, self._outcome.emissions = self._outcome.emissions, []
        heard = [] if self.listens is None else [event for event in emitted if self.listens(event)]
        if heard:
            conn, current, residents, identities = self._conn, self._current, self._residents, self._identities
            packed, rows = EventBatch.of(heard), Rows()
            places = absorb.bring(conn, residents, identities, packed)
            gatherer = Gatherer(conn, current.program, current.kernel, residents, identities)
            self._outcome.signals += watched(identities, gatherer.gather(Batch(heard, packed, places), rows))
            self.absorb(rows, packed.received)
        return bool(heard)


def _called_at(stretch: Stretch, key: SubjectKey) -> int:
    """When a call may have changed somebody; where companies' traits did, that was the only instant."""
    return stretch.when[0] if stretch.when[0] == stretch.when[-1] else stretch.called[key]


def _note(outcome: Outcome, happened: Happened) -> None:
    happened.signals += [(signal.at, signal) for signal in outcome.signals]
    happened.signals.sort(key=lambda one: one[0])
