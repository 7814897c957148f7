"""Messages: what is sent to somebody, and how that went."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Channel = Literal["email"]
Lane = Literal["behavioural", "transactional"]

DeliveryStatus = Literal[
    "queued",
    "claimed",
    "at_data",
    "sent",
    "deferred",
    "failed",
    "suppressed",
    "uncertain",
]

SkipReason = Literal[
    "not_a_member",
    "frequency_cap",
    "suppressed",
    "unsubscribed",
    "no_address",
    "no_template",
    "render_failed",
    "holdout",
    "quiet_hours",
    "paused",
]
"""Why a message was not sent; stored, counted, and shown by explain."""


class OutgoingEmail(msgspec.Struct, kw_only=True):
    """An email ready to leave: everything that a provider needs.

    `sender` and `recipient` are the bare addresses of the envelope, in ASCII where the address allows it; names are
    in `headers`. `message_id` has no angle brackets. `raw` is the whole MIME message (CRLF line ends); providers with
    an HTTP API use the parts instead.
    """

    message_id: str
    idempotency_key: str
    sender: str
    recipient: str
    subject: str
    html: str
    text: str
    headers: dict[str, str]
    raw: bytes


Phase = Literal["before_data", "at_data", "after_data"]
"""How far a send got: a failure before DATA may be retried, one after it may already be in the mailbox."""


class SendResult(msgspec.Struct, kw_only=True):
    """What a provider said.

    `outcome` is sent, deferred (try again, after `retry_after` seconds if set), failed (never again), uncertain (the
    connection was lost after the message had been handed over) or aborted (`on_data` said no; nothing was handed
    over). `suppress` asks that the address never be mailed again (bad mailbox). `pause_lane` asks the whole lane to
    wait (5.7.x, 429, an account that the server does not accept).
    """

    outcome: Literal["sent", "deferred", "failed", "uncertain", "aborted"]
    detail: str = ""
    code: int | None = None
    retry_after: float | None = None
    suppress: bool = False
    pause_lane: bool = False
    provider_id: str | None = None
    extra: dict[str, Any] = {}
