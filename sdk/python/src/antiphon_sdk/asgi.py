"""ASGI middleware: FastAPI, Starlette, Litestar, Quart, Django Channels and any other ASGI application.

from antiphon_sdk.asgi import AntiphonMiddleware
from antiphon_sdk import header

app.add_middleware(AntiphonMiddleware, user=lambda scope: OWNERS.get(header(scope, "x-api-key")))
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Union

from antiphon_sdk._calls import CLIENT_GONE, SERVER_ERROR, Recorder, length
from antiphon_sdk._routes import Route
from antiphon_sdk.caller import KEY, Answer
from antiphon_sdk.client import Client

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
WhoseCall = Callable[[Scope], Union[Answer, Awaitable[Answer]]]


class AntiphonMiddleware:
    """Captures each HTTP call as an `api_call` event; websockets pass by. Bodies and queries are never looked at."""

    def __init__(
        self,
        app: App,
        *,
        user: WhoseCall | None = None,
        client: Client | None = None,
        write_key: str | None = None,
        host: str | None = None,
        properties: Callable[[Scope], Mapping[str, Any] | None] | None = None,
        exclude: Iterable[str] = (),
        sample_rate: float = 1.0,
        sdk_header: str = "x-sdk",
        api_version_header: str = "x-api-version",
    ) -> None:
        """`user(scope)` says who called: a user id, (user id, company id), a `Caller`, or None: not counted.

        It may be async, and is asked after the answer has left, when `scope["state"]` holds what authentication
        found. Without it, the answer is what the application left in `scope["antiphon.user"]`.
        `properties(scope)` adds properties (an error code, a region). `exclude` holds paths, or their beginnings
        with a `*` at the end. With a `sample_rate` below 1, successful calls are sampled and weighted; failed ones
        are all sent. Pass a `client`, or `write_key` and `host` for one of its own.
        """
        self._app = app
        self.client = client or Client(write_key, host)
        self._recorder = Recorder(self.client, exclude=exclude, sample_rate=sample_rate)
        self._user = user or _left_by_the_application
        self._properties = properties
        self._sdk_header = sdk_header.lower().encode()
        self._version_header = api_version_header.lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the call through the application, and note how it went."""
        if scope["type"] != "http" or self._recorder.excludes(scope["path"]):
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        started = time.time()
        begin = time.perf_counter()
        status = 0
        sent: int | None = 0
        ended = 0.0

        async def watched(message: Message) -> None:
            nonlocal status, sent, ended
            kind = message["type"]
            if kind == "http.response.body":
                body = message.get("body")
                if body and sent is not None:
                    sent += len(body)
                await send(message)
                if not message.get("more_body", False):
                    ended = time.perf_counter()
                return
            if kind == "http.response.start":
                status = message["status"]
            elif kind == "http.response.pathsend":  # the server reads the file: its size is the header's
                sent = None
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = status or SERVER_ERROR
            raise
        except BaseException:  # cancelled: the client is gone, or the server goes down
            status = status or CLIENT_GONE
            raise
        finally:
            took = (ended or time.perf_counter()) - begin
            await self._note(scope, path, started, took, status or SERVER_ERROR, sent)

    async def _note(self, scope: Scope, path: str, started: float, took: float, status: int, sent: int | None) -> None:
        recorder = self._recorder
        try:
            answer = self._user(scope)
            if answer is not None and not isinstance(answer, (str, int, tuple)) and inspect.isawaitable(answer):
                answer = await answer
            if answer is None:
                return
            extra = self._properties(scope) if self._properties is not None else None
        except Exception as error:  # noqa: BLE001 - the application's own code; its call has been served
            recorder.complain("user or properties", error)
            return
        size = agent = sdk = version = None
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value.decode("latin-1")
            elif name == b"content-length":
                size = length(value)
            elif name == self._sdk_header:
                sdk = value.decode("latin-1")
            elif name == self._version_header:
                version = value.decode("latin-1")
        recorder.record(
            started,
            took,
            scope["method"],
            path,
            _route(scope, path),
            status,
            size,
            sent,
            agent,
            sdk,
            version,
            answer,  # pyright: ignore[reportArgumentType] - awaited above
            extra,
        )


def _left_by_the_application(scope: Scope) -> Answer:
    return scope.get(KEY)


def _route(scope: Scope, path: str) -> Route | None:
    """The template that the framework matched: Starlette's and FastAPI's `route`, Litestar's `path_template`."""
    route = scope.get("route")
    if route is None:
        template = scope.get("path_template")
        return Route(template, path, scope.get("path_params")) if isinstance(template, str) else None
    fastapi = scope.get("fastapi")
    if fastapi is not None:  # newer FastAPI: a route knows its part only, the context of the request knows all
        context = fastapi.get("effective_route_context")
        whole = getattr(context, "path_format", None)
        if isinstance(whole, str) and getattr(context, "original_route", None) is route:
            return Route(whole, path, scope.get("path_params"))
    template = getattr(route, "path", None)
    if not isinstance(template, str):
        return None
    if not hasattr(route, "endpoint"):  # a mount, of which the application inside matched nothing that it names
        return Route(template, scope.get("root_path", ""), scope.get("path_params"), mounted=True)
    return Route(template, path, scope.get("path_params"))
