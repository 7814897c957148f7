"""Test sends: one mail outside the outbox and its statistics."""

from __future__ import annotations

import asyncio
import secrets

from antiphon.channels.email.mime import build_email
from antiphon.channels.provider import Provider
from antiphon.model.clock import Clock
from antiphon.model.message import OutgoingEmail, SendResult
from antiphon.runtime.workspace import WorkspaceReader
from antiphon.store import outbox
from antiphon.store.engine import Store
from antiphon.templates.content import Rendered


class TestSender:
    """Sends what the designer shows to somebody who wants to look at it."""

    __test__ = False  # the name is the field's, not pytest's

    def __init__(self, store: Store, provider: Provider | None, workspace: WorkspaceReader, clock: Clock) -> None:
        """`provider` is None when mail goes to the built-in inbox."""
        self._store = store
        self._provider = provider
        self._workspace = workspace
        self._clock = clock

    async def __call__(self, rendered: Rendered, recipient: str) -> SendResult:
        """Send; raises InvalidInput for an address that cannot be used."""
        now = self._clock()
        email = build_email(
            idempotency_key=f"test:{secrets.token_hex(16)}",
            sender=self._workspace().sender,
            recipient=recipient,
            subject=f"[Test] {rendered.subject}",
            html=rendered.html,
            text=rendered.text,
            sent_at=now,
        )
        if self._provider is not None:
            return await self._provider.send(email, on_data=_yes)
        await asyncio.to_thread(self._into_inbox, email, now)
        return SendResult(outcome="sent", detail="in the built-in inbox")

    def _into_inbox(self, email: OutgoingEmail, now: int) -> None:
        with self._store.state.write() as conn:
            outbox.put_in_inbox(conn, [(None, email)], now)


async def _yes() -> bool:
    return True
