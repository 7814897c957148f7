"""Repeats are found for at least 7 days, exactly, and the answer depends on nothing but the log."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sqlalchemy import select

from antiphon.model.clock import DAY, WEEK
from antiphon.model.event import Event
from antiphon.model.event_batch import EventBatch
from antiphon.store import log
from antiphon.store.dedupe import DedupeIndex, Repeat, conflicting, needed_from
from antiphon.store.digest_runs import DigestRuns, Words, make_run
from antiphon.store.recent_digests import KNOWN, NEW, RecentDigests
from antiphon.store.tables import dedupe_runs
from factories import NOW, track

BLOCK = 64


def keyed(key: int, at: int = NOW, source: str = "1") -> Event:
    return track(id=f"m{key}", source=source, at=at)


def check(index: DedupeIndex, first_offset: int, events: list[Event]) -> list[Repeat]:
    return index.check(first_offset, EventBatch.of(events))


def random_log(seed: int, count: int = 5000) -> list[Event]:
    """Keys drawn so that many repeat, near and far, while weeks pass."""
    rng = random.Random(seed)
    at = NOW
    events: list[Event] = []
    for _ in range(count):
        at += rng.choice([0, 1000, DAY // 200])
        events.append(keyed(rng.randrange(count), at, source=rng.choice("12")))
    return events


def cut(rng: random.Random, events: list[Event]):
    """The log in reads of random sizes."""
    start = 0
    while start < len(events):
        end = min(len(events), start + rng.randrange(1, 3 * BLOCK))
        yield start, events[start:end]
        start = end


def repeats_of(index: DedupeIndex, events: list[Event], rng: random.Random) -> set[int]:
    return {start + repeat.index for start, part in cut(rng, events) for repeat in check(index, start, part)}


@pytest.mark.parametrize("seed", range(5))
def test_repeats_within_a_week_are_found_and_the_first_ones_kept(seed):
    """Against a plain dict: whatever came within 7 days is a repeat; after far longer it is new again."""
    events = random_log(seed)
    found = repeats_of(DedupeIndex(block=BLOCK), events, random.Random(seed))
    kept: dict[tuple[str, str], int] = {}
    for offset, event in enumerate(events):
        key = (event.source, event.id)
        if offset in found:
            assert key in kept, "a repeat has an earlier one"
            continue
        if key in kept:
            assert event.received_at - kept[key] >= WEEK, "forgotten too early"
        kept[key] = event.received_at
    assert found


@pytest.mark.parametrize("seed", range(5))
def test_the_answer_does_not_depend_on_how_the_log_was_read(seed):
    """Reads of other sizes, and restarts, find the same repeats."""
    events = random_log(seed)
    expected = repeats_of(DedupeIndex(block=BLOCK), events, random.Random(1))
    assert repeats_of(DedupeIndex(block=BLOCK), events, random.Random(2)) == expected


@pytest.mark.parametrize("seed", range(2))
def test_a_restart_changes_nothing(store, seed):
    """At every tick a new index is restored from the stored runs and the log, and finds the same repeats."""
    events = random_log(seed, 3000)
    expected = repeats_of(DedupeIndex(block=BLOCK), events, random.Random(1))
    with store.log.write() as conn:
        for part in range(0, len(events), 100):
            log.append_events(conn, events[part : part + 100], NOW)
    found: set[int] = set()
    for number, (start, part) in enumerate(cut(random.Random(seed), events)):
        index = DedupeIndex(block=BLOCK)
        with store.state.read() as state, store.log.read() as log_conn:
            index.restore(state, log_conn, start)
        found |= {start + repeat.index for repeat in check(index, start, part)}
        if number % 5 == 4:  # a tick whose transaction was rolled back
            index = DedupeIndex(block=BLOCK)
            with store.state.read() as state, store.log.read() as log_conn:
                index.restore(state, log_conn, start)
            check(index, start, part)
        with store.state.write() as state:
            index.save(state)
    assert found == expected


def test_runs_are_stored_with_the_tick_and_expire(store):
    """A full block is stored; when everything in it is older than a week, its row goes."""
    index = DedupeIndex(block=BLOCK)
    with store.state.write() as conn:
        check(index, 0, [keyed(i) for i in range(BLOCK + 3)])
        index.save(conn)
        assert needed_from(conn) == BLOCK
        digests = conn.execute(select(dedupe_runs.c.digests)).scalar_one()
        assert len(digests) == 16 * BLOCK
        check(index, BLOCK + 3, [keyed(1000 + i, NOW + WEEK + 1) for i in range(2 * BLOCK)])
        index.save(conn)
        assert list(conn.execute(select(dedupe_runs.c.first_offset)).scalars()) == [BLOCK, 2 * BLOCK]
    assert check(index, 3 * BLOCK + 3, [keyed(1, NOW + WEEK + 2)]) == []


def test_a_source_is_a_scope_of_its_own():
    """The same message id under two write keys is two events; no pair of names can be confused."""
    index = DedupeIndex()
    assert check(index, 0, [keyed(1, source="1"), keyed(1, source="2")]) == []
    assert check(index, 2, [track(id="a", source="bc"), track(id="ca", source="b")]) == []


def test_repeats_within_one_read_know_their_first():
    """Three times the same id: the first is kept, the others point at it."""
    index = DedupeIndex()
    assert check(index, 10, [keyed(1), keyed(2), keyed(1), keyed(1)]) == [Repeat(2, 10), Repeat(3, 10)]
    assert check(index, 14, [keyed(2)]) == [Repeat(0, 11)]


def test_conflicts_are_told_from_plain_repeats(store):
    """The same id with another body is a conflict; other times are not."""
    first = [track(id="a", properties={"n": 1}), track(id="b", properties={"n": 1}), track(id="c")]
    again = [
        track(id="a", properties={"n": 1}, at=NOW + 5),
        track(id="b", properties={"n": 2}),
        track(id="c", name="x"),
    ]
    index = DedupeIndex()
    with store.log.write() as conn:
        check(index, log.append_events(conn, first, NOW), first)
        start = log.append_events(conn, again, NOW)
        repeats = check(index, start, again)
        assert [repeat.index for repeat in repeats] == [0, 1, 2]
        assert conflicting(conn, start, again, repeats) == {1, 2}


def test_conflicts_within_one_read(store):
    """Nothing needs to be read when the first is in the same read."""
    events = [track(id="a", properties={"n": 1}), track(id="a", properties={"n": 2})]
    with store.log.read() as conn:
        assert conflicting(conn, 0, events, check(DedupeIndex(), 0, events)) == {1}


def test_a_trimmed_first_is_no_conflict(store):
    """What cannot be compared counts as a plain repeat."""
    index = DedupeIndex()
    with store.log.write() as conn:
        check(index, log.append_events(conn, [track(id="a")], NOW), [track(id="a")])
        log.trim(conn, 1)
        repeats = check(index, 1, [track(id="a", name="other")])
        assert repeats == [Repeat(0, 0)]
        assert conflicting(conn, 1, [track(id="a", name="other")], repeats) == set()


def words(digests: bytes) -> Words:
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def test_recent_digests_are_told_apart_like_a_dict_tells_them():
    """Across full tables, repeats within a call and before it, and digests that were known before the block."""
    dice = random.Random(5)
    table = RecentDigests(64)
    for _ in range(30):
        kept: dict[bytes, int] = {}
        start = dice.randrange(1000)
        while len(kept) < 60:
            part = [dice.randrange(90).to_bytes(16, dice.choice(("little", "big"))) for _ in range(dice.randint(0, 4))]
            known = [dice.random() < 0.1 for _ in part]
            expected: list[int] = []
            for offset, (digest, old) in enumerate(zip(part, known, strict=True), start):
                expected.append(KNOWN if old else kept.get(digest, NEW))
                if not old:
                    kept.setdefault(digest, offset)
            found = table.note(words(b"".join(part)), np.array(known, np.bool_) if any(known) else None, start)
            assert found.tolist() == expected
            start += len(part)
        assert len(table) == len(kept)
        assert [row.tobytes() for row in table.take()] == list(kept)
        assert len(table) == 0
    with pytest.raises(ValueError, match="room for 64"):
        table.note(words(bytes(16 * 65)), None, 0)


def test_digests_that_share_a_half_are_told_apart():
    """The search goes by the first 64 bits and is checked by the second."""
    high = (7).to_bytes(8, "little")
    first, second, third = (high + n.to_bytes(8, "little") for n in (1, 2, 3))
    other = (9).to_bytes(8, "little") + (1).to_bytes(8, "little")
    run = make_run(0, 3, NOW, words(second + first + other))
    found = run.contains(*words(first + second + third + other).T)
    assert found.tolist() == [True, True, False, True]


def test_a_block_of_repeats_only_makes_an_empty_run():
    """An empty run answers no."""
    index = DedupeIndex(block=4)
    assert check(index, 0, [keyed(i) for i in range(4)]) == []
    assert len(check(index, 4, [keyed(i) for i in range(4)])) == 4
    assert check(index, 8, [keyed(9)]) == []
    assert len(index) == 5


def test_the_filter_grows_with_the_runs():
    """Everything added is found again after the filter was refilled, and few others pass it."""
    rng = np.random.default_rng(1)
    runs = DigestRuns()
    blobs = [words(rng.bytes(16 * 50_000)) for _ in range(6)]
    for number, blob in enumerate(blobs):
        runs.add(make_run(number, number + 1, NOW, blob))
    runs.merge_last(3)
    assert len(runs) == 300_000
    assert all(runs.contains(blob).all() for blob in blobs)
    assert not runs.contains(words(rng.bytes(16 * 50_000))).any()
    assert runs.memory / len(runs) < 20
