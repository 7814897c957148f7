"""Header lines that cannot be injected into, and cannot be read in two ways.

Python 3.11's own EmailMessage turns `=?utf-8?q?hi=0ABcc:_x@y.z?=` in a subject into a Bcc line, so values are cleaned
before, encoded here, and the finished block is checked line by line.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from antiphon.errors import InvalidInput

MAX_VALUE = 900
"""Longest value of a header in characters; the rest is cut off (RFC 5322 allows lines of 998)."""

_LINE = 76
_WORD_BYTES = 45  # 60 characters of base64 in an encoded word of at most 75
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bBqQ]\?[^?\s]*\?=")
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")
_SIMPLE = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_MAX_LOCAL, _MAX_ADDRESS = 64, 254
_NAMED = re.compile(r'\s*(?P<name>"(?:[^"\\]|\\.)*"|[^<>"]*?)\s*<(?P<address>[^<>\s]+)>\s*')
_HEADER = re.compile(rb"([!-9;-~]+): [\t -~]*")


def clean(value: str) -> str:
    """Without control characters, line breaks and encoded words; at most `MAX_VALUE` characters."""
    text = " ".join(_CONTROLS.sub(" ", value).split())
    while (shorter := _ENCODED_WORD.sub("", text)) != text:
        text = shorter
    return " ".join(text.split())[:MAX_VALUE].rstrip()


def header(name: str, value: str) -> str:
    """`Name: value`, encoded where it is not plain ASCII and folded where it is long; lines end with CRLF."""
    text = clean(value)
    if text.isascii() and "=?" not in text:
        return _fold(f"{name}: {text}")
    return f"{name}: " + "\r\n ".join(_encoded_words(text)) + "\r\n"


def address_header(name: str, display_name: str, address: str) -> str:
    """`Name: Display Name <address>`; `address` must have come from `parse_address`."""
    text = clean(display_name)
    if not text:
        return f"{name}: {address}\r\n"
    if not text.isascii() or "=?" in text:
        phrase = "\r\n ".join(_encoded_words(text))
        return f"{name}: {phrase}\r\n <{address}>\r\n"
    if not _ATOMS.fullmatch(text):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _fold(f"{name}: {text} <{address}>")


@lru_cache(maxsize=1024)
def parse_sender(sender: str) -> tuple[str, str]:
    """`Name <address>`, or a bare address, as (name, address); raises InvalidInput."""
    match = _NAMED.fullmatch(sender)
    if match is None:
        return "", parse_address(sender)
    name = match["name"]
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, parse_address(match["address"])


def parse_address(address: str) -> str:
    """An address fit for the envelope: international domains in their ASCII form; raises InvalidInput.

    No look-up is made. A local part outside ASCII stays as it is; the server must then support SMTPUTF8.
    """
    text = address.strip()
    if _SIMPLE.fullmatch(text) and len(text) <= _MAX_ADDRESS and text.index("@") <= _MAX_LOCAL:
        return text
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInput(f"{clean(address)[:_MAX_ADDRESS]!r} is not an email address: {error}") from error
    if len(valid.local_part.encode()) > _MAX_LOCAL:
        raise InvalidInput(f"{clean(address)[:_MAX_ADDRESS]!r} is not an email address: too long before the @-sign.")
    return valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"


def check_block(block: bytes, expected: list[str]) -> str:
    """What is wrong with a block of header lines that should hold exactly `expected`; empty when nothing is."""
    found: list[str] = []
    for line in block.removesuffix(b"\r\n").split(b"\r\n"):
        if len(line) > 998:  # noqa: PLR2004 - RFC 5322 2.1.1
            return "a line is longer than 998 characters"
        if line[:1] in {b" ", b"\t"}:
            if not found or not line.strip() or not _printable(line):
                return "a continuation line is malformed"
            continue
        match = _HEADER.fullmatch(line) if _printable(line) else None
        if match is None:
            return "a line is no header"
        found.append(match[1].decode("ascii"))
    return "" if found == expected else f"expected {expected}, found {found}"


def _printable(line: bytes) -> bool:
    return not re.search(rb"[^\t -~]", line)


def _fold(line: str) -> str:
    lines: list[str] = []
    while len(line) > _LINE:
        # never right after the name: some readers take an empty first line for an empty header
        space = line.rfind(" ", line.find(": ") + 2 if not lines else 1, _LINE + 1)
        if space <= 0 or not line[:space].strip():
            space = line.find(" ", _LINE)
        if space <= 0 or (not lines and space <= line.find(": ") + 1):
            break
        lines.append(line[:space])
        line = line[space:]
    return "\r\n".join([*lines, line]) + "\r\n"


def _encoded_words(text: str) -> list[str]:
    words: list[str] = []
    chunk = b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(chunk.decode())
            chunk = b""
        chunk += encoded
    words.append(chunk.decode())
    return [f"=?utf-8?b?{b64encode(word.encode()).decode('ascii')}?=" for word in words]
