"""Events: the newest, and the live tail."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.params import Parameter
from litestar.response import Stream

from antiphon.model.event import EventType


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


class EventController(Controller):
    """Events."""

    path = "/api/events"
    tags = ("Events",)

    @get(access="view", sync_to_thread=True)
    def list_events(
        self,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
        before_offset: Annotated[int, Parameter(ge=0)] | None = None,
        name: str | None = None,
        user_id: str | None = None,
        search: str | None = None,
    ) -> EventPage:
        """The newest events; `search` looks in names, ids and properties."""
        raise NotImplementedError

    @get("/live", access="view", media_type="text/event-stream")
    async def stream_events(
        self,
        request: Request[Any, Any, Any],
        name: str | None = None,
        user_id: str | None = None,
        search: str | None = None,
    ) -> Stream:
        """Events as they arrive, as server-sent events.

        `event: event` carries an EventOut with its offset as the id, `event: skipped` says how many were left out
        because the reader was slow (`{"count": n}`).
        """
        raise NotImplementedError
