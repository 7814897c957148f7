"""The steps between a client's call and the log: each looks at one event, changes it, or says why it is dropped.

They are the same for every source. What they do to calls that need no repair, `plain.c` does too; a property test compares them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from antiphon.ingest.drops import Drop
from antiphon.ingest.routes import template
from antiphon.model.event import API_CALL, CLAMPED, LATE, Event

MAX_ID = 512
"""Characters of an id or an event's name; ids are keys in tables, which databases bound."""

MAX_WEIGHT = 1_000_000_000


class Bounds(msgspec.Struct, frozen=True):
    """How far (ms) an event's time may lie from its receipt."""

    ahead: int
    lateness: int


Step = Callable[[Event, Bounds], Drop | None]


def company(event: Event, _bounds: Bounds) -> Drop | None:
    """The company that an event is about: the call's own, `context.groupId`, or `properties.company_id`."""
    if event.company_id is None:
        found = None if event.context is None else event.context.get("groupId")
        if found is None:
            found = event.properties.get("company_id")
        if isinstance(found, str | int):
            event.company_id = str(found) or None
    return None


def identity(event: Event, _bounds: Bounds) -> Drop | None:
    """Somebody must have done it, and ids must fit their tables."""
    user_id, anonymous_id, company_id, previous_id = (
        event.user_id or "", event.anonymous_id or "", event.company_id or "", event.previous_id or ""
    )  # fmt: skip
    if not (user_id or anonymous_id or company_id):
        return Drop("no_identity", "an event needs a `userId`, an `anonymousId` or a `context.groupId`")
    ids = event.id, event.name, user_id, anonymous_id, company_id, previous_id
    if len("".join(ids)) > MAX_ID:  # short enough together is short enough alone
        for value in ids:
            if len(value) > MAX_ID:
                return Drop("id_too_long", f"{value[:40]!r}... has {len(value)} characters; {MAX_ID} are allowed")
    return None


def clock(event: Event, bounds: Bounds) -> Drop | None:
    """A time too far ahead becomes that of the receipt; one too long ago is marked late."""
    age = event.received_at - event.timestamp
    if age < -bounds.ahead:
        event.timestamp = event.received_at
        event.flags |= CLAMPED
    elif age > bounds.lateness:
        event.flags |= LATE
    return None


def call(event: Event, _bounds: Bounds) -> Drop | None:
    """A captured API call has a route template, a path without its query, and a numeric status.

    Its weight may stand among its properties, where sampling middlewares put it; in other events a property of that
    name is the customer's own.
    """
    if event.name == API_CALL and event.type == "track":
        properties = event.properties
        path = properties.get("path")
        if isinstance(path, str):
            bare = path.partition("?")[0].partition("#")[0]
            if bare != path:
                properties["path"] = bare
            if not properties.get("route"):
                properties["route"] = template(bare)
        status = properties.get("status")
        if isinstance(status, str) and status.isdecimal() and status.isascii():
            properties["status"] = int(status[:3])
        weight = properties.get("weight")
        if weight is not None and event.weight == 1:
            if isinstance(weight, bool) or not isinstance(weight, int | float):
                return Drop("bad_weight", "`weight` must be a number above 0")
            event.weight = weight
    return None


def weight(event: Event, _bounds: Bounds) -> Drop | None:
    """A weight multiplies counts and sums, so it must be a sensible number."""
    if event.weight != 1 and not 0 < event.weight <= MAX_WEIGHT:
        return Drop("bad_weight", f"`weight` is {event.weight}; it must be above 0 and at most {MAX_WEIGHT}")
    return None


STEPS: tuple[Step, ...] = (company, identity, clock, call, weight)
"""In this order."""


def run(event: Event, bounds: Bounds) -> Drop | None:
    """Every step in turn, until one drops the event."""
    for step in STEPS:
        dropped = step(event, bounds)
        if dropped is not None:
            return dropped
    return None
