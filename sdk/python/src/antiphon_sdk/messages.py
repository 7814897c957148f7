"""Sending one message now: transactional mail asked for by the application itself."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, NamedTuple

from antiphon_sdk import _wire
from antiphon_sdk._delivery import explain
from antiphon_sdk._retry import backoff, retriable, retry_after
from antiphon_sdk._transport import Answer, Transport
from antiphon_sdk.failure import Failure, Reason

logger = logging.getLogger("antiphon_sdk")

PATH = "/v1/messages"


class SendResult(NamedTuple):
    """What became of a message: `ok` says that the server has it and will send it.

    `id` and `status` are the server's; `failure` says what went wrong when `ok` is false.
    """

    ok: bool
    id: str | None = None
    status: str | None = None
    failure: Failure | None = None


class Messages:
    """`client.messages`: waits for the server's answer, so that the application knows."""

    def __init__(
        self,
        transport: Callable[[], Transport] | None,
        *,
        max_retries: int,
        backoff_base: float,
        backoff_most: float,
        report: Callable[[Failure], None],
        new_id: Callable[[], str],
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
        disabled: bool = False,
    ) -> None:
        """`transport()` opens a connection with the server key; None when there is no such key."""
        self._transport = transport
        self._max_retries = max_retries
        self._base = backoff_base
        self._most = backoff_most
        self._report = report
        self._new_id = new_id
        self._random = random
        self._sleep = sleep
        self._disabled = disabled
        self._local = threading.local()

    def send(
        self,
        *,
        user_id: str,
        template_id: int | str,
        channel: str = "email",
        variables: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> SendResult:
        """Send a template to a user. Blocks until the server has it (in async code: `asyncio.to_thread`).

        Retries network errors, 408, 429 and 5xx; all attempts carry the same idempotency key (one is made when none
        is given), so the user gets one message. Never raises: look at `ok`.
        """
        if self._disabled:
            return SendResult(ok=True, status="disabled")
        if self._transport is None:
            return self._failed("misconfigured", "messages.send needs a server key: Client(..., server_key='ask_...')")
        key = idempotency_key or self._new_id()
        message = {
            "user_id": str(user_id),
            "channel": channel,
            "template_id": template_id,
            "variables": dict(variables or {}),
            "idempotency_key": key,
        }
        try:
            body = _wire.encode(message)
        except (TypeError, ValueError, RecursionError) as error:
            return self._failed("invalid_event", f"the message has no JSON form: {error}", error=error)
        return self._deliver(body, {"Idempotency-Key": key.encode("latin-1", "replace").decode("latin-1")})

    def _deliver(self, body: bytes, headers: dict[str, str]) -> SendResult:
        attempt = 0
        while True:
            status, wait, error = None, None, None
            try:
                answer = self._connection().post(PATH, body, headers)
            except (OSError, HTTPException) as caught:
                error, trouble = caught, f"no answer from the server: {type(caught).__name__}: {caught}"
            else:
                status = answer.status
                if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
                    return _accepted(answer)
                trouble, wait = explain(answer), retry_after(answer.retry_after)
                if not retriable(status):
                    return self._failed("refused", trouble, status)
            if attempt >= self._max_retries:
                return self._failed("unreachable", trouble, status, error)
            self._sleep(backoff(attempt, self._base, self._most, self._random) if wait is None else wait)
            attempt += 1

    def _connection(self) -> Transport:
        """This thread's own connection."""
        existing: Transport | None = getattr(self._local, "transport", None)
        if existing is None:
            assert self._transport is not None  # noqa: S101 - send has looked
            existing = self._local.transport = self._transport()
        return existing

    def reset(self) -> None:
        """Forget connections: in a forked child they are the parent's."""
        self._local = threading.local()

    def close(self) -> None:
        """Close this thread's connection."""
        existing: Transport | None = getattr(self._local, "transport", None)
        if existing is not None:
            existing.close()

    def _failed(
        self, reason: Reason, message: str, status: int | None = None, error: BaseException | None = None
    ) -> SendResult:
        failure = Failure(reason, message, 0, status, error)
        self._report(failure)
        return SendResult(ok=False, failure=failure)


def _accepted(answer: Answer) -> SendResult:
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    message_id, status = said.get("id"), said.get("status")
    return SendResult(
        ok=True, id=None if message_id is None else str(message_id), status=None if status is None else str(status)
    )
