"""One SMTP connection, driven phase by phase: aiosmtplib raises the same error before and after DATA."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any, cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from antiphon.channels.email.smtp_reply import Phase, classify, closes, garbage, lost
from antiphon.channels.provider import OnData
from antiphon.channels.settings import EmailSettings
from antiphon.errors import ConfigError
from antiphon.model.message import OutgoingEmail, SendResult

_OK = (250, 251)
_START_INPUT = 354
_UNKNOWN_COMMAND = (500, 501, 502, 504)


class SessionRefusedError(Exception):
    """No session with the server; `result` says what that means for the message."""

    def __init__(self, result: SendResult) -> None:
        """Keep the verdict."""
        super().__init__(result.detail)
        self.result = result


class SmtpSession:
    """A connection that has greeted, encrypted and authenticated, ready for MAIL."""

    def __init__(self, client: aiosmtplib.SMTP, settings: EmailSettings) -> None:
        """Use `open_session`."""
        self._client = client
        self._settings = settings
        self._dirty = False
        self.idle_since = 0.0
        self.sent = 0

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as one knows without asking."""
        return self._client.is_connected

    async def send(self, email: OutgoingEmail, on_data: OnData) -> SendResult:
        """Take one message through MAIL, RCPT, DATA and the final dot."""
        try:
            return await self._transaction(email, on_data)
        except BaseException:
            self._client.close()  # cancelled or `on_data` failed: the dialogue stands at an unknown point
            raise

    async def close(self) -> None:
        """QUIT, unless the connection is gone already."""
        if self._client.is_connected:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self._client.quit(timeout=1.0)
        self._client.close()

    async def _transaction(self, email: OutgoingEmail, on_data: OnData) -> SendResult:
        if self._dirty:
            refused = await self._command("session", b"RSET")
            if refused is not None:
                self._client.close()
                return refused
        utf8 = not (email.sender.isascii() and email.recipient.isascii())
        if utf8 and not self._client.supports_extension("smtputf8"):
            said = "The mail server does not take addresses with letters outside ASCII (SMTPUTF8)."
            return SendResult(outcome="failed", detail=said)
        self._dirty = True
        options = (b"SMTPUTF8", b"BODY=8BITMIME") if utf8 else ()
        refused = await self._command("mail", b"MAIL", b"FROM:<" + email.sender.encode() + b">", *options)
        refused = refused or await self._command("rcpt", b"RCPT", b"TO:<" + email.recipient.encode() + b">")
        if refused is not None:
            return refused
        if not await on_data():
            return SendResult(outcome="aborted")
        refused = await self._command("data", b"DATA", expected=(_START_INPUT,))
        if refused is not None:
            return refused
        result = await self._message(email.raw)
        if result.outcome == "sent":
            self._dirty = False  # the server starts afresh after a message it took (RFC 5321 4.1.1.4)
            self.sent += 1
        return result

    async def _command(self, phase: Phase, *words: bytes, expected: tuple[int, ...] = _OK) -> SendResult | None:
        """Send a command; None when it was accepted."""
        try:
            reply = await self._client.execute_command(*words)
        except aiosmtplib.SMTPResponseException as error:
            self._client.close()
            return garbage(phase, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            return lost(phase, _reason(error, f"waiting for the reply to {words[0].decode()}"))
        if reply.code in expected:
            return None
        if closes(reply.code) or not 400 <= reply.code < 600:  # noqa: PLR2004 - out of step: do not go on
            self._client.close()
        return classify(phase, reply.code, reply.message)

    async def _message(self, raw: bytes) -> SendResult:
        """Hand the message over; the final dot leaves only when everything before it has, and nothing came back."""
        protocol = self._client.protocol
        if protocol is None or protocol.transport is None:
            return lost("data", "The server closed the connection after DATA.")
        reply = asyncio.ensure_future(protocol.read_response(self._settings.smtp_data_timeout))
        phase: Phase = "data"
        try:
            await self._write_body(protocol, reply, raw)
            if not reply.done() and protocol.is_connected:
                protocol.write(b".\r\n")
                phase = "dot"
            said = await reply
        except aiosmtplib.SMTPResponseException as error:
            self._client.close()
            return garbage(phase, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            return lost(phase, _reason(error, "handing over the message"))
        finally:
            await _settle(reply)
        if phase == "data" or closes(said.code) or not 200 <= said.code < 600:  # noqa: PLR2004
            self._client.close()  # out of step: it answered before the end, or not in SMTP
        return classify(phase, said.code, said.message)

    async def _write_body(
        self, protocol: SMTPProtocol, reply: asyncio.Future[aiosmtplib.SMTPResponse], raw: bytes
    ) -> None:
        """Write all but the dot and wait until the system has taken it, or the server has spoken."""
        transport = cast("asyncio.Transport", protocol.transport)
        transport.set_write_buffer_limits(0)
        await asyncio.sleep(0)  # lets `reply` begin to listen
        protocol.write(_stuffed(raw))
        await asyncio.sleep(0)  # lets what has come meanwhile be read
        if not transport.get_write_buffer_size():
            return  # the system has taken it whole, as it does with most
        # from the mixin that aiosmtplib copied from asyncio for this purpose
        drained = asyncio.ensure_future(protocol._drain_helper())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        try:
            await asyncio.wait({drained, reply}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _settle(drained)


def _stuffed(raw: bytes) -> bytes:
    """A message with each leading dot doubled (RFC 5321 4.5.2)."""
    return (b"." if raw.startswith(b".") else b"") + raw.replace(b"\n.", b"\n..")


async def _settle(future: asyncio.Future[Any]) -> None:
    """End a task whose result is not, or no longer, wanted."""
    if future.done() and not future.cancelled():
        future.exception()  # looked at, so that it is not reported as forgotten
        return
    future.cancel()
    await asyncio.gather(future, return_exceptions=True)


async def open_session(settings: EmailSettings, context: ssl.SSLContext | None) -> SmtpSession:
    """Connect, greet, encrypt and authenticate; raises SessionRefusedError with the verdict for the message."""
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username or None,
        password=settings.smtp_password or None,
        local_hostname=settings.smtp_helo or None,
        timeout=settings.smtp_timeout,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        tls_context=context,
    )
    try:
        await client.connect()
        await _greet(client)
    except aiosmtplib.SMTPResponseException as error:
        client.close()
        raise SessionRefusedError(classify("session", error.code, error.message)) from error
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPServerDisconnected) as error:
        client.close()
        result = lost("session", _reason(error, f"connecting to {settings.smtp_host}:{settings.smtp_port}"))
        result.pause_lane = isinstance(error.__cause__, ssl.SSLError)
        raise SessionRefusedError(result) from error
    except (aiosmtplib.SMTPException, ssl.SSLError, OSError, ValueError) as error:
        # no STARTTLS, no AUTH, a certificate that does not check: a setting is wrong, for everybody
        client.close()
        result = lost("session", _reason(error, f"greeting {settings.smtp_host}:{settings.smtp_port}"))
        result.pause_lane = True
        raise SessionRefusedError(result) from error
    return SmtpSession(client, settings)


async def _greet(client: aiosmtplib.SMTP) -> None:
    """EHLO, unless encrypting or authenticating has said it already; HELO for servers that know no better."""
    if not client.is_ehlo_or_helo_needed:
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in _UNKNOWN_COMMAND or not client.is_connected:
            raise
        await client.helo()


def tls_context(settings: EmailSettings) -> ssl.SSLContext | None:
    """A client's context: verified against the system's authorities, or the operator's file; raises ConfigError."""
    if settings.smtp_security == "none":
        return None
    try:
        context = ssl.create_default_context(cafile=settings.smtp_ca_file or None)
    except OSError as error:
        raise ConfigError(f"smtp_ca_file: {settings.smtp_ca_file!r} cannot be used: {error}") from error
    if not settings.smtp_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: Exception, doing: str) -> str:
    said = str(error.args[-1]) if error.args else type(error).__name__
    return f"{said} ({doing})"
