"""Django middleware, for WSGI and ASGI deployments alike.

MIDDLEWARE = ["antiphon_sdk.django.AntiphonMiddleware", *MIDDLEWARE]
ANTIPHON = {"write_key": "awk_...", "host": "https://antiphon.example.com"}
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Union, cast

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from antiphon_sdk._calls import CLIENT_GONE, SERVER_ERROR, Recorder, length
from antiphon_sdk._routes import from_django
from antiphon_sdk.caller import Answer
from antiphon_sdk.client import Client

OPTIONS = frozenset(
    {"client", "write_key", "host", "user", "properties", "exclude", "sample_rate", "sdk_header", "api_version_header"}
)

WhoseCall = Callable[[HttpRequest], Union[Answer, Awaitable[Answer]]]


class AntiphonMiddleware:
    """Captures each call as an `api_call` event. Bodies and queries are never looked at.

    The setting ANTIPHON holds the options of `antiphon_sdk.asgi`; its callables get the request, and may be dotted
    paths. Without `user`, the caller is what a view left in `request.antiphon_user`, else `request.user` when signed in.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Read settings.ANTIPHON; raises ImproperlyConfigured for an option that does not exist."""
        options: dict[str, Any] = dict(getattr(settings, "ANTIPHON", {}))
        unknown = sorted(set(options) - OPTIONS)
        if unknown:
            raise ImproperlyConfigured(
                f"ANTIPHON has no option {', '.join(unknown)}; it has {', '.join(sorted(OPTIONS))}"
            )
        for name in ("client", "user", "properties"):
            if isinstance(options.get(name), str):
                options[name] = import_string(options[name])
        self._get_response = get_response
        self.client: Client = options.get("client") or Client(options.get("write_key"), options.get("host"))
        self._recorder = Recorder(
            self.client, exclude=options.get("exclude", ()), sample_rate=options.get("sample_rate", 1.0)
        )
        self._user: WhoseCall | None = options.get("user")
        self._properties: Callable[[HttpRequest], Mapping[str, Any] | None] | None = options.get("properties")
        self._sdk_key = _meta_key(options.get("sdk_header", "x-sdk"))
        self._version_key = _meta_key(options.get("api_version_header", "x-api-version"))
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve the call, and note how it went."""
        if self._async:
            return self._serve_async(request)
        if self._recorder.excludes(request.path):
            return self._get_response(request)
        started, begin = time.time(), time.perf_counter()
        try:
            response = self._get_response(request)
        except BaseException:
            self._note(request, self._ask(request), started, begin, SERVER_ERROR, None)
            raise
        return self._watch(request, response, self._ask(request), started, begin)

    async def _serve_async(self, request: HttpRequest) -> Any:
        if self._recorder.excludes(request.path):
            return await self._get_response(request)
        started, begin = time.time(), time.perf_counter()
        try:
            response = await self._get_response(request)
        except Exception:
            self._note(request, await self._ask_async(request), started, begin, SERVER_ERROR, None)
            raise
        except BaseException:
            self._note(request, await self._ask_async(request), started, begin, CLIENT_GONE, None)
            raise
        return self._watch(request, response, await self._ask_async(request), started, begin)

    def _watch(
        self, request: HttpRequest, response: HttpResponseBase, answer: Answer, started: float, begin: float
    ) -> HttpResponseBase:
        """Note a complete answer at once, a streamed one when the server closes it."""
        if answer is None:
            return response
        status = response.status_code
        if isinstance(response, HttpResponse):
            self._note(request, answer, started, begin, status, len(response.content))
            return response
        counted: list[int | None] = [length(response.headers.get("Content-Length"))]
        if isinstance(response, StreamingHttpResponse) and getattr(response, "file_to_stream", None) is None:
            counted = [0]
            parts: Any = response.streaming_content
            response.streaming_content = (
                _counted_async(parts, counted) if response.is_async else _counted(parts, counted)
            )
        close = response.close
        noted: list[bool] = []

        def closed() -> None:
            close()
            if not noted:
                noted.append(True)
                self._note(request, answer, started, begin, status, counted[0])

        response.close = closed
        return response

    def _ask(self, request: HttpRequest) -> Answer:
        try:
            if self._user is not None:
                return cast("Answer", self._user(request))
            left: Answer = getattr(request, "antiphon_user", None)
            return left if left is not None else _signed_in(getattr(request, "user", None))
        except Exception as error:  # noqa: BLE001 - the application's own code; its call has been served
            self._recorder.complain("user", error)
            return None

    async def _ask_async(self, request: HttpRequest) -> Answer:
        try:
            if self._user is not None:
                answer = self._user(request)
                return await answer if isawaitable(answer) else answer
            left: Answer = getattr(request, "antiphon_user", None)
            if left is not None:
                return left
            load = getattr(request, "auser", None)
            return _signed_in(await load()) if load is not None else None
        except Exception as error:  # noqa: BLE001 - the application's own code; its call has been served
            self._recorder.complain("user", error)
            return None

    def _note(
        self, request: HttpRequest, answer: Answer, started: float, begin: float, status: int, sent: int | None
    ) -> None:
        took = time.perf_counter() - begin
        if answer is None:
            return
        try:
            extra = self._properties(request) if self._properties is not None else None
        except Exception as error:  # noqa: BLE001 - the application's own code; its call has been served
            self._recorder.complain("properties", error)
            return
        meta: dict[str, Any] = request.META
        matched = getattr(request.resolver_match, "route", None)
        self._recorder.record(
            started,
            took,
            request.method or "",
            request.path,
            _prefix(meta) + from_django(matched) if isinstance(matched, str) else None,
            status,
            length(meta.get("CONTENT_LENGTH")),
            sent,
            meta.get("HTTP_USER_AGENT"),
            meta.get(self._sdk_key),
            meta.get(self._version_key),
            answer,
            extra,
        )


def _signed_in(user: Any) -> Answer:
    """The primary key of a signed-in user."""
    return str(user.pk) if user is not None and user.is_authenticated else None


def _meta_key(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


def _prefix(meta: Mapping[str, Any]) -> str:
    """Where the application is mounted: a part of the path that no URL pattern knows."""
    return str(meta.get("SCRIPT_NAME", "")).rstrip("/")


def _counted(parts: Iterator[bytes], count: list[int | None]) -> Iterator[bytes]:
    for part in parts:
        count[0] = (count[0] or 0) + len(part)
        yield part


async def _counted_async(parts: AsyncIterator[bytes], count: list[int | None]) -> AsyncIterator[bytes]:
    async for part in parts:
        count[0] = (count[0] or 0) + len(part)
        yield part
