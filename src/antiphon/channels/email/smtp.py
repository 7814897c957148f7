"""SMTP: a small pool of connections, each driven phase by phase."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from antiphon.channels.email.smtp_session import SessionRefusedError, SmtpSession, open_session, tls_context
from antiphon.channels.provider import Capabilities, OnData
from antiphon.channels.settings import EmailSettings
from antiphon.model.message import OutgoingEmail, SendResult

MAX_SENT = 500
"""Messages after which a connection is replaced: servers limit it, and new ones spread over their machines."""


class SmtpProvider:
    """Sends through one SMTP server; at most `smtp_connections` messages are under way at once."""

    name = "smtp"

    def __init__(self, settings: EmailSettings) -> None:
        """Connect to nothing yet."""
        settings.check()
        self._settings = settings
        self._idle: list[SmtpSession] = []
        self._places = asyncio.Semaphore(settings.smtp_connections)
        self._tls: ssl.SSLContext | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self.capabilities = Capabilities(idempotency_keys=False, feedback=False, concurrency=settings.smtp_connections)

    async def open(self) -> None:
        """Load the certificates and start closing what is idle for too long; raises ConfigError."""
        self._tls = await asyncio.to_thread(tls_context, self._settings)
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Say goodbye on every idle connection; sends under way must have ended."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._sweeper = None
        idle, self._idle = self._idle, []
        await asyncio.gather(*[session.close() for session in idle])

    async def send(self, email: OutgoingEmail, *, on_data: OnData) -> SendResult:
        """Send one email over a pooled connection.

        A pooled connection that the server has dropped meanwhile is replaced once, as long as nothing was handed over.
        """
        async with self._places:
            reused = self._take()
            if reused is not None:
                asked = _Asked(on_data)
                result = await self._attempt(reused, email, asked)
                if result.outcome != "deferred" or reused.alive or asked.yes:
                    return result
            try:
                session = await open_session(self._settings, self._tls)
            except SessionRefusedError as error:
                return error.result
            return await self._attempt(session, email, on_data)

    async def _attempt(self, session: SmtpSession, email: OutgoingEmail, on_data: OnData) -> SendResult:
        result = await session.send(email, on_data)
        if session.alive and session.sent < MAX_SENT:
            session.idle_since = asyncio.get_running_loop().time()
            self._idle.append(session)
        else:
            await session.close()
        return result

    def _take(self) -> SmtpSession | None:
        while self._idle:
            session = self._idle.pop()  # the one used last: the others may go idle and be closed
            if session.alive:
                return session
        return None

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._settings.smtp_idle / 2)
            before = asyncio.get_running_loop().time() - self._settings.smtp_idle
            old = [session for session in self._idle if session.idle_since <= before]
            self._idle = [session for session in self._idle if session.idle_since > before]
            with contextlib.suppress(OSError):
                await asyncio.gather(*[session.close() for session in old])


class _Asked:
    """Remembers that `on_data` has given its word, which must not be asked for twice."""

    def __init__(self, on_data: OnData) -> None:
        self._on_data = on_data
        self.yes = False

    async def __call__(self) -> bool:
        self.yes = await self._on_data()
        return self.yes
