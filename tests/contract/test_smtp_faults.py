"""The SMTP provider against a server that misbehaves at every step, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import pytest_asyncio

from antiphon.channels.email.mime import build_email
from antiphon.channels.email.smtp import SmtpProvider
from antiphon.channels.settings import EmailSettings

EMAIL = build_email(
    idempotency_key="k",
    sender="Acme <hello@acme.test>",
    recipient="ada@example.test",
    subject="S",
    html="<p>x</p>",
    text="x",
    sent_at=0,
)
LARGE = build_email(
    idempotency_key="k",
    sender="Acme <hello@acme.test>",
    recipient="ada@example.test",
    subject="S",
    html="x" * 30_000_000,
    text="x",
    sent_at=0,
)
DROP = object()
RESET = object()


class Faulty:
    """Speaks SMTP, except where `script` says otherwise: step -> reply bytes, DROP, RESET or seconds to wait.

    Steps: banner, ehlo, mail, rcpt, data, body (in the middle of it), dot. `accepted` counts what an honest server
    would answer for: whole messages whose final dot was read.
    """

    GOOD = {  # noqa: RUF012
        "banner": b"220 faulty\r\n",
        "ehlo": b"250-faulty\r\n250 8BITMIME\r\n",
        "mail": b"250 ok\r\n",
        "rcpt": b"250 ok\r\n",
        "data": b"354 go\r\n",
        "dot": b"250 2.0.0 queued\r\n",
        "rset": b"250 ok\r\n",
        "quit": b"221 bye\r\n",
    }

    def __init__(self):
        self.script = {}
        self.times = 10**9  # how many connections the script applies to
        self.accepted = 0
        self.connections = 0
        self.commands = []
        self.tasks = set()
        self.quits = asyncio.Event()

    async def __call__(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        self.connections += 1
        script = self.script if self.connections <= self.times else {}
        try:
            await self._talk(reader, writer, script)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a cancelled task would be logged as an error by the server
        finally:
            self.tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _talk(self, reader, writer, script):
        if not await self._reply(writer, script, "banner"):
            return
        while line := await reader.readline():
            step = line[:4].decode().strip().lower()
            self.commands.append(step)
            if step == "quit":
                self.quits.set()
            if step == "data" and "body" in script:
                writer.write(self.GOOD["data"])
                await reader.readexactly(100)
                if not await self._reply(writer, script, "body"):
                    return
            if not await self._reply(writer, script, step) or step == "quit":
                return
            if step == "data" and script.get("data", b"354").startswith(b"354"):
                while await reader.readline() != b".\r\n":
                    pass
                self.accepted += 1
                if not await self._reply(writer, script, "dot"):
                    return

    async def _reply(self, writer, script, step):
        what = script.get(step, self.GOOD.get(step, b"502 what?\r\n"))
        if isinstance(what, float):
            await asyncio.sleep(what)
            what = self.GOOD[step]
        if what is DROP:
            return False
        if what is RESET:
            writer.transport.abort()
            return False
        writer.write(what)
        await writer.drain()
        return True


@pytest_asyncio.fixture
async def faulty():
    script = Faulty()
    server = await asyncio.start_server(script, "127.0.0.1", 0, limit=2**20)
    script.port = server.sockets[0].getsockname()[1]
    yield script
    server.close()
    for task in list(script.tasks):
        task.cancel()
    await asyncio.gather(*script.tasks, return_exceptions=True)
    await server.wait_closed()


@contextlib.asynccontextmanager
async def opened(faulty, **fields):
    values = {"smtp_connections": 1, "smtp_timeout": 5.0, "smtp_data_timeout": 5.0} | fields
    settings = EmailSettings(provider="smtp", smtp_host="127.0.0.1", smtp_port=faulty.port, **values)
    provider = SmtpProvider(settings)
    await provider.open()
    try:
        yield provider
    finally:
        await provider.close()


async def send(provider, email=EMAIL):
    asked = []

    async def on_data():
        asked.append(True)
        return True

    result = await provider.send(email, on_data=on_data)
    return result, len(asked)


LINE_10MB = b"250 " + b"x" * 10_000_000 + b"\r\n"


@pytest.mark.parametrize(
    ("step", "fault", "outcome", "asked"),
    [
        ("banner", DROP, "deferred", 0),
        ("banner", RESET, "deferred", 0),
        ("banner", b"421 4.3.2 too busy\r\n", "deferred", 0),
        ("banner", b"HTTP/1.1 400 Bad Request\r\n\r\n", "deferred", 0),
        ("banner", LINE_10MB, "deferred", 0),
        ("ehlo", DROP, "deferred", 0),
        ("ehlo", b"421 bye\r\n", "deferred", 0),
        ("ehlo", b"\xff\xfe\x00garbage\r\n", "deferred", 0),
        ("mail", DROP, "deferred", 0),
        ("mail", b"421 4.7.0 idle too long\r\n", "deferred", 0),
        ("mail", b"451 4.3.0 later\r\n", "deferred", 0),
        ("rcpt", DROP, "deferred", 0),
        ("rcpt", RESET, "deferred", 0),
        ("rcpt", b"421 closing\r\n", "deferred", 0),
        ("rcpt", b"451 4.7.1 greylisted\r\n", "deferred", 0),
        ("rcpt", b"550 5.1.1 no such user\r\n", "failed", 0),
        ("rcpt", b"550-5.1.1 no such\r\n550 5.1.1 user\r\n", "failed", 0),
        ("rcpt", b"552 5.2.2 mailbox full\r\n", "failed", 0),
        ("rcpt", b"garbage\r\n", "deferred", 0),
        ("rcpt", b"999 what\r\n", "deferred", 0),
        ("rcpt", LINE_10MB, "deferred", 0),
        ("data", DROP, "deferred", 1),
        ("data", RESET, "deferred", 1),
        ("data", b"451 4.3.0 later\r\n", "deferred", 1),
        ("data", b"554 5.5.0 no\r\n", "failed", 1),
        ("dot", DROP, "uncertain", 1),
        ("dot", RESET, "uncertain", 1),
        ("dot", b"421 4.3.2 closing\r\n", "deferred", 1),
        ("dot", b"451 4.3.0 later\r\n", "deferred", 1),
        ("dot", b"552 5.3.4 too big\r\n", "failed", 1),
        ("dot", b"550 5.7.1 blocked\r\n", "failed", 1),
        ("dot", b"garbage\r\n", "uncertain", 1),
        ("dot", LINE_10MB, "uncertain", 1),
        ("dot", 0.3, "sent", 1),
        ("rcpt", 0.3, "sent", 1),
    ],
)
async def test_faults(faulty, step, fault, outcome, asked):
    """Each fault at each step: what it means, whether `at_data` was entered, and that the next mail goes out."""
    faulty.script = {step: fault}
    faulty.times = 1
    async with opened(faulty) as provider:
        result, times_asked = await send(provider)
        assert (result.outcome, times_asked) == (outcome, asked), result.detail
        assert len(result.detail) < 600
        accepted = faulty.accepted
        faulty.script.clear()
        result, _ = await send(provider)
        assert result.outcome == "sent", result.detail
        assert faulty.accepted == accepted + 1


async def test_a_bad_mailbox_is_suppressed_and_a_policy_pauses(faulty):
    """The two requests that go beyond the one message."""
    async with opened(faulty) as provider:
        faulty.script = {"rcpt": b"550 5.1.1 no such user\r\n"}
        result, _ = await send(provider)
        assert (result.suppress, result.pause_lane) == (True, False)
    async with opened(faulty) as provider:
        faulty.script = {"rcpt": b"550 5.7.1 blocked\r\n"}
        result, _ = await send(provider)
        assert (result.suppress, result.pause_lane) == (False, True)


@pytest.mark.parametrize("fault", [DROP, RESET])
async def test_lost_in_the_middle_of_the_message(faulty, fault):
    """Before the final dot has left nothing can have been accepted: the mail is tried again."""
    faulty.script = {"body": fault}
    async with opened(faulty) as provider:
        result, asked = await send(provider, LARGE)
        assert (result.outcome, asked) == ("deferred", 1)
        assert faulty.accepted == 0


async def test_refused_in_the_middle_of_the_message(faulty):
    """A server that says no before the end is heard."""
    faulty.script = {"body": b"552 5.3.4 too big\r\n", "data": DROP}
    async with opened(faulty) as provider:
        result, _ = await send(provider, LARGE)
        assert (result.outcome, result.code) == ("failed", 552)
        assert faulty.accepted == 0


@pytest.mark.parametrize(("step", "outcome"), [("banner", "deferred"), ("rcpt", "deferred"), ("data", "deferred"), ("dot", "uncertain")])  # fmt: skip
async def test_a_server_that_falls_silent(faulty, step, outcome):
    """The wait for a reply ends, with what is known by then."""
    faulty.script = {step: 60.0}
    async with opened(faulty, smtp_timeout=0.2, smtp_data_timeout=0.2) as provider:
        result, _ = await send(provider)
        assert result.outcome == outcome


async def test_a_pooled_connection_that_died_is_replaced_unnoticed(faulty):
    """The server's idle time-out costs no attempt; nothing was handed over on the dead connection."""
    async with opened(faulty) as provider:
        assert (await send(provider))[0].outcome == "sent"
        [session] = provider._idle
        faulty.script = {}
        for task in list(faulty.tasks):
            task.cancel()
        result, asked = await send(provider)
        assert (result.outcome, asked) == ("sent", 1)
        assert provider._idle != [session]
        assert faulty.accepted == 2


