"""The log keeps every event, once, in order, and says so only when it is on disk."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from antiphon.errors import Unavailable
from antiphon.model.event import Event
from antiphon.store import log
from antiphon.store.engine import Store
from antiphon.store.log_writer import LogWriter
from antiphon.store.wake import open_wake


@pytest.fixture
def wake(store):
    """The wake that belongs to the store."""
    made = open_wake(store)
    yield made
    made.close()


@pytest.fixture
def writer(store, wake):
    """A running writer."""
    made = LogWriter(store.log, lambda: 1_700_000_000_000, wake)
    yield made
    made.close()


def events(count: int, prefix: str = "m") -> list[Event]:
    return [
        Event(f"{prefix}{i}", "track", "api_call", 1_000 + i, 2_000 + i, "1", user_id="u", properties={"n": i, "a": [1.5, None]})
        for i in range(count)
    ]  # fmt: skip


def packed(count: int, prefix: str = "m") -> list[log.Packed]:
    return log.packed_batches(events(count, prefix))


def read_all(store: Store, offset: int = 0) -> list[Event]:
    with store.log.read() as conn:
        return [event for segment in log.read(conn, offset, 10**9) for event in segment.events]


def test_an_event_survives_the_way_through_the_log(store):
    """Every field comes back as it went in."""
    event = Event(
        "m", "alias", "alias", 1, 2, "k", "u", "a", "c", {"x": {"y": [1, "z", None, 2.5]}}, 0.5, 3, "p", {"ip": "1.2.3.4"}
    )  # fmt: skip
    with store.log.write() as conn:
        log.append_events(conn, [event], 5)
    assert read_all(store) == [event]


async def test_append_returns_after_the_commit(store, writer):
    """Another connection sees the events as soon as append has returned."""
    await writer.append(packed(3))
    assert read_all(store) == events(3)
    assert writer.pending_bytes == 0


async def test_concurrent_appends_keep_each_batch_together_and_in_order(store, writer):
    """Offsets are dense, nothing is lost, and a batch's events stay in their order."""
    await asyncio.gather(*(writer.append(packed(7, f"b{i}-")) for i in range(200)))
    with store.log.read() as conn:
        segments = log.read(conn, 0, 10**9)
        assert log.head(conn) == 1400
    cursor = 0
    for segment in segments:
        assert segment.first_offset == cursor
        cursor = segment.end_offset
    stored = [event.id for segment in segments for event in segment.events]
    for i in range(200):
        start = stored.index(f"b{i}-0")
        assert stored[start : start + 7] == [f"b{i}-{n}" for n in range(7)]
    assert len(segments) < 200, "what queues up is committed together"


