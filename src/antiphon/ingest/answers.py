"""What clients are told: always JSON, never a redirect, `code` in every refusal.

Old clients of the family take anything but 200 for a failure, and resend a refusal whose JSON has no `code`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from antiphon.errors import AntiphonError
from antiphon.ingest.drops import Rejection

Send = Callable[[Any], Awaitable[None]]

_CORS = [(b"access-control-allow-origin", b"*")]
_PREFLIGHT = [
    *_CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]


class Answer(msgspec.Struct, frozen=True):
    """A status, a body and headers besides the usual ones."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()


class _Problem(msgspec.Struct):
    code: str
    message: str
    rejected: Sequence[Rejection] | msgspec.UnsetType = msgspec.UNSET


class _Success(msgspec.Struct):
    accepted: int
    rejected: Sequence[Rejection]
    success: bool = True


def success(accepted: int, rejected: Sequence[Rejection]) -> Answer:
    """Everything that is not listed in `rejected` is on disk."""
    return Answer(200, msgspec.json.encode(_Success(accepted, rejected)))


def refusal(status: int, code: str, message: str, rejected: Sequence[Rejection] | None = None) -> Answer:
    """Nothing was stored."""
    return Answer(status, msgspec.json.encode(_Problem(code, message, msgspec.UNSET if rejected is None else rejected)))


def of_error(error: AntiphonError) -> Answer:
    """The answer to an error raised on purpose."""
    answer = refusal(error.status, error.code, error.message)
    wait = error.details.get("retry_after")
    if wait is None and error.status == 503:  # noqa: PLR2004 - HTTP's word for it
        wait = 1
    if wait is not None:
        return Answer(answer.status, answer.body, [(b"retry-after", str(wait).encode())])
    if error.status == 401:  # noqa: PLR2004
        return Answer(answer.status, answer.body, [(b"www-authenticate", b'Basic realm="write key"')])
    return answer


async def write(send: Send, answer: Answer) -> None:
    """Send it."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer.body)).encode()),
        *_CORS,
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def write_preflight(send: Send) -> None:
    """Browsers ask before they send: every origin may, with a key."""
    await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
    await send({"type": "http.response.body", "body": b""})
