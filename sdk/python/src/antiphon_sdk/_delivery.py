"""Getting one batch to the server: attempts, waits, and what its answer means."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from antiphon_sdk import _wire
from antiphon_sdk._retry import backoff, retriable, retry_after
from antiphon_sdk._transport import Answer, Post
from antiphon_sdk.failure import Failure

logger = logging.getLogger("antiphon_sdk")

BATCH_PATH = "/v1/batch"


class Delivery:
    """Sends batches until they are taken, refused, or given up; counts what became of their events."""

    def __init__(
        self,
        post: Post,
        *,
        max_retries: int,
        backoff_base: float,
        backoff_most: float,
        pause: Callable[[float], bool],
        report: Callable[[Failure], None],
        random: Callable[[], float],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`pause(seconds)` waits and answers whether there is time for another attempt; times in seconds."""
        self._post = post
        self._max_retries = max_retries
        self._base = backoff_base
        self._most = backoff_most
        self._pause = pause
        self._report = report
        self._random = random
        self._clock = clock
        self.sent = 0
        self.lost = 0
        self.retries = 0

    def send(self, events: list[bytes]) -> None:
        """Deliver encoded events, each with its own message id; returns when their fate is decided."""
        attempt = 0
        while True:
            status, wait, error = None, None, None
            try:
                answer = self._post(BATCH_PATH, _wire.batch(events, self._clock()), {})
            except (OSError, HTTPException) as caught:
                error = caught
                trouble = f"no answer from the server: {type(caught).__name__}: {caught}"
            else:
                status = answer.status
                if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
                    self._taken(events, answer)
                    return
                if status == 413 and len(events) > 1:  # noqa: PLR2004 - Content Too Large
                    half = len(events) // 2
                    self.send(events[:half])
                    self.send(events[half:])
                    return
                trouble = explain(answer)
                if not retriable(status):
                    self._give_up(Failure("refused", trouble, len(events), status))
                    return
                wait = retry_after(answer.retry_after)
            if attempt >= self._max_retries:
                self._give_up(Failure("unreachable", trouble, len(events), status, error))
                return
            delay = backoff(attempt, self._base, self._most, self._random) if wait is None else wait
            attempt += 1
            logger.debug("attempt %d failed (%s); again in %.2f s", attempt, trouble, delay)
            if not self._pause(delay):
                self._give_up(Failure("shutdown", trouble, len(events), status, error))
                return
            self.retries += 1

    def _taken(self, events: list[bytes], answer: Answer) -> None:
        refused = refused_items(answer.body)
        self.sent += len(events) - len(refused)
        logger.debug("%d events taken", len(events) - len(refused))
        if refused:
            self._give_up(Failure("partly_refused", "; ".join(refused[:3]), len(refused), answer.status))

    def _give_up(self, failure: Failure) -> None:
        self.lost += failure.events
        self._report(failure)


def explain(answer: Answer) -> str:
    """The server's refusal in a sentence, with its own code and message where it gave them."""
    said = _object(answer.body)
    text = ": ".join(str(said[key]) for key in ("code", "message") if said.get(key))
    if answer.location:
        text = f"redirected to {answer.location}; set host to the server's final address"
    return f"the server answered {answer.status}" + (f": {text}" if text else "")


def refused_items(body: bytes) -> list[str]:
    """The reasons of single events that were not taken, from the answer to a batch."""
    rejected = _object(body).get("rejected")
    if not isinstance(rejected, list):
        return []
    return [
        f"event {item.get('index')}: {item.get('code')}: {item.get('message')}"
        for item in rejected
        if isinstance(item, dict)
    ]


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
