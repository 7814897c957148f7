"""One kept-alive connection to the server, from the standard library."""

from __future__ import annotations

import base64
import gzip
import ssl
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from antiphon_sdk._version import __version__

IDLE_MOST = 4.0
"""Seconds: servers close idle connections after 5 s or more; a fresh one is cheaper than a lost attempt."""
GZIP_FROM = 1024
ANSWER_MOST = 8 * 1024 * 1024


class Answer(NamedTuple):
    """What the server said."""

    status: int
    body: bytes
    retry_after: str | None = None
    location: str | None = None


Post = Callable[[str, bytes, dict[str, str]], Answer]
"""(path, JSON body, extra headers) -> answer; raises OSError or HTTPException when there is none."""


class Transport:
    """POSTs JSON over one connection. Not thread-safe: each thread has its own."""

    def __init__(
        self, host: str, key: str, *, timeout: float, use_gzip: bool = True, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """`host` is a URL such as https://antiphon.example.com (with a path prefix if there is one).

        `timeout` is in seconds, for connecting and for each read. Raises ValueError when `host` is no such URL.
        """
        url = urlsplit(host if "//" in host else "https://" + host)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError(f"host must be a URL such as https://antiphon.example.com, got {host!r}")
        self._secure = url.scheme == "https"
        self._address = url.hostname
        self._port = url.port
        self._prefix = url.path.rstrip("/")
        self._timeout = timeout
        self._gzip = use_gzip
        self._context = ssl_context
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
            "Content-Type": "application/json",
            "User-Agent": f"antiphon-sdk-python/{__version__}",
        }
        self._connection: HTTPConnection | None = None
        self._last_used = 0.0

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """Send `body` and read the answer, whatever its status.

        A kept connection that the server has closed meanwhile is replaced once, at once: the request is safe to
        repeat because every event and message carries its own id. Raises OSError or HTTPException.
        """
        sent = {**self._headers, **(headers or {})}
        if self._gzip and len(body) >= GZIP_FROM:
            body = gzip.compress(body, compresslevel=5, mtime=0)
            sent["Content-Encoding"] = "gzip"
        if self._connection is not None and time.monotonic() - self._last_used > IDLE_MOST:
            self.close()
        kept = self._connection is not None
        try:
            return self._exchange(path, body, sent)
        except (ConnectionError, HTTPException):
            if not kept:
                raise
            return self._exchange(path, body, sent)

    def _exchange(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = self._connection or self._connect()
        self._connection = connection
        try:
            connection.request("POST", self._prefix + path, body, headers)
            response: HTTPResponse = connection.getresponse()
            answer = Answer(
                response.status,
                response.read(ANSWER_MOST),
                response.getheader("Retry-After"),
                response.getheader("Location"),
            )
        except BaseException:
            self.close()
            raise
        if response.will_close or not response.isclosed():
            self.close()
        self._last_used = time.monotonic()
        return answer

    def _connect(self) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(self._address, self._port, timeout=self._timeout)
        context = self._context or ssl.create_default_context()
        self._context = context
        return HTTPSConnection(self._address, self._port, timeout=self._timeout, context=context)

    def close(self) -> None:
        """Let go of the connection; the next post opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
