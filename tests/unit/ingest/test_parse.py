"""Bad items are found one by one, whatever is wrong with them, and good ones are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from antiphon.errors import InvalidInput, TooLarge
from antiphon.ingest.drops import Drop
from antiphon.ingest.json_limits import MAX_DEPTH, MAX_KEYS
from antiphon.ingest.parse import MAX_OBJECTS, Parser
from antiphon.ingest.sources.segment import Item

GOOD = '{"type":"track","event":"e","userId":"u","messageId":"good"}'


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def item(**fields: str) -> str:
    """A track call; the fields' values are JSON as it stands."""
    body = {"type": '"track"', "event": '"e"', "userId": '"u"', "messageId": '"bad"', **fields}
    return "{" + ",".join(f'"{key}":{value}' for key, value in body.items()) + "}"


def batch(*items: str, **fields: str) -> bytes:
    rest = "".join(f',"{key}":{value}' for key, value in fields.items())
    return ('{"batch":[' + ",".join(items) + "]" + rest + "}").encode("utf-8", "surrogatepass")


def parsed(body: bytes, limit: int = 32 << 10):
    return Parser(limit).batch(body)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (item(properties='{"a":NaN}'), "bad_number"),
        (item(properties='{"a":-Infinity}'), "bad_number"),
        (item(properties='{"a":1e999}'), "bad_number"),
        (item(properties='{"a":9223372036854775808}'), "bad_number"),
        (item(properties='{"a":-9223372036854775809}'), "bad_number"),
        (item(properties='{"a":[{"b":' + "9" * 5000 + "}]}"), "bad_number"),
        (item(properties='{"a":"x\\u0000y"}'), "bad_text"),
        (item(properties='{"a\\u0000":1}'), "bad_text"),
        (item(userId='"\\u0000"'), "bad_text"),
        (item(properties='{"a":"\\ud800"}'), "bad_text"),
        (item(properties='{"\\udc00":1}'), "bad_text"),
        (item(properties=nested(MAX_DEPTH)), "too_deep"),
        (item(properties=nested(200)), "too_deep"),
        (item(properties="{" + ",".join(f'"k{i}":1' for i in range(MAX_KEYS + 1)) + "}"), "too_many_keys"),
        (item(properties='{"a":"' + "x" * 33_000 + '"}'), "too_large"),
        (item(properties="[1]"), "bad_field"),
        (item(properties='"x"'), "bad_field"),
        (item(event="5"), "bad_field"),
        (item(userId='{"id":1}'), "bad_field"),
        (item(userId="true"), "bad_field"),
        (item(weight='"2"'), "bad_field"),
        (item(timestamp='"yesterday"'), "bad_timestamp"),
        (item(timestamp="1e300"), "bad_timestamp"),
        (item(timestamp="{}"), "bad_timestamp"),
        ("5", "not_an_object"),
        ("null", "not_an_object"),
        ("[[]]", "not_an_object"),
    ],
)
def test_a_bad_item_is_dropped_alone(bad, reason):
    """Its neighbours are taken, and the reason is told."""
    found = parsed(batch(GOOD, bad, GOOD), limit=32 << 10)
    first, middle, last = found.items
    assert isinstance(first, Item)
    assert isinstance(last, Item)
    assert isinstance(middle, Drop)
    assert middle.reason == reason
    assert middle.message
    msgspec.json.encode(middle)
    if reason not in {"not_an_object", "too_large"}:
        assert found.message_ids[1] == "bad"


@pytest.mark.parametrize(
    "fine",
    [
        item(properties=nested(MAX_DEPTH - 1)),
        item(properties="{" + ",".join(f'"k{i}":1' for i in range(MAX_KEYS)) + "}"),
        item(properties='{"a":9223372036854775807,"b":-9223372036854775808,"c":1.5e300,"d":null,"e":[[[[[1]]]]]}'),
        item(properties='{"a":"\\\\u0000 is an escape","b":"\\ud83d\\ude00"}'),
        item(properties='{"a":"' + "x" * 30_000 + '"}'),
        item(userId="42", messageId="7"),
        item(extra='{"whatever":[1,2]}', integrations="{}"),
        item(timestamp="1700000000"),
        item(timestamp='""'),
    ],
)
def test_what_is_within_the_limits_is_taken(fine):
    """The limits are inclusive, and the careful way takes whatever the fast one does."""
    found = parsed(batch(GOOD, fine))
    assert all(isinstance(each, Item) for each in found.items), found.items
    again = parsed(batch(GOOD, fine, item(properties='{"a":NaN}')))
    first = {name: getattr(found.items[1], name) for name in Item.__struct_fields__}
    second = {name: getattr(again.items[1], name) for name in Item.__struct_fields__}
    assert first == second


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"2026-11-23T02:41:01.552Z"', datetime(2026, 11, 23, 2, 41, 1, 552000, UTC)),
        ('"2026-11-23T02:41:01.552+00:00"', datetime(2026, 11, 23, 2, 41, 1, 552000, UTC)),
        ('"2026-11-23T02:41:01"', datetime(2026, 11, 23, 2, 41, 1)),  # noqa: DTZ001 - naive is the point
        ('"2026-11-23 02:41:01"', datetime(2026, 11, 23, 2, 41, 1)),  # noqa: DTZ001
        ('"2026-11-23"', datetime(2026, 11, 23)),  # noqa: DTZ001
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("1700000000123", datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)),
        ("null", None),
        ('""', None),
    ],
)
def test_times(text, expected):
    """ISO 8601 in its many forms, seconds and milliseconds since the epoch."""
    (found,) = parsed(batch(item(timestamp=text))).items
    assert isinstance(found, Item)
    assert found.timestamp == expected


