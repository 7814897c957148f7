"""What tests are made of: events with only the fields that matter, and time that stands still."""

from __future__ import annotations

import itertools
from typing import Any

from antiphon.model.clock import SECOND
from antiphon.model.event import API_CALL, Event

NOW = 1_790_000_000_000
"""When tests take place: ms since the epoch, some day in September 2026."""

_ids = itertools.count(1)


class ManualClock:
    """Time in ms since the epoch that moves only when told to."""

    def __init__(self, now: int = NOW) -> None:
        """Start at `now`."""
        self.now = now

    def __call__(self) -> int:
        """What the time is."""
        return self.now

    def advance(self, ms: int) -> int:
        """Move on by `ms`; returns the new time."""
        self.now += ms
        return self.now


def track(name: str = "report_generated", user_id: str | None = "u1", at: int = NOW, **fields: Any) -> Event:
    """An event of a user; `fields` are those of Event, `id` is a new one unless given."""
    fields.setdefault("id", f"m{next(_ids)}")
    fields.setdefault("received_at", at)
    fields.setdefault("source", "1")
    return Event(type="track", name=name, timestamp=at, user_id=user_id, **fields)


def api_call(status: int = 200, user_id: str | None = "u1", at: int = NOW, **properties: Any) -> Event:
    """A captured API call; `properties` join method, route, status and latency."""
    call = {"method": "POST", "route": "/v1/reports/{id}", "status": status, "latency_ms": 12.5, **properties}
    return track(API_CALL, user_id, at, properties=call)


def api_calls(count: int, status: int = 200, user_id: str = "u1", start: int = NOW, every: int = SECOND) -> list[Event]:
    """A run of calls of one user, one each `every` ms."""
    return [api_call(status, user_id, start + i * every) for i in range(count)]


def identify(user_id: str = "u1", at: int = NOW, anonymous_id: str | None = None, **traits: Any) -> Event:
    """An identify call; the traits are keyword arguments."""
    return Event(
        id=f"m{next(_ids)}",
        type="identify",
        name="identify",
        timestamp=at,
        received_at=at,
        source="1",
        user_id=user_id,
        anonymous_id=anonymous_id,
        properties=traits,
    )


def group(company_id: str = "c1", user_id: str = "u1", at: int = NOW, **traits: Any) -> Event:
    """A group call; the company's traits are keyword arguments."""
    return Event(
        id=f"m{next(_ids)}",
        type="group",
        name="group",
        timestamp=at,
        received_at=at,
        source="1",
        user_id=user_id,
        company_id=company_id,
        properties=traits,
    )


def alias(previous_id: str, user_id: str, at: int = NOW) -> Event:
    """An alias call: `previous_id` from now on means `user_id`."""
    return Event(
        id=f"m{next(_ids)}",
        type="alias",
        name="alias",
        timestamp=at,
        received_at=at,
        source="1",
        user_id=user_id,
        previous_id=previous_id,
    )
