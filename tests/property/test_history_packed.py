"""Packed events become the rows that a plain reading of them would make."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.event import LATE, Event
from antiphon.store.history_packed import packed_table
from antiphon.store.history_schema import to_events
from antiphon.store.log import RawSegment, pack

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