def test_the_envelope():
    """When it was sent, the key, and a context for those without one."""
    own = item(context='{"groupId":"own"}')
    found = parsed(batch(GOOD, own, sentAt='"2026-11-23T02:41:01Z"', writeKey='"k"', context='{"groupId":"all"}'))
    assert (found.sent_at, found.write_key) == (datetime(2026, 11, 23, 2, 41, 1, tzinfo=UTC), "k")
    assert [each.context for each in found.items if isinstance(each, Item)] == [{"groupId": "all"}, {"groupId": "own"}]
    careful = parsed(batch(GOOD, "5", sentAt='"2026-11-23 02:41:01Z"', writeKey='"k"', context='{"groupId":"all"}'))
    assert (careful.sent_at, careful.write_key) == (found.sent_at, "k")
    assert careful.items[0].context == {"groupId": "all"}


def test_a_bad_envelope_field_does_not_cost_the_events():
    """A sentAt or a key of the wrong type counts as missing."""
    found = parsed(batch(GOOD, sentAt='"soon"', writeKey="5", context="[]"))
    assert isinstance(found.items[0], Item)
    assert (found.sent_at, found.write_key) == (None, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b"[]", b"5", b"{}", b'{"batch":5}', b'{"batch":null}', b'{"batch":[NaN', b"\xff\xfe", b"\x00",
     b'{"batch":["\xff', b"[" * 1_000_000, b'{"batch":' + b"[" * 1_000_000, batch(GOOD, item(properties=nested(100_000)))],
)  # fmt: skip
def test_what_is_no_batch_is_refused(body):
    """A message says so; nothing else happens."""
    with pytest.raises((InvalidInput, TooLarge)):
        parsed(body)


def test_an_item_that_is_not_utf_8():
    """Its neighbours are taken."""
    first, second = parsed(batch(GOOD, item(properties='{"a":"@"}')).replace(b"@", b"\xff")).items
    assert isinstance(first, Item)
    assert isinstance(second, Drop)
    assert second.reason == "bad_text"


def test_an_empty_batch():
    """Is a batch."""
    assert parsed(b'{"batch":[]}').items == []


def test_a_flood_of_empty_objects_is_refused():
    """Before any of them is made."""
    with pytest.raises(TooLarge):
        parsed(b'{"batch":[' + b"{}," * (MAX_OBJECTS + 1) + b"{}]}")


def test_a_single_call():
    """Its type is that of the address; its envelope is its own."""
    found = Parser(32 << 10).call(b'{"event":"e","userId":"u","writeKey":"k","sentAt":"2026-11-23T02:41:01Z"}', "track")
    (single,) = found.items
    assert isinstance(single, Item)
    assert (single.type, found.write_key, found.sent_at) == ("track", "k", datetime(2026, 11, 23, 2, 41, 1, tzinfo=UTC))
    (careful,) = Parser(32 << 10).call(b'{"event":"e","userId":"u","timestamp":"2026-11-23 02:41:01Z"}', "page").items
    assert isinstance(careful, Item)
    assert careful.type == "page"


@pytest.mark.parametrize(("body", "reason"), [(b"[]", "not_an_object"), (b'{"a":"' + b"x" * 40_000 + b'"}', "too_large"),
    (b'{"properties":{"a":NaN}}', "bad_number"), (b"[" * 30_000, "too_deep")])  # fmt: skip
def test_a_bad_single_call(body, reason):
    """The reason is told."""
    (found,) = Parser(32 << 10).call(body, "track").items
    assert isinstance(found, Drop)
    assert found.reason == reason


def test_a_broken_single_call_is_refused():
    """No JSON at all."""
    with pytest.raises(InvalidInput):
        Parser(32 << 10).call(b"{", "track")


def test_real_json_of_python_clients():
    """Their encoder escapes everything beyond ASCII and writes naive times; both come through."""
    traits = {"name": "Zoë 😀", "createdAt": "2024-01-01T00:00:00"}
    (found,) = parsed(batch(json.dumps({"type": "identify", "userId": "u", "traits": traits}))).items
    assert isinstance(found, Item)
    assert found.traits == traits