def test_threads_append_too(store, writer):
    """The worker's threads use the same writer."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: writer.append_sync(packed(2, f"t{i}-")), range(50)))
    assert len({event.id for event in read_all(store)}) == 100


def test_two_writers_share_a_log(store, wake):
    """Web and worker processes append to one log; offsets never overlap."""
    writers = [LogWriter(store.log, lambda: 0, wake) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: writers[i % 2].append_sync(packed(3, f"w{i}-")), range(60)))
    for each in writers:
        each.close()
    assert len({event.id for event in read_all(store)}) == 180


def test_a_batch_beyond_a_segment_is_split(store, writer):
    """No segment holds more than SEGMENT_EVENTS events."""
    writer.append_sync(packed(log.SEGMENT_EVENTS * 2 + 5))
    with store.log.read() as conn:
        segments = log.read(conn, 0, 10**9)
    assert [len(segment.events) for segment in segments] == [log.SEGMENT_EVENTS, log.SEGMENT_EVENTS, 5]
    assert read_all(store) == events(log.SEGMENT_EVENTS * 2 + 5)


def test_reading_from_the_middle_of_a_segment(store):
    """The first segment is cut at the cursor; its first offset says so."""
    with store.log.write() as conn:
        log.append_events(conn, events(10), 0)
        log.append_events(conn, events(10, "n"), 0)
    with store.log.read() as conn:
        first, second = log.read(conn, 4, 100)
        assert (first.first_offset, first.events) == (4, events(10)[4:])
        assert (second.first_offset, second.end_offset) == (10, 20)
        assert [len(s.events) for s in log.read(conn, 4, 6)] == [6]
        assert [len(s.events) for s in log.read(conn, 4, 7)] == [6, 10]
        assert log.read(conn, 20, 100) == []
        assert log.read(conn, 99, 100) == []


def test_trimming_leaves_whole_segments_and_the_head(store):
    """A segment goes when all of it lies before the mark; reading then starts later."""
    with store.log.write() as conn:
        log.append_events(conn, events(10), 0)
        log.append_events(conn, events(10, "n"), 0)
        assert log.trim(conn, 9) == 0
        assert log.trim(conn, 15) == 1
    with store.log.read() as conn:
        assert (log.oldest(conn), log.head(conn)) == (10, 20)
        assert [s.first_offset for s in log.read(conn, 0, 100)] == [10]
    with store.log.write() as conn:
        log.trim(conn, 20)
        assert log.append_events(conn, events(1), 0) == 20, "offsets go on after everything was trimmed"


def test_an_empty_log(store):
    """Nothing to read, and the head is 0."""
    with store.log.read() as conn:
        assert (log.head(conn), log.oldest(conn), log.read(conn, 0, 10)) == (0, 0, [])


def test_a_partition_is_a_log_of_its_own(store):
    """Each partition counts its own offsets."""
    with store.log.write() as conn:
        assert log.append_events(conn, events(3), 0, partition=1) == 0
        assert log.append_events(conn, events(3), 0, partition=2) == 0
        assert log.head(conn, 1) == 3
        assert log.read(conn, 0, 9, partition=0) == []


async def test_storage_trouble_is_unavailable_and_stores_nothing(store, writer):
    """Without its table, an append fails as a whole; it works again once the trouble is over."""
    with store.log.write() as conn:
        conn.exec_driver_sql("ALTER TABLE log_segments RENAME TO away")
    with pytest.raises(Unavailable):
        await writer.append(packed(3))
    assert writer.pending_bytes == 0
    with store.log.write() as conn:
        conn.exec_driver_sql("ALTER TABLE away RENAME TO log_segments")
    with store.log.read() as conn:
        assert log.head(conn) == 0, "the head was rolled back too"
    await writer.append(packed(2))
    assert read_all(store) == events(2)


async def test_a_full_disk_is_unavailable(sqlite_store):
    """SQLite's own limit on pages stands in for the disk."""
    store, wake = sqlite_store, open_wake(sqlite_store)
    writer = LogWriter(store.log, lambda: 0, wake)
    await writer.append(packed(1))
    with store.log.engine.connect() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    noise = [Event(f"{i}", "track", "x", 1, 1, "1", properties={"t": str(hash((i, "x"))) * 20}) for i in range(2000)]
    with pytest.raises(Unavailable):
        await writer.append(log.packed_batches(noise))
    assert len(read_all(store)) == 1
    writer.close()
    wake.close()


def test_close_commits_what_was_handed_in(store, wake):
    """A shutdown loses nothing that is still in the queue, and takes nothing new."""
    writer = LogWriter(store.log, lambda: 0, wake)
    writer.append_sync(packed(1))
    with store.log.write() as blocker:
        log.append_events(blocker, events(1, "blocker"), 0)
        threads = [threading.Thread(target=writer.append_sync, args=(packed(1, f"c{i}-"),)) for i in range(5)]
        for thread in threads:
            thread.start()
        while writer.pending_bytes < 5 * len(log.pack(events(1, "c0-")).body):
            time.sleep(0.001)
    writer.close()
    for thread in threads:
        thread.join()
    assert len(read_all(store)) == 7
    with pytest.raises(Unavailable):
        writer.append_sync(packed(1))


async def test_a_client_that_went_away_disturbs_nobody(store, writer):
    """A cancelled append may be stored or not; the others are."""
    tasks = [asyncio.create_task(writer.append(packed(1, f"x{i}-"))) for i in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(read_all(store)) >= 19