async def test_a_pooled_connection_that_dies_at_data_is_not_replaced(faulty):
    """Once `at_data` was entered, this attempt ends: the stage decides about the next."""
    async with opened(faulty) as provider:
        assert (await send(provider))[0].outcome == "sent"
        faulty.GOOD = faulty.GOOD | {"data": DROP}
        result, asked = await send(provider)
        assert (result.outcome, asked) == ("deferred", 1)
        assert faulty.connections == 1


async def test_the_envelope_is_reset_after_a_refusal(faulty):
    """RSET between mails where the last one was not taken; none after one that was."""
    async with opened(faulty) as provider:
        faulty.script = {"rcpt": b"451 later\r\n"}
        await send(provider)
        faulty.script.clear()
        await send(provider)
        await send(provider)
        assert faulty.connections == 1
    assert faulty.commands == ["ehlo", "mail", "rcpt", "rset", "mail", "rcpt", "data", "mail", "rcpt", "data", "quit"]


async def test_idle_connections_are_closed(faulty):
    """With QUIT, after the time set."""
    async with opened(faulty, smtp_idle=0.1) as provider:
        await send(provider)
        await faulty.quits.wait()
        assert provider._idle == []


async def test_helo_for_servers_that_know_no_better(faulty):
    """EHLO is refused as unknown; HELO works."""
    faulty.GOOD = faulty.GOOD | {"ehlo": b"502 unknown\r\n", "helo": b"250 hi\r\n"}
    async with opened(faulty) as provider:
        result, _ = await send(provider)
        assert result.outcome == "sent"
