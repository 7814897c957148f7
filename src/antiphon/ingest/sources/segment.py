"""The Segment family of clients (Segment, RudderStack, ours): their calls as events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from antiphon.ingest.drops import Drop
from antiphon.ingest.json_limits import BOUNDED_OBJECT, MAX_INT, MIN_INT
from antiphon.model.event import Event

CALLS = ("track", "identify", "group", "alias", "page", "screen")

ClientId = str | Annotated[int, Meta(ge=MIN_INT, le=MAX_INT)] | None
"""Some applications use numbers as ids; they are kept as text."""


class Item(msgspec.Struct, gc=False, rename="camel"):
    """One call as it stands in a batch, or as the body of `/v1/<type>`."""

    type: str | None = None
    message_id: ClientId = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    user_id: ClientId = None
    anonymous_id: ClientId = None
    group_id: ClientId = None
    previous_id: ClientId = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    weight: float | int | None = None
    write_key: str | None = None
    sent_at: datetime | None = None


BoundedItem = cast(
    "type[Item]",
    msgspec.defstruct(
        "BoundedItem",
        [(name, BOUNDED_OBJECT, None) for name in ("properties", "traits", "context")],
        bases=(Item,),
        module=__name__,
        gc=False,
        rename="camel",
    ),
)
"""An item whose decoding holds the limits."""


class Receipt(msgspec.Struct, frozen=True):
    """What the events of one request have in common.

    `source` is the write key's id, `skew` what to add (ms) to the client's times: received - sent. `new_id` gives a
    message id to an event that came without one.
    """

    received_at: int
    source: str
    skew: int
    new_id: Callable[[], str]


def milliseconds(moment: datetime) -> int:
    """Ms since the epoch; a time without zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def to_event(item: Item, receipt: Receipt) -> Event | Drop:
    """The event of a call, its time corrected by the client's skew; or what it lacks."""
    kind = item.type
    company_id = _text(item.group_id)
    previous_id = None
    context = item.context
    if kind == "track":
        name = item.event
        if not name:
            return Drop("no_event_name", "a track call needs `event`, the name of what happened")
        properties = item.properties or {}
    elif kind == "identify":
        name = kind
        properties = item.traits or {}
        if not properties and context is not None and isinstance(inner := context.get("traits"), dict):
            properties = inner  # where RudderStack puts them, and only there
            context = {key: value for key, value in context.items() if key != "traits"}
    elif kind == "group":
        name = kind
        properties = item.traits or {}
        if company_id is None:
            return Drop("no_group_id", "a group call needs `groupId`, the id of the company")
    elif kind == "alias":
        name = kind
        properties = {}
        previous_id = _text(item.previous_id)
        if previous_id is None or item.user_id in {None, ""}:
            return Drop("no_previous_id", "an alias call needs `previousId` and the `userId` that it now means")
    elif kind in {"page", "screen"}:
        name = kind
        properties = _named(item)
    else:
        return Drop("unknown_type", f"`type` is {_quoted(kind)}; it must be one of {', '.join(CALLS)}")
    moment = item.timestamp or item.original_timestamp
    return Event(
        _text(item.message_id) or receipt.new_id(),
        kind,  # pyright: ignore[reportArgumentType] - one of CALLS, as the branches above say
        name,
        receipt.received_at if moment is None else milliseconds(moment) + receipt.skew,
        receipt.received_at,
        receipt.source,
        _text(item.user_id),
        _text(item.anonymous_id),
        company_id,
        properties,
        1 if item.weight is None else item.weight,
        0,
        previous_id,
        context,
    )


def _text(value: str | int | None) -> str | None:
    if isinstance(value, str):
        return value or None
    return None if value is None else str(value)


def _named(item: Item) -> dict[str, Any]:
    """A page's or screen's properties, with its name and category among them."""
    named = {"name": item.name, "category": item.category}
    return {key: value for key, value in named.items() if value is not None} | (item.properties or {})


def _quoted(kind: str | None) -> str:
    return "missing" if kind is None else repr(kind[:40])
