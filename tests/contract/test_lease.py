"""One worker at a time: a worker that another has replaced writes nothing more, on both databases."""

from __future__ import annotations

import pytest

from antiphon.errors import Superseded
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stage import Evaluator
from antiphon.store import lease, log
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader
from antiphon.store.history_packed import packed_table
from antiphon.store.history_table import HistoryTable
from factories import NOW, ManualClock, api_call, api_calls
from pipeline import Pipeline


def evaluator(store: Store, clock: ManualClock) -> Evaluator:
    past = HistoryReader(store)
    guard = lease.take(store.state)
    return Evaluator(store, clock, EvaluateSettings(), lambda _: None, lambda _: "UTC", past, guard)


def hear(store: Store, *events: object) -> None:
    with store.log.write() as conn:
        log.append_events(conn, events, 0)


def test_a_worker_that_wakes_up_beside_its_successor_writes_nothing(store: Store, clock: ManualClock) -> None:
    """Its memory is from before: folding into it would take back what the other has counted since."""
    pipeline = Pipeline(store, clock)
    rule = pipeline.rule("count of api_call ever >= 3")
    old = evaluator(store, clock)
    hear(store, api_call())
    old.tick()
    new = evaluator(store, clock)
    hear(store, api_call())
    new.tick()
    hear(store, api_call())
    with pytest.raises(Superseded):
        old.tick()
    assert pipeline.members(rule) == set()
    new.tick()
    assert pipeline.members(rule) == {"u1"}


def test_the_lease_can_change_hands_any_number_of_times(store: Store) -> None:
    """Only the last taker holds it."""
    guards = [lease.take(store.state) for _ in range(3)]
    for guard in guards[:2]:
        with store.state.write() as conn, pytest.raises(Superseded):
            guard(conn)
    with store.state.write() as conn:
        guards[2](conn)


def test_history_takes_the_same_events_from_one_writer_only(sqlite_store: Store) -> None:
    """The table itself refuses an append that another has made meanwhile, whatever the lease says."""
    where = str(sqlite_store.settings.data / "table")
    first, second = HistoryTable(where), HistoryTable(where)
    with sqlite_store.log.write() as conn:
        log.append_events(conn, api_calls(3), NOW)
    with sqlite_store.log.read() as conn:
        rows = packed_table(log.read_raw(conn, 0, 3), 0, 3, ())
    first.append(rows, 3)
    with pytest.raises(Exception, match=r"(?i)transaction"):
        second.append(rows, 3)
    assert HistoryTable(where).position == 3
