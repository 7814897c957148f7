"""Why an event is not taken: values that are counted, and told to the client item by item."""

from __future__ import annotations

from typing import Literal

import msgspec

DropReason = Literal[
    "bad_field",
    "bad_number",
    "bad_text",
    "bad_timestamp",
    "bad_weight",
    "id_too_long",
    "no_event_name",
    "no_group_id",
    "no_identity",
    "no_previous_id",
    "not_an_object",
    "too_deep",
    "too_large",
    "too_many_keys",
    "unknown_type",
]


class Drop(msgspec.Struct, frozen=True):
    """An event is left out; `message` says what to change."""

    reason: DropReason
    message: str


class Rejection(msgspec.Struct, frozen=True):
    """A dropped item of a request, as the client reads it."""

    index: int
    message_id: str | None
    code: DropReason
    message: str
