"""History holds every accepted event once, whatever happens on the way, and reads as one with the log's tail."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from antiphon.measure.history_joiner import EVERY, HistoryJoiner
from antiphon.measure.history_writer import HistoryWriter
from antiphon.measure.settings import MeasureSettings
from antiphon.model.clock import DAY, HOUR, SECOND
from antiphon.model.event import LATE, Event
from antiphon.store import dedupe, history, history_table, log, log_duplicates, signals
from antiphon.store.dedupe import Repeat
from antiphon.store.history import EVALUATE_CURSOR, HistoryReader
from antiphon.store.history_table import DataFile, HistoryTable, joinable, location
from factories import NOW, api_call, api_calls, group, identify, track
from pipeline import no_guard


def append(store, events, *, evaluated: bool = True) -> int:
    """Put events into the log, seen by evaluation or not; the offset after them."""
    with store.log.write() as conn:
        end = log.append_events(conn, events, NOW) + len(events)
    if evaluated:
        with store.state.write() as conn:
            signals.set_cursor(conn, EVALUATE_CURSOR, end)
    return end


@pytest.fixture
def writer(store, clock):
    """A history stage that has not run yet."""
    return HistoryWriter(store, clock, MeasureSettings(history_interval_s=1.0), no_guard)


def stored(store, **options) -> list[str]:
    """The ids of all events, oldest first."""
    rows = HistoryReader(store).newest(limit=10**6, **options)
    assert [row.offset for row in rows] == sorted({row.offset for row in rows}, reverse=True)
    return [row.event.id for row in reversed(rows)]


def written(store) -> int:
    table = HistoryTable(location(store))
    return sum(1 for _ in HistoryReader(store).past(table.position))


def test_an_event_comes_back_as_it_was(store, writer):
    """Through the table and from the tail: every field, also those that are rarely there."""
    events = [
        Event(
            "m", "track", "api_call", NOW - 5, NOW, "7", "u", "a", "c", {"status": 400, "big": 2**62, "x": [1.5, None]},
            0.25, LATE, None, {"ip": "192.0.2.1"},
        ),
        Event("n", "alias", "alias", -5, NOW, "7", "u", previous_id="p"),
        track(weight=10, properties={"text": "Zoë 😀", "quote": "a'b\"c"}),
        identify(email="a@example.com"),
        group(),
    ]  # fmt: skip
    append(store, events)
    tail = HistoryReader(store).newest(limit=10)
    assert [row.event for row in reversed(tail)] == events
    assert writer.tick().written == 5
    table = HistoryReader(store).newest(limit=10)
    assert table == tail


def test_columns_of_an_api_call(store, writer):
    """Method, route, status and latency stand in columns of their own; of other types they are null."""
    append(store, [api_call(400), api_call(status="odd", latency_ms=True), track("other", properties={"status": 200})])
    writer.tick()
    with HistoryReader(store).connect() as db:
        rows = db.sql("SELECT method, route, status, latency_ms, timestamp FROM events ORDER BY log_offset").fetchall()
    assert [row[:4] for row in rows] == [
        ("POST", "/v1/reports/{id}", 400, 12.5),
        ("POST", "/v1/reports/{id}", None, None),
        (None, None, None, None),
    ]
    assert rows[0][4].timestamp() * 1000 == NOW


def test_only_what_evaluation_has_seen(store, writer):
    """Whether an event is a repeat is known only then."""
    append(store, [track(id="a")])
    append(store, [track(id="b")], evaluated=False)
    assert stored(store) == ["a"]
    writer.tick()
    assert (stored(store), written(store)) == (["a"], 1)


def test_repeats_are_left_out(store, writer):
    """In the table and in the tail."""
    with store.log.read() as log_conn, store.state.write() as conn:
        events = [track(id="a"), track(id="a"), track(id="b")]
        log_duplicates.record(conn, log_conn, 0, events, [Repeat(1, 0)])
    append(store, events)
    assert stored(store) == ["a", "b"]
    assert writer.tick().written == 2
    assert (stored(store), written(store)) == (["a", "b"], 2)


def test_batches_of_an_interval(store, writer, clock):
    """One write a second, unless nothing waits."""
    append(store, [track(id="a")])
    assert writer.tick().written == 1
    append(store, [track(id="b")])
    assert writer.tick() == writer.tick()
    progress = writer.tick()
    assert (progress.written, progress.next_due) == (0, clock() + SECOND)
    clock.advance(SECOND)
    assert writer.tick().written == 1
    assert writer.tick().next_due is None


def test_a_crash_before_the_cursor_is_stored(store, writer, clock, monkeypatch):
    """The table's own position counts: nothing is written twice, nothing is lost."""
    append(store, [track(id="a"), track(id="b")])
    monkeypatch.setattr(signals, "set_cursor", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.tick()
    monkeypatch.undo()
    append(store, [track(id="c")])
    again = HistoryWriter(store, clock, MeasureSettings(), no_guard)
    assert again.tick().written == 1
    assert (stored(store), written(store)) == (["a", "b", "c"], 3)


def test_a_crash_while_appending(store, writer, clock, monkeypatch):
    """A write that did not commit is done again as a whole."""
    append(store, [track(id="a")])
    monkeypatch.setattr(HistoryTable, "_commit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.tick()
    monkeypatch.undo()
    clock.advance(SECOND)
    assert writer.tick().written == 1
    assert written(store) == 1


def test_many_small_writes_are_joined(store, clock, monkeypatch):
    """Few files remain, every event and the position with them, and a reader of old files is not disturbed."""
    monkeypatch.setattr(history_table, "SMALL_FILES", 5)
    writer = HistoryWriter(store, clock, MeasureSettings(history_interval_s=0), no_guard)
    joiner = HistoryJoiner(store, clock, no_guard)
    reader = HistoryReader(store)
    append(store, [track(id="m0")])
    writer.tick()
    with reader.connect() as db:
        for number in range(1, 12):
            append(store, [track(id=f"m{number}")])
            writer.tick()
            joiner.tick()
            clock.advance(EVERY)
        assert db.sql("SELECT count(*) FROM events").fetchall() == [(1,)]
    table = HistoryTable(location(store))
    assert (table.files, table.position) == (4, 12)
    assert stored(store) == [f"m{number}" for number in range(12)]
    assert [row.event.id for row in reader.newest(limit=100)] == stored(store)[::-1]


def test_a_joined_file_is_sorted(store, clock, monkeypatch):
    """By name, then by person: what a preview and a timeline look for lies together."""
    monkeypatch.setattr(history_table, "SMALL_FILES", 2)
    writer = HistoryWriter(store, clock, MeasureSettings(history_interval_s=0), no_guard)
    for name, user in (("b", "v"), ("b", "u"), ("a", "v"), ("b", "v")):
        append(store, [track(name, user)])
        writer.tick()
    assert HistoryJoiner(store, clock, no_guard).tick().written == 4
    with HistoryReader(store).connect() as db:
        rows = db.sql("SELECT name, user_id, log_offset FROM events").fetchall()
    assert rows == [("a", "v", 2), ("b", "u", 1), ("b", "v", 0), ("b", "v", 3)]


def test_joining_beside_appending(store, writer, clock, monkeypatch):
    """An append that comes while files are joined is neither lost nor in the way; nor is a second joiner's work doubled."""
    monkeypatch.setattr(history_table, "SMALL_FILES", 2)
    for number in range(3):
        append(store, [track(id=f"m{number}")])
        writer.tick()
        clock.advance(SECOND)
    joined, other = HistoryTable(location(store)), HistoryTable(location(store))
    commit = HistoryTable._commit

    def beside(table, *wanted):
        if table is joined:
            append(store, [track(id="m3")])
            assert writer.tick().written == 1
            monkeypatch.setattr(HistoryTable, "_commit", commit)
            assert other.join() == 4
        commit(table, *wanted)

    monkeypatch.setattr(HistoryTable, "_commit", beside)
    with pytest.raises(Exception, match=r"(?i)transaction"):
        joined.join()
    assert stored(store) == ["m0", "m1", "m2", "m3"]
    assert HistoryTable(location(store)).files == 1


def test_writer_and_joiner_may_both_make_the_table(tmp_path):
    """At the first start both find none; whoever comes second, by however little, uses what is there."""
    with ThreadPoolExecutor(4) as pool:
        for turn in range(20):
            start = threading.Barrier(4)

            def made(where: str, start: threading.Barrier = start) -> int:
                start.wait()
                return HistoryTable(where).files

            assert list(pool.map(made, [str(tmp_path / str(turn))] * 4)) == [0] * 4


def test_which_files_are_joined(monkeypatch):
    """The newest small ones with what is no larger, never one that is full; the order of the log is kept."""
    monkeypatch.setattr(history_table, "SMALL_FILES", 3)
    monkeypatch.setattr(history_table, "FILE_ROWS", 100)
    monkeypatch.setattr(history_table, "_APPENDED_ROWS", 2)

    def sizes(*rows):
        files = [DataFile(str(number), 1, count, number, number, None, None) for number, count in enumerate(rows)]
        return [int(file.path) for file in joinable(files)]

    assert sizes(1, 1) == []
    assert sizes(1, 1, 1) == [0, 1, 2]
    assert sizes(50, 1, 1, 1) == [1, 2, 3]
    assert sizes(4, 1, 1, 1) == [0, 1, 2, 3]
    assert sizes(150, 60, 61) == [1, 2]
    assert sizes(150, 60) == []
    assert sizes(60, 60, 150, 1) == [0, 1]
    assert sizes(1, 1, 1, 150, 1) == [0, 1, 2]


def test_the_tables_log_does_not_grow_without_end(store, clock, monkeypatch):
    """Commits that a checkpoint holds are forgotten after an hour."""
    monkeypatch.setattr(history_table, "SMALL_FILES", 5)
    writer = HistoryWriter(store, clock, MeasureSettings(history_interval_s=0), no_guard)
    joiner = HistoryJoiner(store, clock, no_guard)
    folder = Path(location(store)) / "_delta_log"
    old = time.time() - 3 * HOUR / SECOND
    for number in range(20):
        append(store, [track(id=f"m{number}")])
        writer.tick()
        joiner.tick()
        clock.advance(EVERY)
        for path in folder.iterdir():
            os.utime(path, (old, old))
    assert len(list(folder.glob("*.json"))) < 10
    assert HistoryTable(location(store)).position == 20
    assert len(stored(store)) == 20


def test_newest(store, writer, monkeypatch):
    """By name, person, text and place, the newest first, however far back they lie."""
    monkeypatch.setattr(history, "_FIRST_WINDOW", 2)
    append(store, [track(id="old", user_id="rare", properties={"note": "Needle"}), *api_calls(200)])
    writer.tick()
    append(store, [track("signed_up", id="new", user_id=None, anonymous_id="anon"), track("api_call", id="last")])
    reader = HistoryReader(store)
    assert [row.event.id for row in reader.newest(limit=2)] == ["last", "new"]
    assert [row.event.id for row in reader.newest(limit=1, before_offset=202)] == ["new"]
    assert [row.event.id for row in reader.newest(limit=9, before_offset=1)] == ["old"]
    assert stored(store, name="signed_up") == ["new"]
    assert stored(store, user_id="rare") == ["old"]
    assert stored(store, user_id="anon") == ["new"]
    assert stored(store, search="needle") == ["old"]
    assert len(stored(store, name="api_call")) == 201
    assert stored(store, name="nothing") == []
    assert reader.newest(limit=5, before_offset=0) == []


def test_people_under_all_their_ids(store, writer):
    """A user's own events and those of former ids; a company's own and those of its people that name none."""
    append(
        store,
        [
            track(id="1", user_id="u"), track(id="2", user_id=None, anonymous_id="a"), track(id="3", user_id="v", anonymous_id="a"),
            track(id="4", user_id="u", company_id="other"), track(id="5", user_id="w", company_id="c"), track(id="6", user_id="w"),
        ],
    )  # fmt: skip
    reader = HistoryReader(store)
    for _ in range(2):
        ids = {"user_ids": ["u"], "anonymous_ids": ["a"]}
        assert [row.event.id for row in reader.of_ids(**ids, limit=9)] == ["4", "2", "1"]
        assert [row.event.id for row in reader.of_ids(**ids, limit=9, before_offset=3)] == ["2", "1"]
        assert reader.count_ids(**ids) == 3
        assert [row.event.id for row in reader.of_ids(**ids, company_id="c", limit=9)] == ["5", "2", "1"]
        assert reader.count_ids() == 0
        writer.tick()


def test_the_past_ends_where_it_is_told(store, writer):
    """What a new rule is filled from: each event before a position, from table and tail."""
    append(store, [track(id="a"), track(id="b")])
    writer.tick()
    append(store, [track(id="c"), track(id="d")])
    reader = HistoryReader(store)
    assert sorted(event.id for event in reader.past(1)) == ["a"]
    assert sorted(event.id for event in reader.past(3)) == ["a", "b", "c"]


def test_the_past_of_some_names(store, writer):
    """What cannot matter to new metrics is not even read: names as they are, and what expressions find in names."""
    append(store, [track("a.b", id="1"), track("axb", id="2"), track("c", id="3")])
    writer.tick()
    append(store, [track("c", id="4"), track("cc", id="5")])
    past = HistoryReader(store).past

    def ids(*filters):
        return sorted(event.id for event in past(9, *filters))

    assert ids(["c"]) == ["3", "4"]
    assert ids(["c", "cc"], [r"^a\.b$"]) == ["1", "3", "4", "5"]
    assert ids([], ["^a"]) == ["1", "2"]
    assert ids([]) == []
    assert len(ids()) == 5


def test_nothing_yet(store):
    """An empty store has an empty history."""
    assert HistoryReader(store).newest(limit=5) == []
    assert HistoryReader(store).count_ids(user_ids=["u"]) == 0


@pytest.mark.parametrize(("behind", "oldest"), [(7, 4), (2, 2)])
def test_the_log_is_trimmed_behind_everybody(store, clock, monkeypatch, behind, oldest):
    """What is in history and in stored state, beyond the dedupe index's need and old enough, goes; offsets stay."""
    monkeypatch.setattr(dedupe, "BLOCK", 4)
    writer = HistoryWriter(store, clock, MeasureSettings(history_interval_s=0, log_keep_s=3600), no_guard)
    for number in range(6):
        append(store, [track(id=f"m{number}")])
    writer.tick()
    clock.advance(DAY)
    append(store, [track(id="m6")])
    with store.state.write() as conn:
        signals.set_cursor(conn, signals.STORED, behind)
    writer.tick()
    with store.log.read() as conn:
        assert (log.oldest(conn), log.head(conn)) == (oldest, 7)
    assert stored(store) == [f"m{number}" for number in range(7)]
