"""A backtest as plainly as can be: the very stages of a live server, ticked at every instant at which something happens."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from antiphon.act.settings import ActSettings
from antiphon.act.stage import Actor
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stage import Evaluator
from antiphon.ingest.relay import Relay
from antiphon.runtime.backtest.plan import understand
from antiphon.runtime.backtest.replay import _Before
from antiphon.runtime.backtest.run import kept
from antiphon.runtime.backtest.switch_on import add_rules, add_workflow
from antiphon.store import log, replayed, signals
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.migrate import upgrade
from factories import ManualClock

MOST_TICKS = 300
"""At one instant."""

MOST_IN_ALL = 2_000


class Restless(Exception):  # noqa: N818 - it says what is the case
    """Rules that feed themselves, or turn too often for a test."""


class StepByStep:
    """Evaluation, relay and workflows over a log, driven event by event and timer by timer."""

    def __init__(self, store, clock, time_zone, past):
        self.store, self.clock = store, clock
        settings = EvaluateSettings(fill_within=2**62)
        self.evaluator = Evaluator(store, clock, settings, ignore, lambda _: time_zone, _Before(past), ignore)
        self.relay = Relay(store, clock, self)
        self.actor = Actor(store.state, clock, ActSettings(), ignore, ignore)
        self.due = []
        self.ticks = 0

    def notify(self, _topic):
        """Nobody sleeps."""

    def hear(self, events):
        """Append events and do all that follows from them now."""
        if events:
            with self.store.log.write() as conn:
                log.append_events(conn, events, self.clock())
        self.settle()

    def settle(self):
        """Tick until nothing is left to do at this instant."""
        for _ in range(MOST_TICKS):
            self.ticks += 1
            if self.ticks > MOST_IN_ALL:
                break
            evaluated = self.evaluator.tick()
            relayed = self.relay.tick().relayed
            acted = self.actor.tick()
            while acted.more:
                acted = self.actor.tick()
            self.due = [due for due in (evaluated.next_due, acted.next_due) if due is not None]
            if not (evaluated.more or relayed):
                return
        raise Restless

    def advance(self, until):
        """Let time pass up to `until`, included."""
        while self.due and min(self.due) <= until:
            self.clock.now = max(self.clock.now, min(self.due))
            self.settle()
        self.clock.now = max(self.clock.now, until)


def step_by_step(file, past, world):
    """What happened: moves of the rule, messages, steps that sent nothing; all in order of time and person."""
    plan = understand(file, past, world)
    clock = ManualClock(plan.since)
    with TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data=Path(folder)), durable=False)
        upgrade(store)
        try:
            slow = StepByStep(store, clock, plan.time_zone, lambda: kept(plan, past.before(plan.since)))
            slow.hear(list(kept(plan, past.people_before(plan.since))))
            with store.state.write() as conn:
                rule_id = add_rules(conn, plan)
            slow.settle()
            with store.state.write() as conn:
                add_workflow(conn, plan, rule_id)
            slow.settle()
            events = kept(plan, past.between(plan.since, plan.until))
            for at, together in groupby(events, key=lambda event: event.received_at):
                slow.advance(at - 1)
                clock.now = at
                slow.hear(list(together))
            slow.advance(plan.until)
            with store.state.read() as conn:
                moves = [
                    (signal.at, signal.subject_id, signal.kind, signal.episode, signal.quiet)
                    for signal in signals.read_signals(conn, 0, 100_000)
                    if signal.rule_id == rule_id and signal.kind != "event"
                ]
                sent = [
                    (row.created_at, row.user_id, row.step_id, row.recipient) for row in replayed.queued_messages(conn)
                ]
                unsent = [(row.at, row.user_id, row.step_id, row.reason) for row in replayed.unsent_steps(conn)]
        finally:
            store.close()
    return {
        "already": sum(quiet for *_, quiet in moves),
        "moves": sorted(move[:-1] for move in moves if not move[-1]),
        "sent": sorted(sent),
        "not sent": sorted(unsent),
    }


def ignore(*_):
    """Nobody sleeps, and nobody else works on this store."""
