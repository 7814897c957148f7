"""Batches that compiled code packs are those that Python would have packed: the same answer, the same events in the log."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.ingest.plain import PlainBatches
from antiphon.ingest.redact import DEFAULT_KEYS
from antiphon.ingest.settings import IngestSettings
from antiphon.ingest.steps import Bounds
from factories import NOW, ManualClock
from ingest_door import Door

TIMES = [
    "2026-09-21T14:13:00Z", "2026-09-21T14:12:59.5Z", "2026-09-21T14:13:20.123456Z", "2026-09-21T14:13:19.123456789Z",
    "2026-09-21T16:40:00.0005+02:30", "2026-11-27T12:30:00", "2024-02-29T23:59:59.9999995Z", "1999-01-01T00:00:00-00:30",
    "2026-02-29T00:00:00Z", "2026-11-27 10:00:00Z", "2026-11-27T24:00:00Z", "2026-11-27T10:00Z", "2026-11-27T10:00:00.Z", "1969-07-20T20:17:40Z",
    "9999-12-31T23:59:59Z", "", "soon", "2026-11-27T10:00:00.1234567891Z", None, 1795773600, 1795773600000, True,
]  # fmt: skip
NAMES = [
    "route", "path", "status", "weight", "company_id", "groupId", "latency_ms", "token", "API-Key", "x", "y", "", "größe", "traits",
    "library", 'a"b', "pass_word", "\u212aey",
]  # fmt: skip
texts = st.sampled_from(["", "a", "/v1/x", "/v1/items/42", "/v1?q=1", "200", "api_call", "ü", "\U0001f600", "\n", "\\", '"', "x" * 300, "y" * 600, "\0"]) | st.text(max_size=6)  # fmt: skip
numbers = (
    st.integers(-5, 300)
    | st.integers(-(2**66), 2**66)
    | st.floats(width=64)
    | st.sampled_from(
        [0.1, 12.345678901234567, 1e22, 1e23, 5e-324, 1.7976931348623157e308, 1e9, 1e9 + 1, -0.0, 2**53 + 1.0]
    )
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
moments = st.sampled_from(TIMES)
ids = st.sampled_from(["u1", "u2", "ü", "", None, 7, -7, 2**70, 1.5, True, "z" * 513])
usual = {
    "messageId": ids,
    "timestamp": moments,
    "originalTimestamp": moments,
    "userId": ids,
    "anonymousId": ids,
    "groupId": ids,
    "previousId": ids,
    "event": st.sampled_from(["api_call", "signed up", "", None, 5, "n" * 520]),
    "name": texts | st.none(),
    "category": texts | st.none(),
    "properties": objects | st.none() | values,
    "traits": objects | st.none() | values,
    "context": objects | st.none() | values,
    "weight": scalars,
    "writeKey": texts | st.none(),
    "sentAt": moments,
    "integrations": values,
}
plain_call = st.fixed_dictionaries(
    {
        "type": st.just("track"),
        "event": st.sampled_from(["api_call", "signed up", "größer"]),
        "userId": st.sampled_from(["u1", "ü", "7", 12]),
        "messageId": st.uuids().map(str),
    },
    optional={
        "timestamp": st.sampled_from(TIMES[:7]),
        "anonymousId": st.sampled_from(["d1", "", None]),
        "properties": st.fixed_dictionaries(
            {},
            optional={
                "route": st.sampled_from(["/v1/x", "/v1/items/{id}"]),
                "path": st.just("/v1/items/42"),
                "status": st.sampled_from([200, 400, 404]),
                "latency_ms": st.floats(0, 1e6) | st.integers(0, 10**18),
                "company_id": st.sampled_from(["c1", "", None, 9]),
                "access_token": texts.filter(lambda text: "\0" not in text) | st.none(),
                "weight": st.sampled_from([1, 2.5, 100, None]),
                "more": st.lists(st.sampled_from(["ü", "a", 1, None, True, 0.5]), max_size=3),
            },
        ).filter(lambda properties: "path" not in properties or "route" in properties),
        "context": st.fixed_dictionaries(
            {"library": st.just({"name": "analytics", "version": "1.0"})},
            optional={"groupId": st.sampled_from(["c2", None])},
        ),
        "integrations": st.just({"All": True}),
    },
)
plain_person = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["identify", "group"]),
        "userId": st.just("u1"),
        "groupId": st.just("c3"),
        "messageId": st.uuids().map(str),
        "traits": st.fixed_dictionaries(
            {"plan": st.just("pro")}, optional={"seats": st.integers(0, 9), "password": st.just("p")}
        ),
    }
)


@st.composite
def strange_calls(draw):
    """A plain call of which a few members are replaced by anything."""
    call = dict(draw(plain_call | plain_person))
    for name in draw(st.lists(st.sampled_from(list(usual)), max_size=3)):
        call[name] = draw(usual[name])
    if draw(st.integers(0, 9)) == 0:
        call["type"] = draw(
            st.sampled_from(["alias", "page", "screen", "identify", "group", "track", "nothing", "", None, 5])
        )
    return call


def written(draw, batch):
    """A batch as JSON, in one of the ways in which clients write it."""
    spaces = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r ")]))
    return json.dumps(batch, ensure_ascii=draw(st.booleans()), separators=spaces).encode("utf-8", "surrogatepass")


@st.composite
def bodies(draw, calls):
    """A whole request."""
    batch = {"batch": draw(st.lists(calls, min_size=1, max_size=4))}
    if draw(st.booleans()):
        batch["sentAt"] = draw(st.sampled_from(TIMES[:7]))
    if draw(st.booleans()):
        batch = {"writeKey": "w", **batch}
    return written(draw, batch)


def taken(body, *, python_only):
    """The answer, the events, and whether compiled code packs them."""
    door = Door(ManualClock(NOW), IngestSettings())
    if python_only:
        never = PlainBatches(1, Bounds(0, 0), ["status"])  # which the steps need: so nothing is plain
        door.app._current_plain = lambda: never
    answer = asyncio.run(door.post("/v1/batch", body))
    return answer.status, answer.body, door.events, door.app._current_plain().pack(body, NOW, "7") is not None


def assert_agree(body):
    """Both ways say and store the same; whether compiled code had a part in it."""
    *ours, packed = taken(body, python_only=False)
    *theirs, packed_too = taken(body, python_only=True)
    assert not packed_too
    assert ours == theirs
    assert [repr(event) for event in ours[2]] == [repr(event) for event in theirs[2]], (
        "1 and 1.0, -0.0 and 0.0 are told apart"
    )
    return packed


@given(bodies(plain_call | plain_person))
def test_plain_batches_are_packed_alike(body):
    """What clients send every day is packed by compiled code, and is what Python would have made of it."""
    assert assert_agree(body)


@given(bodies(strange_calls()))
def test_strange_batches_are_packed_alike(body):
    """Whatever compiled code dares to pack is right."""
    assert_agree(body)


@given(bodies(plain_call | plain_person), st.integers(0, 2**32), st.integers(1, 3))
def test_broken_batches_are_packed_alike(body, seed, times):
    """Bytes lost, doubled or changed: both refuse, or both take the same."""
    dice = random.Random(seed)
    broken = bytearray(body)
    for _ in range(times):
        at = dice.randrange(len(broken))
        piece = dice.choice([b"", b"\\", b'"', b"{", b"}", b"\xff", b"\xc3\xbc", b"0", b"-", b"e5", b",", b"null", b"\\u0000", b"\\ud83d", b"\n", b"[[[[[[[[[[[[[[[[[["])  # fmt: skip
        broken[at : at + dice.randrange(3)] = piece
    assert_agree(bytes(broken))


@pytest.mark.parametrize("keys", [[], ["status"], ["ß"], ["some-thing"], DEFAULT_KEYS])
def test_names_that_are_redacted(keys):
    """Each workspace has its own; those that the steps need, and those beyond ASCII, are Python's business."""
    door = Door(ManualClock(NOW), IngestSettings())
    door.redact_keys = keys
    properties = {"status": 200, "Some_Thing": "a", "token": "b", "nested": [{"SOMETHING": 1, "ß": 2, "apikey": None}]}
    call = {"type": "track", "event": "api_call", "userId": "u", "messageId": "m", "properties": properties}
    asyncio.run(door.post("/v1/batch", {"batch": [call]}))
    compiled = door.events
    door.events = []
    never = PlainBatches(1, Bounds(0, 0), ["status"])
    door.app._current_plain = lambda: never
    asyncio.run(door.post("/v1/batch", {"batch": [call]}))
    assert compiled == door.events
