"""What went wrong, as a value: the client never raises into the application it lives in."""

from __future__ import annotations

from typing import Literal, NamedTuple

Reason = Literal[
    "misconfigured",
    "invalid_event",
    "too_large",
    "queue_full",
    "refused",
    "partly_refused",
    "unreachable",
    "shutdown",
    "caller_failed",
]
"""Why something was not delivered.

misconfigured: no key or no host. invalid_event: cannot be turned into JSON, or has no name or no id.
too_large: above 32 KB. queue_full: the server was not reachable for longer than the queue could hold.
refused: a 4xx (a wrong key, mostly). partly_refused: the batch was taken but for single events.
unreachable: every retry failed. shutdown: still queued when the deadline of the shutdown came.
caller_failed: the application's own `user`, `company` or `properties` callable raised.
"""


class Failure(NamedTuple):
    """Given to `on_error`: `events` is how many events were lost (0 for a message and for a warning).

    `status` is the HTTP status where the server answered, `error` the exception where one was caught.
    """

    reason: Reason
    message: str
    events: int = 0
    status: int | None = None
    error: BaseException | None = None
