"""HTTP on one kept-alive connection, with nothing that a client library would do by itself."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any


def batch_request(write_key: str, items: list[dict[str, Any]], port: int, extra: dict[str, Any] | None = None) -> bytes:
    """The bytes of `POST /v1/batch`."""
    return request("POST", "/v1/batch", json.dumps({"batch": items, **(extra or {})}).encode(), port, write_key)


def request(method: str, path: str, body: bytes, port: int, user: str, headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a request with Basic authentication and a JSON body."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Authorization: Basic " + base64.b64encode(f"{user}:".encode()).decode(),
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """Sends prepared requests to loopback, one after another; connects again after a failure."""

    def __init__(self, port: int, timeout_s: float = 20.0) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, prepared: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; raises OSError or TimeoutError when there is none."""
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(prepared)
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head[9:12])
                body = await reader.readexactly(_length(head))
                if b"connection: close" in head.lower():
                    self.close()
                return status, body
        except asyncio.IncompleteReadError as error:
            self.close()
            message = "the connection ended before the answer"
            raise ConnectionError(message) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
