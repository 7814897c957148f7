"""Events: the newest, and the live tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from antiphon.model.event import Event, EventType
from antiphon.web.context import Context, StoredEvent

if TYPE_CHECKING:
    from antiphon.web.live import LiveTail  # which sends what is defined here

_LONGEST_OFFSET = 19  # digits of a 64-bit number


class EventOut(msgspec.Struct, kw_only=True):
    """One accepted event; `offset` is its place in the log, times in ms since the epoch."""

    offset: int
    event_id: str
    type: EventType
    name: str
    user_id: str | None
    anonymous_id: str | None
    company_id: str | None
    timestamp: int
    received_at: int
    properties: dict[str, Any]
    late: bool
    source: str


class EventPage(msgspec.Struct, kw_only=True):
    """Events, newest first; pass `next_before` as `before_offset` for older ones, None when there are none."""

    items: list[EventOut]
    next_before: int | None


def event_out(stored: StoredEvent) -> EventOut:
    """An event as the page shows it."""
    event = stored.event
    return EventOut(
        offset=stored.offset,
        event_id=event.id,
        type=event.type,
        name=event.name,
        user_id=event.user_id,
        anonymous_id=event.anonymous_id,
        company_id=event.company_id,
        timestamp=event.timestamp,
        received_at=event.received_at,
        properties=event.properties,
        late=event.late,
        source=event.source,
    )


def event_page(found: Sequence[StoredEvent], limit: int) -> EventPage:
    """A page of events; a full one has more behind it."""
    items = [event_out(stored) for stored in found]
    return EventPage(items=items, next_before=items[-1].offset if len(items) >= limit else None)


class EventController(Controller):
    """Events."""

    path = "/api/events"
    tags = ("Events",)

    @get(access="view", sync_to_thread=True)
    def list_events(
        self,
        context: Context,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        before_offset: Annotated[int | None, QueryParameter(ge=0)] = None,
        name: FromQuery[str | None] = None,
        user_id: FromQuery[str | None] = None,
        search: FromQuery[str | None] = None,
    ) -> EventPage:
        """The newest events; `search` looks in names, ids and properties."""
        found = context.events.newest(
            limit=limit, before_offset=before_offset, name=name, user_id=user_id, search=search
        )
        return event_page(found, limit)

    @get("/live", access="view", media_type="text/event-stream")
    async def stream_events(
        self,
        request: Request[Any, Any, Any],
        name: FromQuery[str | None] = None,
        user_id: FromQuery[str | None] = None,
        search: FromQuery[str | None] = None,
    ) -> Stream:
        """Events as they arrive, as server-sent events.

        `event: event` carries an EventOut with its offset as the id, `event: skipped` says how many were left out
        because the reader was slow (`{"count": n}`).
        """
        tail: LiveTail = request.app.state.live
        last_id = request.headers.get("last-event-id", "")
        after = int(last_id) if last_id.isdecimal() and len(last_id) < _LONGEST_OFFSET else None
        stream = tail.stream(_filter(name, user_id, search), after)
        return Stream(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _filter(name: str | None, user_id: str | None, search: str | None) -> Callable[[Event], bool]:
    needle = search.strip().lower().encode() if search else b""

    def wanted(event: Event) -> bool:
        return (
            (not name or event.name == name)
            and (not user_id or event.user_id == user_id)
            and (not needle or needle in _searched(event))
        )

    return wanted


def _searched(event: Event) -> bytes:
    ids = (event.name, event.user_id or "", event.anonymous_id or "", event.company_id or "")
    return " ".join(ids).lower().encode() + msgspec.json.encode(event.properties).lower()
