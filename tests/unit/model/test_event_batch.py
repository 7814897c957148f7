"""Columns, slots, digests and meanings of packed events, as compiled code reads them."""

from __future__ import annotations

import contextlib
import math
import random
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import pytest

from antiphon.model.event import LATE, Event
from antiphon.model.event_batch import NOBODY, NOT_HERE, UNKNOWN, BrokenEvents, EventBatch
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.text import parse


def event(**fields: Any) -> Event:
    """An event; what is not said does not matter."""
    base: dict[str, Any] = {"id": "m", "type": "track", "name": "a", "timestamp": 5, "received_at": 6, "source": "s"}
    return Event(**(base | fields))


def rule(text: str, number: int = 1) -> RuleSpec:
    """A rule for users."""
    return RuleSpec(id=number, version=1, subject_kind="user", tree=parse(text), name=str(number))


@pytest.mark.parametrize("size", [1, 16, 64])
def test_digests_are_blake2b(size: int):
    """Ids of every length around the block of 128 bytes, in any alphabet, have hashlib's digests."""
    ids = ["", "é", "\0", *("x" * length for length in (*range(118, 134), 253, 254, 255, 256, 257, 1_000))]
    events = [event(id=one, source=source) for one in ids for source in ("", "key", "ключ")]
    expected = [blake2b(f"{e.source}\0{e.id}".encode(), digest_size=size).digest() for e in events]
    assert [row.tobytes() for row in EventBatch.of(events).digests(size)] == expected


def test_digests_refuse_what_cannot_be():
    """A size that BLAKE2b does not have, and a text that is no UTF-8, are errors."""
    with pytest.raises(ValueError, match="1 to 64"):
        EventBatch.of([event()]).digests(65)
    with pytest.raises(UnicodeEncodeError):
        EventBatch.of([event(id="\ud800")])


EVENTS = [
    event(
        user_id="u", anonymous_id="d", company_id="c", weight=2, properties={"a": [1, {"b": None}]}, context={"ip": "x"}
    ),
    event(anonymous_id="d", weight=0.5, flags=LATE, previous_id="before"),
    event(user_id="new", type="identify", timestamp=-7, properties={}),
    event(company_id="new", received_at=2**60),
    event(weight=2**63),
    event(user_id="", id=""),
]


def test_columns():
    """The user before the anonymous id; who has no slot is UNKNOWN, who is not named NOBODY."""
    batch = EventBatch.of(EVENTS)
    found = batch.slots({"u": 3}, {"d": 4}, {"c": 5})
    assert found.slot.tolist() == [3, 4, UNKNOWN, NOBODY, NOBODY, UNKNOWN]
    assert found.company.tolist() == [5, NOBODY, NOBODY, UNKNOWN, NOBODY, NOBODY]
    assert found.unknown == 3
    assert batch.at.tolist() == [5, 5, -7, 5, 5, 5]
    assert batch.received.tolist() == [6, 6, 6, 2**60, 6, 6]
    assert batch.weight.tolist() == [2, 0.5, 1, 1, 2.0**63, 1]
    assert batch.flags.tolist() == [0, LATE, 0, 0, 0, 0]
    assert batch.call.tolist() == [False, False, True, False, False, False]


def test_a_batch_is_a_sequence_of_its_events():
    """Each is decoded when asked for; some of a batch are a batch."""
    batch = EventBatch.of(EVENTS)
    assert list(batch) == EVENTS
    assert batch[1:3] == EVENTS[1:3]
    assert batch[-1] == EVENTS[-1]
    some = batch.take(np.array([4, 1]))
    assert list(some) == [EVENTS[4], EVENTS[1]]
    assert some.at.tolist() == [5, 5]
    assert some.slots({}, {"d": 1}, {}).slot.tolist() == [NOBODY, 1]
    assert np.array_equal(some.digests(16), batch.digests(16)[[4, 1]])
    assert list(batch.take(batch.call)) == [EVENTS[2]]
    assert (len(EventBatch.of([])), len(EventBatch.read(b"", 0))) == (0, 0)


