"""The SMTP provider against real servers: aiosmtpd with TLS and AUTH, and postfix's smtp-sink."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import shutil
import socket
import ssl
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from antiphon.channels.email.mime import build_email
from antiphon.channels.email.smtp import SmtpProvider
from antiphon.channels.settings import EmailSettings
from antiphon.errors import ConfigError

USER, PASSWORD = "mailer", "correct horse"


def email(number=0, **fields):
    values = {
        "idempotency_key": f"key-{number}",
        "sender": "Acme <hello@acme.test>",
        "recipient": f"user{number}@example.test",
        "subject": f"Grüße {number}",
        "html": "<p>.</p>\n.\n..x\n",
        "text": f".leading dot {number}\n.\n..\nend",
        "sent_at": 0,
    }
    return build_email(**(values | fields))


async def yes():
    return True


async def no():
    return False


class Mailbox:
    """aiosmtpd handler that keeps what it accepted."""

    def __init__(self):
        self.messages = []
        self.peers = set()

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.messages.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        self.peers.add(session.peer)
        return "250 2.0.0 Ok: queued as ABC123"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


def server_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve():
    running = []

    def start(**options):
        box = Mailbox()
        controller = Controller(box, hostname="127.0.0.1", port=free_port(), ready_timeout=20, **options)
        controller.start()
        running.append(controller)
        return box, controller.port

    yield start
    for controller in running:
        controller.stop()


async def send(settings, *emails, on_data=yes):
    provider = SmtpProvider(settings)
    await provider.open()
    try:
        return await asyncio.gather(*[provider.send(one, on_data=on_data) for one in emails])
    finally:
        await provider.close()


def settings(port, **fields):
    return EmailSettings(provider="smtp", smtp_host="127.0.0.1", smtp_port=port, smtp_timeout=10.0, **fields)


async def test_a_mail_arrives_as_it_was_built(serve):
    """Envelope, headers and both parts, lone dots included."""
    box, port = serve()
    [result] = await send(settings(port), email(1))
    assert (result.outcome, result.code, result.provider_id) == ("sent", 250, "ABC123")
    [(sender, recipients, content)] = box.messages
    assert (sender, recipients) == ("hello@acme.test", ["user1@example.test"])
    assert content == email(1).raw
    message = message_from_bytes(content, policy=default)
    assert message["Subject"] == "Grüße 1"
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == ".leading dot 1\n.\n..\nend"


async def test_connections_are_reused_and_never_exceed_the_pool(serve):
    """Forty mails over at most three connections."""
    box, port = serve()
    results = await send(settings(port, smtp_connections=3), *[email(n) for n in range(40)])
    assert {result.outcome for result in results} == {"sent"}
    assert len(box.messages) == 40
    assert len(box.peers) <= 3


async def test_an_abandoned_mail_leaves_a_clean_connection(serve):
    """`on_data` said no: nothing is handed over, and the next mail goes out on the same connection."""
    box, port = serve()
    provider = SmtpProvider(settings(port, smtp_connections=1))
    await provider.open()
    assert (await provider.send(email(1), on_data=no)).outcome == "aborted"
    assert (await provider.send(email(2), on_data=yes)).outcome == "sent"
    await provider.close()
    assert [recipients for _, recipients, _ in box.messages] == [["user2@example.test"]]
    assert len(box.peers) == 1


async def test_an_error_in_on_data_passes_through_and_sends_nothing(serve):
    """A database that fails at the last moment stops the mail, and the provider works on."""

    async def fails():
        raise RuntimeError("database is gone")

    box, port = serve()
    provider = SmtpProvider(settings(port, smtp_connections=1))
    await provider.open()
    with pytest.raises(RuntimeError, match="gone"):
        await provider.send(email(1), on_data=fails)
    assert (await provider.send(email(2), on_data=yes)).outcome == "sent"
    await provider.close()
    assert len(box.messages) == 1


async def test_a_cancelled_send_does_not_poison_the_pool(serve):
    """Cancelled between RCPT and DATA, the half-used connection is thrown away."""
    reached = asyncio.Event()

    async def hangs():
        reached.set()
        await asyncio.Event().wait()
        return True

    box, port = serve()
    provider = SmtpProvider(settings(port, smtp_connections=1))
    await provider.open()
    task = asyncio.create_task(provider.send(email(1), on_data=hangs))
    await reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await provider.send(email(2), on_data=yes)).outcome == "sent"
    await provider.close()
    assert len(box.messages) == 1


async def test_addresses_outside_ascii_need_smtputf8(serve):
    """With the extension they are sent, without it that mail fails with a clear text."""
    foreign = email(1, recipient="jürgen@example.test")
    box, port = serve(enable_SMTPUTF8=True)
    [result] = await send(settings(port), foreign)
    assert result.outcome == "sent"
    assert box.messages[0][1] == ["jürgen@example.test"]
    _, port = serve(enable_SMTPUTF8=False)
    [result] = await send(settings(port), foreign)
    assert result.outcome == "failed"
    assert "SMTPUTF8" in result.detail


def authenticator(_server, _session, _envelope, _mechanism, data):
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


async def test_starttls_with_a_checked_certificate_and_a_password(serve, certificate):
    """The whole of a usual submission server."""
    box, port = serve(
        tls_context=server_context(certificate), require_starttls=True, authenticator=authenticator, auth_required=True
    )
    secure = {"smtp_security": "starttls", "smtp_username": USER, "smtp_password": PASSWORD}
    [result] = await send(settings(port, smtp_ca_file=str(certificate / "cert.pem"), **secure), email(1))
    assert result.outcome == "sent", result.detail
    [result] = await send(settings(port, smtp_verify=False, **secure), email(2))
    assert result.outcome == "sent", result.detail
    assert len(box.messages) == 2


async def test_a_certificate_nobody_vouches_for_stops_the_lane(serve, certificate):
    """Nothing is sent, not even the password; the mail is kept until the setting is right."""
    box, port = serve(tls_context=server_context(certificate), require_starttls=True)
    [result] = await send(settings(port, smtp_security="starttls"), email(1))
    assert (result.outcome, result.pause_lane) == ("deferred", True)
    assert "certificate" in result.detail.lower()
    assert not box.messages


async def test_a_wrong_password_stops_the_lane(serve, certificate):
    """A refused log-in says nothing about the mail, which is kept."""
    box, port = serve(tls_context=server_context(certificate), authenticator=authenticator, auth_required=True)
    [result] = await send(
        settings(port, smtp_security="starttls", smtp_verify=False, smtp_username=USER, smtp_password="wrong"), email(1)
    )
    assert (result.outcome, result.pause_lane, result.code) == ("deferred", True, 535)
    assert "wrong" not in result.detail
    assert not box.messages


async def test_a_server_without_starttls_is_not_trusted(serve):
    """A middleman who strips STARTTLS gets neither the mail nor the password."""
    box, port = serve()
    [result] = await send(settings(port, smtp_security="starttls"), email(1))
    assert (result.outcome, result.pause_lane) == ("deferred", True)
    assert "STARTTLS" in result.detail
    assert not box.messages


async def test_tls_from_the_first_byte(serve, certificate):
    """Port 465's way, and a body larger than the buffers in between."""
    box, port = serve(ssl_context=server_context(certificate))
    big = email(1, html="<p>ü</p>\n" * 200_000)
    secure = settings(port, smtp_security="tls", smtp_ca_file=str(certificate / "cert.pem"))
    [result] = await send(secure, big)
    assert result.outcome == "sent", result.detail
    assert box.messages[0][2] == big.raw
    [result] = await send(settings(port, smtp_security="tls"), email(2))
    assert (result.outcome, result.pause_lane) == ("deferred", True)
    assert len(box.messages) == 1


async def test_a_certificate_file_that_does_not_exist():
    """A wrong setting is told at start."""
    provider = SmtpProvider(settings(25, smtp_security="tls", smtp_ca_file="/nowhere/ca.pem"))
    with pytest.raises(ConfigError, match="smtp_ca_file"):
        await provider.open()


async def test_nobody_listens():
    """An unreachable server defers."""
    [result] = await send(settings(free_port()), email(1))
    assert (result.outcome, result.pause_lane) == ("deferred", False)
    assert "127.0.0.1" in result.detail


async def test_two_hundred_mails_into_smtp_sink():
    """Postfix's own test server takes every mail, over pooled connections."""
    sink = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if sink is None:
        pytest.fail("smtp-sink is missing: apt-get install --no-install-recommends postfix")
    port = free_port()
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    process = await asyncio.create_subprocess_exec(
        sink, *user, "-c", f"127.0.0.1:{port}", "100", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        await listening(port)
        results = await send(settings(port, smtp_connections=4), *[email(n) for n in range(200)])
        assert {result.outcome for result in results} == {"sent"}
    finally:
        process.terminate()
        await process.communicate()


async def listening(port):
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
    pytest.fail("the server does not listen")
