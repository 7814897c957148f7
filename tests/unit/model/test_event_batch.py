"""Columns, digests and meanings of lists of events, as compiled code reads them."""

from __future__ import annotations

import math
import random
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest

from antiphon.model.event import LATE, Event
from antiphon.model.event_columns import NOBODY, NOT_HERE, UNKNOWN, columns, digests
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.text import parse


def event(**fields: Any) -> Event:
    """An event; what is not said does not matter."""
    base: dict[str, Any] = {"id": "m", "type": "track", "name": "a", "timestamp": 5, "received_at": 6, "source": "s"}
    return Event(**(base | fields))


@pytest.mark.parametrize("size", [1, 16, 64])
def test_digests_are_blake2b(size: int):
    """Ids of every length around the block of 128 bytes, in any alphabet, have hashlib's digests."""
    ids = ["", "é", "\0", *("x" * length for length in (*range(118, 134), 253, 254, 255, 256, 257, 1_000))]
    events = [event(id=one, source=source) for one in ids for source in ("", "key", "ключ")]
    expected = [blake2b(f"{e.source}\0{e.id}".encode(), digest_size=size).digest() for e in events]
    assert digests(events, size) == b"".join(expected)


def test_digests_refuse_what_cannot_be():
    """A size that BLAKE2b does not have, and a text that is no UTF-8, are errors."""
    with pytest.raises(ValueError, match="1 to 64"):
        digests([event()], 65)
    with pytest.raises(UnicodeEncodeError):
        digests([event(id="\ud800")], 16)


def test_columns():
    """The user before the anonymous id; who has no slot is UNKNOWN, who is not named NOBODY."""
    events = [
        event(user_id="u", anonymous_id="d", company_id="c", weight=2),
        event(anonymous_id="d", weight=0.5, flags=LATE),
        event(user_id="new", type="identify", timestamp=-7),
        event(company_id="new", received_at=2**60),
        event(),
    ]
    found = columns(events, {"u": 3}, {"d": 4}, {"c": 5})
    assert found.slot.tolist() == [3, 4, UNKNOWN, NOBODY, NOBODY]
    assert found.company.tolist() == [5, NOBODY, NOBODY, UNKNOWN, NOBODY]
    assert found.at.tolist() == [5, 5, -7, 5, 5]
    assert found.received.tolist() == [6, 6, 6, 2**60, 6]
    assert found.weight.tolist() == [2, 0.5, 1, 1, 1]
    assert found.flags.tolist() == [0, LATE, 0, 0, 0]
    assert found.call.tolist() == [False, False, True, False, False]
    assert found.unknown == 2


def test_columns_raise_what_python_raises():
    """What is no event, or a time that 64 bits do not hold, is an error and no crash."""
    with pytest.raises(AttributeError):
        columns([object()], {}, {}, {})  # type: ignore[list-item]
    with pytest.raises(OverflowError):
        columns([event(timestamp=2**70)], {}, {}, {})


VALUES = [
    None, True, False, 0, 1, -1, 399, 400, 400.0, 400.5, 401, 1e300, -1e300, 10**15, 10**16, 10**400, math.nan, math.inf,
    "", "400", "GET", "get", "GETS", "/v1/things/7", "ü", [1], {"a": 1},
]  # fmt: skip
TESTS = [
    "= 400", "!= 400", ">= 400", "< 400.5", "in (1, 399)", '= "GET"', '!= "GET"', 'in ("GET", "ü")', "exists", "missing",
    "= true", 'contains "ET"', 'starts with "/v1"', "matches /v1/*", 'matches regex "^G"', "> 1000000000000001",
]  # fmt: skip


def test_meanings_do_not_depend_on_the_way():
    """Whichever predicates tell values apart, and in whatever order these come, a batch is told apart as one by one."""
    dice = random.Random(7)
    for _ in range(60):
        texts = [
            f"count of {dice.choice(('a', 'a*', 'b'))} where "
            f"{dice.choice('pq')} {dice.choice(TESTS)} and {dice.choice('pq')} {dice.choice(TESTS)} ever >= 1"
            for _ in range(dice.randint(1, 6))
        ]
        specs = [
            RuleSpec(id=i, version=1, subject_kind="user", tree=parse(text), name=str(i))
            for i, text in enumerate(texts)
        ]
        batches = compile_program(specs, [], time_zone="UTC")
        events = [
            event(
                name=dice.choice(("a", "b", "ab")),
                properties={p: dice.choice(VALUES) for p in dice.choice(("", "p", "pq"))},
            )
            for _ in range(80)
        ]
        for part in (events[:40], events, events):
            numbers = batches.touch_all(part)
            for one, number in zip(part, numbers, strict=True):
                alone = compile_program(specs, [], time_zone="UTC").touch(one)
                assert batches.met[number].user.rules == alone.user.rules, (texts, one.properties)


def test_what_is_met_again_is_not_looked_at_in_python(monkeypatch: pytest.MonkeyPatch):
    """The compiled part tells the meaning of what it has met before."""
    spec = RuleSpec(
        id=1, version=1, subject_kind="user", tree=parse('count of a where p >= 5 and q = "x" ever >= 1'), name="r"
    )
    program = compile_program([spec], [], time_zone="UTC")
    events = [event(properties={"p": value, "q": text}) for value in (4, 5, 5.5) for text in ("x", "y")]
    first = program.touch_all(events)
    assert (first != NOT_HERE).all()
    monkeypatch.setattr(program._toucher, "_number", None)
    assert np.array_equal(program.touch_all([*events, event(properties={"p": 77, "q": "z"})])[:-1], first)