def test_what_is_no_event_is_an_error():
    """Other lists, bytes that end too soon, another number of events: an error that says so, and no crash."""
    packed = msgspec.msgpack.encode(EVENTS)
    assert list(EventBatch.read(packed + packed, 12)) == [*EVENTS, *EVENTS]
    for wrong in ([], [[1, 2]], {"a": 1}, ["text"], [[1] * 12], [["m", "track", "a", 1, 2, "s", None, None, None, 5]]):
        with pytest.raises(BrokenEvents):
            EventBatch.read(msgspec.msgpack.encode(wrong), 1)
    for end in range(len(packed)):
        with pytest.raises(BrokenEvents):
            EventBatch.read(packed[:end], len(EVENTS))
    with pytest.raises(BrokenEvents, match="There are 6 packed events, and there should be 7"):
        EventBatch.read(packed, 7)
    with pytest.raises(BrokenEvents):
        EventBatch.read(packed, 5)
    with pytest.raises(OverflowError):
        EventBatch.of([event(timestamp=2**70)])


def test_changed_bytes_never_crash():
    """Whatever a byte is changed to, the batch is refused, or can be asked for everything; at most Python objects to a text."""
    packed = msgspec.msgpack.encode(EVENTS)
    dice = random.Random(3)
    program = compile_program([rule('count of a where a = "x" and b > 1 ever >= 1')], [], time_zone="UTC")
    for _ in range(3_000):
        changed = bytearray(packed)
        for _ in range(dice.randint(1, 3)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        with contextlib.suppress(BrokenEvents, UnicodeDecodeError, msgspec.ValidationError, msgspec.DecodeError):
            batch = EventBatch.read(bytes(changed), len(EVENTS))
            batch.digests(16)
            batch.slots({}, {}, {})
            program.touch_all(batch)


VALUES = [
    None, True, False, 0, 1, -1, 399, 400, 400.0, 400.5, 401, 1e300, -1e300, 10**15, 10**16, 2**63, -(2**63), 2**64 - 1, math.nan, math.inf,
    "", "400", "GET", "get", "GETS", "/v1/things/7", "ü", [1], {"a": 1},
]  # fmt: skip
TESTS = [
    "= 400", "!= 400", ">= 400", "< 400.5", "in (1, 399)", '= "GET"', '!= "GET"', 'in ("GET", "ü")', "exists", "missing",
    "= true", 'contains "ET"', 'starts with "/v1"', "matches /v1/*", 'matches regex "^G"', "> 1000000000000001",
]  # fmt: skip


def test_meanings_do_not_depend_on_the_way():
    """Whichever predicates tell values apart, and in whatever order these come, a batch is told apart as one by one."""
    dice = random.Random(7)
    for _ in range(25):
        texts = [
            f"count of {dice.choice(('a', 'a*', 'b'))} where "
            f"{dice.choice('pq')} {dice.choice(TESTS)} and {dice.choice('pq')} {dice.choice(TESTS)} ever >= 1"
            for _ in range(dice.randint(1, 6))
        ]
        specs = [rule(text, i) for i, text in enumerate(texts)]
        batches = compile_program(specs, [], time_zone="UTC")
        events = [
            event(
                name=dice.choice(("a", "b", "ab")),
                properties={p: dice.choice(VALUES) for p in dice.choice(("", "p", "pq"))},
            )
            for _ in range(80)
        ]
        for part in (events[:40], events, events):
            numbers = batches.touch_all(EventBatch.of(part))
            for one, number in zip(part, numbers, strict=True):
                alone = compile_program(specs, [], time_zone="UTC").touch(one)
                assert batches.met[number].user.rules == alone.user.rules, (texts, one.properties)


def test_what_is_met_again_is_not_looked_at_in_python(monkeypatch: pytest.MonkeyPatch):
    """The compiled part tells the meaning of what it has met before."""
    program = compile_program([rule('count of a where p >= 5 and q = "x" ever >= 1')], [], time_zone="UTC")
    events = [event(properties={"p": value, "q": text}) for value in (4, 5, 5.5) for text in ("x", "y")]
    first = program.touch_all(EventBatch.of(events))
    assert (first != NOT_HERE).all()
    monkeypatch.setattr(program._toucher, "_number", None)
    assert np.array_equal(
        program.touch_all(EventBatch.of([*events, event(properties={"p": 77, "q": "z"})]))[:-1], first
    )
