"""A replay: evaluation and workflows as on a live server, over a store of their own, under a clock that follows the past."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from antiphon.act.rerun import PastActor
from antiphon.act.settings import ActSettings
from antiphon.evaluate.already import People
from antiphon.evaluate.rerun import Changed, Happened, Rerun
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stretches import CALLS
from antiphon.model.event import Event
from antiphon.model.signal import Signal
from antiphon.runtime.backtest.plan import READ_BY_STEPS
from antiphon.store import log
from antiphon.store.engine import Connection, Store, StoreSettings, open_store
from antiphon.store.migrate import upgrade
from antiphon.store.wake import Topic

BATCH = 5_000
"""Events appended to the temporary log at a time."""

NO_LIMIT = 2**62

Who = tuple[str | None, str | None, str | None]
"""User id, anonymous id where there is no user id, company id."""


class VirtualClock:
    """Time that stands where the replay is."""

    def __init__(self, now: int) -> None:
        """Start at `now` (ms)."""
        self.now = now

    def __call__(self) -> int:
        """Where the replay is."""
        return self.now


class Replay:
    """What is before the period is taken in by ordinary ticks; the period itself is lived through in stretches.

    Delivery is not there: what is in the outbox is what would have been sent. `moves` are those of the period that were asked for.
    """

    def __init__(self, store: Store, clock: VirtualClock, time_zone: str, past: Callable[[], Iterable[Event]]) -> None:
        """Work on `store`; `past()` gives the events before the replay, to fill rules from."""
        self.store = store
        self.moves: list[Signal] = []
        self._clock = clock
        settings = EvaluateSettings(fill_within=NO_LIMIT, hot_subjects=NO_LIMIT)
        self._rerun = Rerun(store, clock, settings, _ignore, lambda _: time_zone, _Before(past), _no_guard)

    # -- before the period -----------------------------------------------------------------------------------------

    def load(self, events: Iterable[Event]) -> None:
        """Let what happened before be taken in, at the instant where the clock stands."""
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            if len(batch) == BATCH:
                self._hear(batch)
                batch = []
        self._hear(batch)

    def _hear(self, events: Sequence[Event]) -> None:
        if events:
            with self.store.log.write() as conn:
                log.append_events(conn, events, self._clock())
        self.settle()

    def settle(self) -> None:
        """Tick until nothing is left to do at this instant."""
        while self._rerun.tick().more:
            pass

    # -- the period ------------------------------------------------------------------------------------------------

    def live(self, events: Iterable[Event], until: int, rule_id: int | None, *, acting: bool) -> None:
        """Live through events (in order of receipt), and time up to `until` (ms, included).

        The moves of rule `rule_id` are kept; with `acting`, workflows run. No rule or workflow may be changed any more.
        """
        rerun, actor = self._rerun, None
        with self.store.state.write() as conn:
            if acting:
                actor = PastActor(self.store.state, self._clock, ActSettings(), _ignore, _no_guard)
                actor.begin(conn)
            rerun.begin(conn, self._clock.now, by_others=[name for _, name in READ_BY_STEPS] if acting else ())
            for stretch in rerun.stretches(self._that_matter(events)):
                for instant, happened in rerun.pass_time(stretch.when[0]):
                    self._follow(conn, actor, happened, instant, rule_id)
                self._follow(conn, actor, rerun.live(stretch), stretch.when[-1] + 1, rule_id)
            for instant, happened in rerun.pass_time(until + 1):
                self._follow(conn, actor, happened, instant, rule_id)

    def _that_matter(self, events: Iterable[Event]) -> Iterator[Event]:
        """Without those that no rule and no workflow listens to and that make nobody known, or known for longer."""
        known: dict[Who, int] = {}
        listens = self._rerun.listens
        for event in events:
            since = event.received_at if event.late else event.timestamp
            who = event.user_id, None if event.user_id else event.anonymous_id, event.company_id
            if known.get(who, NO_LIMIT) <= since and event.type not in CALLS and not listens(event):
                continue
            known[who] = min(since, known.get(who, NO_LIMIT))
            yield event

    def _follow(
        self, conn: Connection, actor: PastActor | None, happened: Happened, until: int, rule_id: int | None
    ) -> None:
        """Do what follows from what happened before `until` (ms, not included), at each instant what followed then."""
        self.moves += [one for _, one in happened.signals if one.rule_id == rule_id and one.kind != "event"]
        profiles = deque(happened.profiles)
        if actor is not None:
            for now, signal in happened.signals:
                self._wake(conn, actor, profiles, now)
                self._show(profiles, now + 1)
                actor.hear(conn, signal, now)
            self._wake(conn, actor, profiles, until)
        self._show(profiles, NO_LIMIT)

    def _wake(self, conn: Connection, actor: PastActor, profiles: deque[Changed], until: int) -> None:
        """Let steps run that are due before `until`."""
        while (due := actor.next_due) is not None and due < until:
            self._show(profiles, due + 1)
            actor.wake(conn, due)

    def _show(self, profiles: deque[Changed], until: int) -> None:
        """Write the profiles that changed before `until`."""
        while profiles and profiles[0][0] < until:
            self._rerun.show(profiles.popleft()[1])


class _Before:
    """The events before a replay, as evaluation fills rules from them: folded one by one."""

    def __init__(self, events: Callable[[], Iterable[Event]]) -> None:
        self._events = events

    @contextmanager
    def connect(self, *, before: int | None = None, people: bool | Mapping[str, Any] = False) -> Generator[None]:
        """There is nothing to query."""
        del before, people
        yield None

    def hold_people(self) -> People:
        """Nobody asks: rules are filled at the moment at which they are switched on."""
        raise NotImplementedError

    def past(self, before: int, names: Collection[str] | None = None, regexes: Collection[str] = ()) -> Iterable[Event]:
        """All of them; filling looks at what it needs."""
        del before, names, regexes
        return self._events()


@contextmanager
def open_replay(now: int, time_zone: str, past: Callable[[], Iterable[Event]]) -> Generator[Replay]:
    """A replay that starts at `now` (ms), in a folder that is removed at the end."""
    with TemporaryDirectory(prefix="antiphon-replay-") as folder:
        store = open_store(StoreSettings(data=Path(folder)), durable=False)
        try:
            upgrade(store)
            yield Replay(store, VirtualClock(now), time_zone, past)
        finally:
            store.close()


def _ignore(_topic: Topic) -> None:
    """Nobody sleeps."""


def _no_guard(_conn: Connection) -> None:
    """Nobody else works on this store."""
