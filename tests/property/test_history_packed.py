"""Packed events become the rows that a plain reading of them would make."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.event import LATE, Event
from antiphon.store.history_packed import packed_table
from antiphon.store.history_schema import to_events
from antiphon.store.log import RawSegment, pack
from antiphon.store.packed_events import BrokenSegment

texts = st.text(st.characters(codec="utf-8"), max_size=40)
optional = st.none() | texts
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.text("ab", min_size=250, max_size=300)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(texts, inner, max_size=20), max_leaves=30
)
keys = texts | st.sampled_from(["method", "route", "status", "latency_ms"])
instants = st.integers(-(2**40), 2**41)
events = st.builds(
    Event,
    id=texts,
    type=st.sampled_from(["track", "identify"]),
    name=st.sampled_from(["api_call", "signed_up"]) | texts,
    timestamp=instants,
    received_at=instants,
    source=texts,
    user_id=optional,
    anonymous_id=optional,
    company_id=optional,
    properties=st.dictionaries(keys, values, max_size=20),
    weight=st.sampled_from([1, 2, 0.5, 1 / 3]),
    flags=st.integers(0, 7),
    previous_id=optional,
    context=st.none() | st.dictionaries(texts, values, max_size=3),
)


def segments(batches):
    """The log's segments of these events, packed as ingest packs them."""
    offset = 5
    for batch in batches:
        body = b"\xdd" + len(batch).to_bytes(4, "big") + pack(batch).body
        yield RawSegment(offset, len(batch), "raw", body, 0)
        offset += len(batch)


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@given(
    st.lists(st.lists(events, min_size=1, max_size=20), max_size=3),
    st.integers(0, 70),
    st.integers(0, 70),
    st.sets(st.integers(0, 70)),
)
def test_rows_are_the_events(batches, start, end, repeated):
    """Every field comes back as it was, in JSON that any reader takes, and an API call's own columns say what it says."""
    table = packed_table(list(segments(batches)), start, end, repeated)
    numbered = enumerate([event for batch in batches for event in batch], 5)
    wanted = [(offset, event) for offset, event in numbered if start <= offset < end and offset not in repeated]
    assert list(to_events(table.to_batches())) == wanted
    for row, (_, event) in zip(table.to_pylist(), wanted, strict=True):
        assert repr(json.loads(row["properties"])) == repr(event.properties)
        assert row["late"] == bool(event.flags & LATE)
        call = event.properties if event.name == "api_call" else {}
        for key in ("method", "route"):
            assert row[key] == (call.get(key) if isinstance(call.get(key), str) else None)
        status, latency = call.get("status"), call.get("latency_ms")
        assert row["status"] == (status if type(status) is int and abs(status) < 2**31 else None)
        assert row["latency_ms"] == (float(latency) if number(latency) else None)


@given(st.lists(events, min_size=1, max_size=5), st.data())
def test_a_segment_cut_short_is_an_error(batch, data):
    """Wherever the bytes end too early, the reader says so and reads nothing beyond them."""
    (whole,) = segments([batch])
    cut = data.draw(st.integers(0, len(whole.payload) - 1))
    with pytest.raises(BrokenSegment, match=r"cannot be read|should have"):
        packed_table([RawSegment(5, whole.count, "raw", whole.payload[:cut], 0)], 0, 100, ())


@given(st.lists(events, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_broken_bytes_give_an_error_or_events_and_never_a_crash(batch, chance: random.Random):
    """Bytes changed at random: lengths that reach beyond the end, types that events never have, texts that are no UTF-8."""
    (whole,) = segments([batch])
    body = bytearray(whole.payload)
    for _ in range(chance.randint(1, 4)):
        body[chance.randrange(len(body))] = chance.choice(
            [0x00, 0x7F, 0xC1, 0xDB, 0xDD, 0xDF, 0xFF, chance.randrange(256)]
        )
    try:
        table = packed_table([RawSegment(5, whole.count, "raw", bytes(body), 0)], 0, 100, ())
    except ValueError:
        return
    assert table.num_rows == whole.count


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "ends in the middle"),
        (b"\xdd\x00\x00\x00", "ends in the middle"),
        (b"\x91", "ends in the middle"),
        (b"\x92" + b"\x96\xa1a\xa1b\xa1c\x01\x02\xa1s" * 2, "more in it"),
        (b"\x91\x96\xa1a\xa1b\xa1c\x01\x02\xa1s\x00", "stands where"),
        (b"\x90", "has 0 events and should have 1"),
        (b"\x91\x96\x05\xa1b\xa1c\x01\x02\xa1s", "stands where"),
        (b"\x91\x96\xa1a\xa1b\xa1c\xc0\x02\xa1s", "stands where"),
        (b"\x91\x90", "stands where"),
        (b"\xc1", "never have"),
        (b"\x91\x9a\xa1a\xa1b\xa1c\x01\x02\xa1s\xc0\xc0\xc0\x81\x05\x05", "stands where"),
        (b"\x91\x9a\xa1a\xa1b\xa1c\x01\x02\xa1s\xc0\xc0\xc0" + b"\x91" * 600 + b"\xc0", "too deep"),
    ],
)
def test_each_kind_of_broken_bytes_is_named(body, said):
    """Said to hold one event, each of these does not: the message tells in what way."""
    with pytest.raises(BrokenSegment, match=said):
        packed_table([RawSegment(0, 1, "raw", body, 0)], 0, 100, ())
