"""Reading a request's body within its limits."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from antiphon.errors import InvalidInput, TooLarge

Receive = Callable[[], Awaitable[Any]]

FREE_RATIO_BYTES = 1 << 20
"""Up to here a body may inflate by any factor."""

MAX_RATIO = 20
_GZIP = 31  # zlib's word for a gzip header and the largest window
_MAGIC = b"\x1f\x8b"


class Disconnected(Exception):  # noqa: N818 - not an error: nobody is left to answer
    """The client went away before its body was complete."""


async def read(receive: Receive, headers: dict[bytes, bytes], limit: int, seconds: float) -> bytes:
    """The body, decompressed.

    Raises:
        InvalidInput: an unknown encoding, broken gzip, or a client slower than `seconds`.
        TooLarge: more than `limit` bytes, before or after decompression.
    """
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"The request has {int(declared)} bytes; {limit} are allowed.")
    message = await _next(receive, seconds)
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        body = await _rest(receive, body, limit, seconds)
    if len(body) > limit:
        raise TooLarge(f"The request has more than {limit} bytes.")
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in {b"gzip", b"x-gzip"} or body[:2] == _MAGIC:  # some clients forget to say so
        return inflate(body, limit)
    if encoding not in {b"", b"identity"}:
        raise InvalidInput("Only `Content-Encoding: gzip` is understood.")
    return body


def inflate(body: bytes, limit: int) -> bytes:
    """Decompress gzip to at most `limit` bytes, and at most 20 times its size beyond 1 MiB."""
    allowed = min(limit, max(FREE_RATIO_BYTES, MAX_RATIO * len(body)))
    parts: list[bytes] = []
    left = allowed + 1
    rest = body
    while rest:
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(rest, left)
        except zlib.error as error:
            raise InvalidInput(f"The body is not gzip: {error}.") from None
        left -= len(part)
        if left <= 0:
            raise TooLarge(f"The decompressed body has more than {allowed} bytes; send smaller batches.")
        if not stream.eof:
            raise InvalidInput("The body is not gzip: it ends too early.")
        parts.append(part)
        rest = stream.unused_data.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _rest(receive: Receive, first: bytes, limit: int, seconds: float) -> bytes:
    chunks = [first]
    size = len(first)
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                chunk: bytes = message.get("body", b"")
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"The request has more than {limit} bytes.")
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise _too_slow(seconds) from None


async def _next(receive: Receive, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
    except TimeoutError:
        raise _too_slow(seconds) from None
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message


def _too_slow(seconds: float) -> InvalidInput:
    return InvalidInput(f"The body did not arrive within {seconds:g} seconds.")
