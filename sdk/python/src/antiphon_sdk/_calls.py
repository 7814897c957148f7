"""A captured API call, and what the three middlewares share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from antiphon_sdk import _wire
from antiphon_sdk._routes import Route, full_template
from antiphon_sdk.caller import Answer, as_caller
from antiphon_sdk.client import Client
from antiphon_sdk.failure import Failure

EVENT = "api_call"
SERVER_ERROR = 500
CLIENT_GONE = 499
"""Status of a call whose client hung up before the answer, as in access logs."""


class Call(NamedTuple):
    """One call as the hot path leaves it; the background thread makes JSON of it. Times in seconds."""

    new_id: Callable[[], str]
    report: Callable[[Failure], None]
    started: float
    took: float
    method: str
    path: str
    route: Route | str | None
    status: int
    request_bytes: int | None
    response_bytes: int | None
    user_agent: str | None
    sdk: str | None
    api_version: str | None
    answer: Answer
    weight: float
    extra: Mapping[str, Any] | None

    def encode(self) -> bytes:
        """The event as JSON; raises TypeError or ValueError when the application gave what has no JSON form."""
        caller = as_caller(self.answer)
        if caller is None:
            raise ValueError("the user callable named nobody")
        event: dict[str, Any] = {
            "type": "track",
            "event": EVENT,
            "messageId": self.new_id(),
            "timestamp": _wire.iso(self.started),
            "properties": self._properties(),
        }
        if caller.user_id:
            event["userId"] = caller.user_id
        if caller.anonymous_id:
            event["anonymousId"] = caller.anonymous_id
        if caller.company_id:
            event["context"] = {"groupId": caller.company_id}
        if self.weight != 1:
            event["weight"] = self.weight
        data = _wire.encode(event)
        if len(data) > _wire.MAX_EVENT:
            raise ValueError(f"{len(data)} bytes; {_wire.MAX_EVENT} is the most")
        return data

    def _properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "method": self.method,
            "route": full_template(self.route) if isinstance(self.route, Route) else self.route,
            "path": self.path,
            "status": self.status,
            "latency_ms": round(self.took * 1000, 3),
            "request_bytes": self.request_bytes,
            "response_bytes": self.response_bytes,
            "user_agent": self.user_agent,
            "sdk": self.sdk,
            "api_version": self.api_version,
        }
        properties = {name: value for name, value in properties.items() if value is not None}
        if self.extra:
            properties.update(self.extra)
        return properties


class Recorder:
    """Options of a middleware, and the way from a finished call into the client's queue."""

    def __init__(
        self,
        client: Client,
        *,
        exclude: Iterable[str] = (),
        sample_rate: float = 1.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`exclude` holds paths, or their beginnings with a `*` at the end; `sample_rate` is in (0, 1]."""
        if isinstance(exclude, str):
            exclude = (exclude,)
        if not 0 < sample_rate <= 1:
            raise ValueError(f"sample_rate is above 0 and at most 1, got {sample_rate}")
        self.client = client
        self._put = client.put
        self._new_id = client.new_id
        self._report = client.report
        self._paths = frozenset(path for path in exclude if not path.endswith("*"))
        self._beginnings = tuple(path[:-1] for path in exclude if path.endswith("*"))
        self._rate = sample_rate
        self._chance = chance

    def excludes(self, path: str) -> bool:
        """Whether calls of this path are not captured."""
        return path in self._paths or (bool(self._beginnings) and path.startswith(self._beginnings))

    def record(  # noqa: PLR0917 - on the hot path, where keywords cost
        self,
        started: float,
        took: float,
        method: str,
        path: str,
        route: Route | str | None,
        status: int,
        request_bytes: int | None,
        response_bytes: int | None,
        user_agent: str | None,
        sdk: str | None,
        api_version: str | None,
        answer: Answer,
        extra: Mapping[str, Any] | None,
    ) -> None:
        """Queue a call, if somebody made it and the sample takes it. Failed calls (4xx, 5xx) are always taken."""
        if answer is None:
            return
        weight = 1.0
        if self._rate < 1 and status < 400:  # noqa: PLR2004 - HTTP's own classes
            if self._chance() >= self._rate:
                return
            weight = 1 / self._rate
        self._put(
            Call(
                self._new_id,
                self._report,
                started,
                took,
                method,
                path,
                route,
                status,
                request_bytes,
                response_bytes,
                user_agent,
                sdk,
                api_version,
                answer,
                weight,
                extra,
            )
        )

    def complain(self, what: str, error: Exception) -> None:
        """The application's own callable raised; the call it was about is served, and not counted."""
        self._report(
            Failure("caller_failed", f"the {what} callable raised {type(error).__name__}: {error}", 1, error=error)
        )


def length(value: bytes | str | None) -> int | None:
    """The number in a Content-Length header; None when it is missing or none."""
    if not value:
        return None
    try:
        return max(0, int(value))
    except ValueError:
        return None
