"""An email's bytes, assembled by hand: 0.05 ms where the standard library's EmailMessage takes 2."""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import default
from email.utils import formatdate
from hashlib import sha256

from antiphon.channels.email.headers import address_header, check_block, clean, header, parse_address, parse_sender
from antiphon.errors import ConfigError, InvalidInput
from antiphon.model.message import OutgoingEmail

RESERVED = frozenset(
    [
        "from",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "sender",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "auto-submitted",
        "received",
        "return-path",
        "dkim-signature",
    ]
)
"""Headers that only this module writes."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_URL = re.compile(r"https?://[!-~]+")
_BASE64_LINE = 76


def build_email(
    *,
    idempotency_key: str,
    sender: str,
    recipient: str,
    subject: str,
    html: str,
    text: str,
    sent_at: int,
    recipient_name: str = "",
    reply_to: str = "",
    unsubscribe_url: str = "",
    headers: Mapping[str, str] | None = None,
) -> OutgoingEmail:
    """Assemble a multipart/alternative email.

    `sender` and `reply_to` may be `Name <address>`; `sent_at` is in ms since the epoch. The Message-ID follows from
    `idempotency_key` and the sender's domain: the same key is the same message, in whatever attempt.
    `unsubscribe_url` (http or https) adds one-click unsubscribing (RFC 8058). `headers` adds further ones.

    Raises InvalidInput for an address, a URL or an added header that cannot be used.
    """
    sender_name, sender_address = parse_sender(sender)
    recipient_address = parse_address(recipient)
    digest = sha256(idempotency_key.encode()).hexdigest()[:32]
    message_id = f"{digest}@{sender_address.rpartition('@')[2]}"
    boundary = f"=_{digest[:24]}"  # neither quoted-printable nor base64 can hold "=_"
    lines: dict[str, str] = {
        "From": address_header("From", sender_name, sender_address),
        "To": address_header("To", recipient_name, recipient_address),
        "Subject": header("Subject", subject),
        "Date": f"Date: {formatdate(sent_at / 1000)[:-5]}+0000\r\n",
        "Message-ID": f"Message-ID: <{message_id}>\r\n",
    }
    if reply_to:
        lines["Reply-To"] = address_header("Reply-To", *parse_sender(reply_to))
    if unsubscribe_url:
        if not _URL.fullmatch(unsubscribe_url) or re.search(r"[<>,\s]", unsubscribe_url):
            raise InvalidInput(f"The unsubscribe link must be an http(s) URL, not {clean(unsubscribe_url)!r}.")
        lines["List-Unsubscribe"] = f"List-Unsubscribe: <{unsubscribe_url}>\r\n"
        lines["List-Unsubscribe-Post"] = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    # RFC 3834: a program wrote this; out-of-office replies stay away
    lines["Auto-Submitted"] = "Auto-Submitted: auto-generated\r\n"
    for name, value in (headers or {}).items():
        if not _NAME.fullmatch(name) or name.lower() in RESERVED:
            raise InvalidInput(f"The header {clean(name)!r} cannot be set.")
        lines[name] = header(name, value)
    lines["MIME-Version"] = "MIME-Version: 1.0\r\n"
    lines["Content-Type"] = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n'
    # addresses with a local part outside ASCII go out raw, which SMTPUTF8 (RFC 6532) allows: check the rest
    block = "".join(lines.values())
    international = not (sender_address.isascii() and recipient_address.isascii())
    problem = check_block(block.encode("ascii", "replace" if international else "strict"), list(lines))
    if problem:
        raise InvalidInput(f"The email's headers would be malformed: {problem}.")
    raw = b"".join(
        (
            block.encode(),
            b"\r\n",
            _part(boundary, "plain", text),
            _part(boundary, "html", html),
            f"--{boundary}--\r\n".encode("ascii"),
        )
    )
    return OutgoingEmail(
        message_id=message_id,
        idempotency_key=idempotency_key,
        sender=sender_address,
        recipient=recipient_address,
        subject=clean(subject),
        html=html,
        text=text,
        headers={name: _value(line) for name, line in lines.items()},
        raw=raw,
    )


def self_test() -> None:
    """Build a hostile email and read it back; raises ConfigError when this Python's parts do not fit together."""
    attacks = (
        "a\r\nBcc: x@evil.test",
        "a\nBcc: x@evil.test",
        "a\u2028Bcc: x@evil.test",
        "=?utf-8?q?hi=0ABcc:_x@evil.test?=",
        "=?utf-8?q?=3D?utf-8?q?hi=0ABcc:_x@evil.test?=",
        "=?=?utf-8?q?x?=utf-8?b?aGkKQmNjOiB4QGV2aWwudGVzdA==?=",
        "ü" * 400 + "\r\nBcc: x@evil.test",
    )
    for attack in attacks:
        email = build_email(
            idempotency_key="self-test",
            sender="Self Test <self@test.invalid>",
            recipient="you@test.invalid",
            recipient_name=attack,
            subject=attack,
            html=attack,
            text=attack,
            sent_at=0,
            unsubscribe_url="https://test.invalid/u",
            headers={"X-Test": attack},
        )
        parsed = message_from_bytes(email.raw, policy=default)
        values = [str(value) for value in parsed.values()]
        if parsed.keys() != list(email.headers) or any("\n" in value or "\r" in value for value in values):
            raise ConfigError("Email headers fail their self-test: a hostile value added or broke a header.")


def _part(boundary: str, subtype: str, text: str) -> bytes:
    # str.replace, not a regular expression: this is half the cost of an email
    if "\r" in text or "\0" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    body = text.encode("utf-8", "replace")
    if _mostly_foreign(body):
        encoding = "base64"
        flat = b2a_base64(body.replace(b"\n", b"\r\n"), newline=False)
        body = b"\r\n".join(flat[at : at + _BASE64_LINE] for at in range(0, len(flat), _BASE64_LINE))
    else:
        encoding = "quoted-printable"
        body = b2a_qp(body).replace(b"\n", b"\r\n")  # its soft breaks follow the first break that it sees
    head = (
        f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode("ascii") + body + b"\r\n"


def _mostly_foreign(body: bytes) -> bool:
    """Whether base64 (4/3) is shorter than quoted-printable (3 characters for each byte outside ASCII)."""
    return not body.isascii() and len(body) - len(body.decode("ascii", "ignore")) > len(body) // 6


def _value(line: str) -> str:
    return line.split(": ", 1)[1].replace("\r\n ", " ").rstrip("\r\n")
