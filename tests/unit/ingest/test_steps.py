"""Calls of every kind become the right events, and each step changes or drops what it should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from antiphon.ingest import steps
from antiphon.ingest.drops import Drop
from antiphon.ingest.sources.segment import Item, Receipt, to_event
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.model.event import CLAMPED, LATE, Event
from factories import NOW

BOUNDS = steps.Bounds(ahead=5 * MINUTE, lateness=DAY)


def receipt(skew: int = 0) -> Receipt:
    return Receipt(NOW, "7", skew, lambda: "made-up")


def taken(skew: int = 0, **fields) -> Event:
    event = to_event(msgspec.convert(fields, Item), receipt(skew))
    assert isinstance(event, Event), event
    assert steps.run(event, BOUNDS) is None
    return event


def dropped(**fields) -> str:
    event = to_event(msgspec.convert(fields, Item), receipt())
    found = event if isinstance(event, Drop) else steps.run(event, BOUNDS)
    assert isinstance(found, Drop)
    return found.reason


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)


def test_track():
    """The event's own name; ids, properties and context as sent."""
    event = taken(
        type="track", messageId="m", event="Signed Up", userId="u", anonymousId="a", timestamp=at(NOW - 1500),
        properties={"plan": "pro"}, context={"ip": "1.2.3.4"},
    )  # fmt: skip
    assert event == Event(
        "m", "track", "Signed Up", NOW - 1500, NOW, "7", "u", "a", None, {"plan": "pro"}, context={"ip": "1.2.3.4"}
    )


def test_identify():
    """Traits become the properties."""
    event = taken(type="identify", userId="u", traits={"email": "a@example.com"})
    assert (event.type, event.name, event.properties) == ("identify", "identify", {"email": "a@example.com"})


def test_identify_of_rudderstack():
    """Its traits stand in the context, and are stored once."""
    event = taken(type="identify", userId="u", context={"traits": {"plan": "pro"}, "ip": "1.2.3.4"})
    assert (event.properties, event.context) == ({"plan": "pro"}, {"ip": "1.2.3.4"})


def test_group():
    """The company and its traits."""
    event = taken(type="group", userId="u", groupId="c1", traits={"name": "Acme"})
    assert (event.name, event.company_id, event.properties) == ("group", "c1", {"name": "Acme"})


def test_alias():
    """The id that from now on means the user."""
    event = taken(type="alias", userId="u", previousId="anon1")
    assert (event.name, event.user_id, event.previous_id) == ("alias", "u", "anon1")


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_page_and_screen(kind):
    """Named after their type; what they show stands in the properties, which win."""
    event = taken(type=kind, userId="u", name="Quickstart", category="Docs", properties={"url": "x", "category": "Own"})
    assert (event.name, event.properties) == (kind, {"name": "Quickstart", "category": "Own", "url": "x"})


def test_numbers_as_ids():
    """Are kept as text, 0 too."""
    event = taken(type="track", event="e", userId=42, anonymousId=0, messageId=7, context={"groupId": 9})
    assert (event.user_id, event.anonymous_id, event.id, event.company_id) == ("42", "0", "7", "9")


def test_a_missing_message_id_is_made_up():
    """Every event has an id; an empty one counts as missing."""
    assert taken(type="track", event="e", userId="u").id == "made-up"
    assert taken(type="track", event="e", userId="u", messageId="").id == "made-up"


@pytest.mark.parametrize(
    ("fields", "company"),
    [
        ({"context": {"groupId": "c"}, "properties": {"company_id": "other"}}, "c"),
        ({"properties": {"company_id": "c"}}, "c"),
        ({"properties": {"company_id": 5}}, "5"),
        ({"groupId": "own", "context": {"groupId": "c"}}, "own"),
        ({"properties": {"company_id": {"not": "an id"}}}, None),
        ({"context": {"groupId": ""}}, None),
    ],
)
def test_the_company_of_a_call(fields, company):
    """The call's own, else the context's, else a property."""
    assert taken(type="track", event="e", userId="u", **fields).company_id == company


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "track", "event": "e"}, "no_identity"),
        ({"type": "track", "event": "e", "userId": "", "anonymousId": ""}, "no_identity"),
        ({"type": "identify", "traits": {"a": 1}}, "no_identity"),
        ({"type": "track", "userId": "u"}, "no_event_name"),
        ({"type": "track", "userId": "u", "event": ""}, "no_event_name"),
        ({"type": "group", "userId": "u"}, "no_group_id"),
        ({"type": "alias", "userId": "u"}, "no_previous_id"),
        ({"type": "alias", "previousId": "p"}, "no_previous_id"),
        ({"type": "delete", "userId": "u"}, "unknown_type"),
        ({"userId": "u"}, "unknown_type"),
        ({"type": "track", "event": "e", "userId": "u" * 513}, "id_too_long"),
        ({"type": "track", "event": "e" * 513, "userId": "u"}, "id_too_long"),
        ({"type": "track", "event": "e", "userId": "u", "messageId": "m" * 513}, "id_too_long"),
        ({"type": "alias", "userId": "u", "previousId": "p" * 513}, "id_too_long"),
        ({"type": "track", "event": "e", "userId": "u", "weight": 0}, "bad_weight"),
        ({"type": "track", "event": "e", "userId": "u", "weight": -1}, "bad_weight"),
        ({"type": "track", "event": "e", "userId": "u", "weight": 1e12}, "bad_weight"),
        ({"type": "track", "event": "api_call", "userId": "u", "properties": {"weight": "3"}}, "bad_weight"),
    ],
)
def test_reasons_to_drop(fields, reason):
    """Each says what the call lacks."""
    assert dropped(**fields) == reason


