"""A mail server that does what a script says, and counts what it has taken even where it then drops the line."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from email import message_from_bytes, policy
from typing import NamedTuple, Self


class Accepted(NamedTuple):
    """One mail that was taken for one recipient; `at` is `time.perf_counter()` when its last byte was in."""

    message_id: str
    recipient: str
    subject: str
    at: float
    answered: bool


class Script(NamedTuple):
    """How the server behaves, as probabilities.

    `drop` cuts the line after the final dot, the mail taken and no answer given. `slow` answers the final dot only
    after up to `slow_s` seconds, the mail taken at once: a client killed meanwhile cannot know.
    """

    drop: float = 0.0
    slow: float = 0.0
    slow_s: float = 0.2


class SmtpSink:
    """An SMTP server on loopback; use as an async context manager."""

    def __init__(self, script: Script | None = None, seed: int = 0) -> None:
        self.script = script or Script()
        self.accepted: list[Accepted] = []
        self.dropped = 0
        self.port = 0
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=16 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def settings(self) -> dict[str, str]:
        """What the product must be told to send here."""
        return {
            "provider": "smtp",
            "sender": "Acme <news@acme.example>",
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self.port),
            "smtp_security": "none",
        }

    def by_mail(self) -> Counter[tuple[str, str]]:
        """How often each (recipient, subject) was taken."""
        return Counter((mail.recipient, mail.subject) for mail in self.accepted)

    async def wait_for(self, count: int, timeout_s: float) -> bool:
        """Wait until `count` mails were taken; False when it takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while len(self.accepted) < count:
                    self._arrived.clear()
                    await self._arrived.wait()
        return len(self.accepted) >= count

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            del self._open[task]
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 sink ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper().strip()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250-8BITMIME\r\n250 SIZE 33554432\r\n")
            elif verb == b"RCPT":
                recipients.append(line[line.index(b"<") + 1 : line.index(b">")].decode().lower())
                writer.write(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go ahead\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                if not await self._take(recipients, mail, writer):
                    return
                recipients = []
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            elif verb in {b"HELO", b"MAIL", b"RSET", b"NOOP"}:
                recipients = [] if verb != b"NOOP" else recipients
                writer.write(b"250 2.0.0 ok\r\n")
            else:
                writer.write(b"502 5.5.1 what?\r\n")

    async def _take(self, recipients: list[str], mail: bytes, writer: asyncio.StreamWriter) -> bool:
        """Count the mail, then answer or not; whether the conversation goes on."""
        at = time.perf_counter()
        chance = self._random.random()
        drop = chance < self.script.drop
        headers = message_from_bytes(mail.partition(b"\r\n\r\n")[0], policy=policy.SMTP)
        for recipient in recipients:
            self.accepted.append(
                Accepted(str(headers["Message-ID"]).strip(" <>"), recipient, str(headers["Subject"]), at, not drop)
            )
        self._arrived.set()
        if drop:
            self.dropped += 1
            return False
        if chance < self.script.drop + self.script.slow:
            await asyncio.sleep(self._random.uniform(0, self.script.slow_s))
        writer.write(b"250 2.0.0 taken\r\n")
        return True
