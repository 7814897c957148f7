"""A replay: the very stages of a live server, over a temporary store, under a clock that follows the past."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from antiphon.act.settings import ActSettings
from antiphon.act.stage import Actor
from antiphon.evaluate.already import People
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stage import Evaluator
from antiphon.ingest.relay import Relay
from antiphon.model.event import Event
from antiphon.store import log
from antiphon.store.engine import Connection, Store, StoreSettings, open_store
from antiphon.store.migrate import upgrade
from antiphon.store.wake import Listener, Topic

BATCH = 5_000
"""Events appended to the temporary log at a time."""

MOST_TICKS = 100_000
"""Ticks at one instant; more would mean that rules feed themselves for ever."""


class VirtualClock:
    """Time that stands where the replay is."""

    def __init__(self, now: int) -> None:
        """Start at `now` (ms)."""
        self.now = now

    def __call__(self) -> int:
        """Where the replay is."""
        return self.now


class _NobodyWaits:
    """The wake of a replay: stages are ticked in turn."""

    def notify(self, topic: Topic) -> None:
        """Nobody sleeps."""

    def listen(self, topic: Topic) -> Listener:
        """Nobody listens."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""


class Replay:
    """Evaluation, relay and workflows on a store of their own, driven event by event and timer by timer.

    Delivery is not there: what is in the outbox is what would have been sent.
    """

    def __init__(self, store: Store, clock: VirtualClock, time_zone: str, past: Callable[[], Iterable[Event]]) -> None:
        """Drive the stages on `store`; `past()` gives the events before the replay, to fill rules from."""
        self.store = store
        self.clock = clock
        self._evaluator = Evaluator(
            store, clock, EvaluateSettings(fill_within=2**62), _ignore, lambda _: time_zone, _Before(past), _no_guard
        )
        self._relay = Relay(store, clock, _NobodyWaits())
        self._actor = Actor(store.state, clock, ActSettings(act_batch=BATCH), _ignore, _no_guard)
        self._evaluation_due: int | None = None
        self._step_due: int | None = None

    def load(self, events: Iterable[Event]) -> None:
        """Append what happened before, and let it be taken in, at the instant where the clock stands."""
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            if len(batch) == BATCH:
                self.hear(batch)
                batch = []
        self.hear(batch)

    def append(self, events: Sequence[Event]) -> None:
        """Put events into the log; they are taken in by the next tick."""
        if events:
            with self.store.log.write() as conn:
                log.append_events(conn, events, self.clock())

    def hear(self, events: Sequence[Event]) -> None:
        """Append events, and do all that follows from them now."""
        self.append(events)
        self.settle()

    def advance(self, until: int) -> None:
        """Let time pass up to `until` (ms, included); timers fire at their own instants."""
        while (due := self.next_due()) is not None and due <= until:
            self.clock.now = max(self.clock.now, due)
            self.settle()
        self.clock.now = max(self.clock.now, until)

    def settle(self) -> None:
        """Tick until nothing is left to do at this instant; raises RuntimeError when it never ends."""
        now = self.clock.now
        for _ in range(MOST_TICKS):
            evaluated = self._evaluator.tick()
            self._evaluation_due = evaluated.next_due
            relayed = False
            if evaluated.transitions:
                while self._relay.tick().more:
                    pass
                relayed = True
            acting = evaluated.transitions or (self._step_due is not None and self._step_due <= now)
            while acting:
                acted = self._actor.tick()
                self._step_due, acting = acted.next_due, acted.more
            if not (evaluated.more or relayed):
                return
        raise RuntimeError("the replay does not come to rest")

    def next_due(self) -> int | None:
        """When something happens by time alone (ms), or None."""
        times = [due for due in (self._evaluation_due, self._step_due) if due is not None]
        return min(times) if times else None


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
