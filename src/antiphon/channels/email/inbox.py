"""Reading back what the built-in inbox stored: the parts of a MIME message, for the page."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message

import msgspec

_HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE)
_HTML = re.compile(r"<html(?:\s[^>]*)?>", re.IGNORECASE)
_BASE = '<base target="_blank">'


class InboxMail(msgspec.Struct, frozen=True, kw_only=True):
    """One stored email: decoded `headers` in their order, its text and HTML (empty when it has none), its `source`."""

    headers: list[tuple[str, str]]
    text: str
    html: str
    source: str


def read_mail(raw: bytes) -> InboxMail:
    """Take a stored email apart; whatever is malformed in it comes back as it stands."""
    message = message_from_bytes(raw)
    return InboxMail(
        headers=[(name, _decoded(str(value))) for name, value in message.items()],
        text=_part(message, "text/plain"),
        html=_part(message, "text/html"),
        source=raw.decode("utf-8", "replace"),
    )


def snippet(raw: bytes, length: int = 140) -> str:
    """The beginning of the text part in one line, for a list."""
    return " ".join(_part(message_from_bytes(raw), "text/plain").split())[:length]


def framed(html: str) -> str:
    """The HTML part as a document for a sandboxed frame: its links open in a new tab.

    It must still be served with a strict Content-Security-Policy; nothing is taken out here.
    """
    for pattern in (_HEAD, _HTML):
        start = pattern.search(html)
        if start is not None:
            return html[: start.end()] + _BASE + html[start.end() :]
    return _BASE + html


def _part(message: Message, content_type: str) -> str:
    for part in message.walk():
        if part.get_content_type() == content_type and not part.is_multipart():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return _text(payload, part.get_content_charset("utf-8")).replace("\r\n", "\n")
    return ""


def _text(payload: bytes, charset: str) -> str:
    try:
        return payload.decode(charset, "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _decoded(value: str) -> str:
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", value)
    try:
        return str(make_header(decode_header(unfolded)))
    except (LookupError, ValueError, MessageError):
        return unfolded
