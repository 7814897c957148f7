"""What every provider can do: take one email and say how that went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from antiphon.model.message import OutgoingEmail, SendResult

OnData = Callable[[], Awaitable[bool]]
"""Awaited right before the message is handed over: commits `at_data` and says whether it may still go."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider offers beyond sending.

    `idempotency_keys`: a resend with the same key is recognised. `feedback`: it reports bounces and complaints.
    `concurrency`: how many sends it takes at once.
    """

    idempotency_keys: bool
    feedback: bool
    concurrency: int


class Provider(Protocol):
    """A way out for email.

    `send` never raises for what a server says or does; exceptions of `on_data` pass through, with nothing sent.
    """

    @property
    def name(self) -> str:
        """As settings, message records and metrics call it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        ...

    async def open(self) -> None:
        """Get ready; makes no connection, so that an unreachable server does not stop a start."""
        ...

    async def close(self) -> None:
        """Say goodbye to the server."""
        ...

    async def send(self, email: OutgoingEmail, *, on_data: OnData) -> SendResult:
        """Send one email; nothing of its body leaves before `on_data` has returned True."""
        ...