def test_a_company_alone_is_enough():
    """An API call of a company whose user is not known."""
    assert taken(type="track", event="api_call", context={"groupId": "c"}).company_id == "c"


def test_ids_of_the_longest_kind():
    """The limit holds for each alone, not for all together."""
    assert taken(type="track", event="e", userId="u" * 512, anonymousId="a" * 512).anonymous_id == "a" * 512


def test_the_clients_clock_is_corrected():
    """Received - (sent - timestamp): a clock an hour behind gives the right time all the same."""
    sent = NOW - HOUR
    assert taken(skew=NOW - sent, type="track", event="e", userId="u", timestamp=at(sent - 700)).timestamp == NOW - 700


def test_a_time_without_zone_is_utc():
    """As Python clients send it."""
    assert taken(type="track", event="e", userId="u", timestamp=at(NOW - 5).replace(tzinfo=None)).timestamp == NOW - 5


def test_no_time_is_now():
    """The time of receipt."""
    assert taken(skew=5, type="track", event="e", userId="u").timestamp == NOW


def test_the_original_timestamp_counts_when_there_is_no_other():
    """RudderStack's browser clients send that."""
    assert taken(type="track", event="e", userId="u", originalTimestamp=at(NOW - 9)).timestamp == NOW - 9


@pytest.mark.parametrize(
    ("age", "timestamp", "flags"),
    [
        (0, NOW, 0),
        (-5 * MINUTE, NOW + 5 * MINUTE, 0),
        (-5 * MINUTE - 1, NOW, CLAMPED),
        (-900 * DAY, NOW, CLAMPED),
        (DAY, NOW - DAY, 0),
        (DAY + 1, NOW - DAY - 1, LATE),
        (900 * DAY, NOW - 900 * DAY, LATE),
    ],
)
def test_times_out_of_bounds(age, timestamp, flags):
    """More than 5 minutes ahead is set to now; more than a day old is kept out of evaluation."""
    event = taken(type="track", event="e", userId="u", timestamp=at(NOW - age))
    assert (event.timestamp, event.flags, event.late) == (timestamp, flags, bool(flags & LATE))


def test_times_at_the_ends_of_the_calendar():
    """Nothing overflows."""
    assert taken(type="track", event="e", userId="u", timestamp=datetime.min.replace(tzinfo=UTC)).late
    assert taken(type="track", event="e", userId="u", timestamp=datetime.max.replace(tzinfo=UTC)).flags == CLAMPED
    assert taken(skew=10**15, type="track", event="e", userId="u", timestamp=at(NOW)).flags == CLAMPED


def call(**properties) -> Event:
    return taken(type="track", event="api_call", userId="u", properties=properties)


def test_a_call_without_a_route_gets_one():
    """From its path, whose query is never stored."""
    assert call(path="/v1/items/42?token=hush").properties == {"path": "/v1/items/42", "route": "/v1/items/{id}"}
    assert call(path="/v1/items/42", route="/v1/items/:item").properties["route"] == "/v1/items/:item"
    assert call(path="/v1/items/42", route=None).properties["route"] == "/v1/items/{id}"
    assert call(path=None).properties == {"path": None}


def test_other_events_keep_their_path():
    """A property of that name is the customer's own."""
    event = taken(type="track", event="visited", userId="u", properties={"path": "/a?b", "weight": 20, "status": "200"})
    assert (event.properties, event.weight) == ({"path": "/a?b", "weight": 20, "status": "200"}, 1)


def test_a_status_in_words_becomes_a_number():
    """Rules compare numbers."""
    assert call(status="400").properties["status"] == 400
    assert call(status="4xx").properties["status"] == "4xx"
    assert call(status="").properties["status"] == ""
    assert call(status=200).properties["status"] == 200


def test_weights():
    """The call's own wins over a captured call's property."""
    assert call(weight=10).weight == 10
    assert taken(type="track", event="api_call", userId="u", weight=2.5, properties={"weight": 10}).weight == 2.5
    assert taken(type="track", event="e", userId="u", weight=0.5).weight == 0.5
