"""The event: what a customer did, in the one shape that every source is turned into."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

EventType = Literal["track", "identify", "group", "alias", "page", "screen"]

LATE = 1
"""Flag: older than the lateness bound when received; kept in history, left out of every evaluation."""
CLAMPED = 2
"""Flag: its timestamp lay more than 5 minutes ahead and was set to the time of receipt."""
INTERNAL = 4
"""Flag: made by Antiphon itself (segment_entered, email_sent, ...)."""

API_CALL = "api_call"
"""Name of the event that a captured API call becomes."""


class Event(msgspec.Struct, array_like=True, gc=False, omit_defaults=True):
    """One accepted event; times are milliseconds since the Unix epoch, UTC.

    `id` is the client's message id, unique within `source` (the id of the write key, or a name of ours).
    `name` is the event's name; identify, group, alias, page and screen calls are named after their type.
    `properties` holds the traits of identify and group calls. `weight` multiplies counts and sums.
    `previous_id` is set for alias only: the id that from now on means `user_id`.
    """

    id: str
    type: EventType
    name: str
    timestamp: int
    received_at: int
    source: str
    user_id: str | None = None
    anonymous_id: str | None = None
    company_id: str | None = None
    properties: dict[str, Any] = {}
    weight: int | float = 1
    flags: int = 0
    previous_id: str | None = None
    context: dict[str, Any] | None = None

    @property
    def late(self) -> bool:
        """Whether evaluation leaves this event out."""
        return bool(self.flags & LATE)
