"""WSGI middleware: Flask, Bottle, Falcon, Pyramid and any other WSGI application.

from antiphon_sdk.wsgi import AntiphonMiddleware
from antiphon_sdk import header

app.wsgi_app = AntiphonMiddleware(app.wsgi_app, user=lambda environ: OWNERS.get(header(environ, "x-api-key")))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from antiphon_sdk._calls import SERVER_ERROR, Recorder, length
from antiphon_sdk._routes import braced
from antiphon_sdk.caller import KEY, Answer
from antiphon_sdk.client import Client

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class AntiphonMiddleware:
    """Captures each call as an `api_call` event. Bodies and queries are never looked at."""

    def __init__(
        self,
        app: App,
        *,
        user: Callable[[Environ], Answer] | None = None,
        client: Client | None = None,
        write_key: str | None = None,
        host: str | None = None,
        properties: Callable[[Environ], Mapping[str, Any] | None] | None = None,
        route: Callable[[Environ], str | None] | None = None,
        exclude: Iterable[str] = (),
        sample_rate: float = 1.0,
        sdk_header: str = "x-sdk",
        api_version_header: str = "x-api-version",
    ) -> None:
        """`user(environ)` says who called: a user id, (user id, company id), a `Caller`, or None: not counted.

        It is asked when the application starts its answer: `flask.g` and `flask.request` are still at hand then.
        Without it, the caller is what the application left in `environ["antiphon.user"]`. `route(environ)` names the route template where the framework is not Flask (or
        another of Werkzeug's). The others are as in `antiphon_sdk.asgi`.
        """
        self._app = app
        self.client = client or Client(write_key, host)
        self._recorder = Recorder(self.client, exclude=exclude, sample_rate=sample_rate)
        self._user = user or _left_by_the_application
        self._properties = properties
        self._route = route or _werkzeug_route
        self._sdk_key = "HTTP_" + sdk_header.upper().replace("-", "_")
        self._version_key = "HTTP_" + api_version_header.upper().replace("-", "_")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the call through the application, and note how it went when its answer is complete."""
        path = _path(environ)
        if self._recorder.excludes(path):
            return self._app(environ, start_response)
        call = _Watched(self._note, environ, path)

        def started(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            call.status = int(status[:3])
            call.headers = headers
            self._ask(call)
            return start_response(status, headers, *exc_info)

        try:
            body = self._app(environ, started)
        except BaseException:
            call.status = call.status or SERVER_ERROR
            call.finish()
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            # the server sends the file itself, faster than through us; its size is the header's
            call.sent = call.declared()
            call.finish()
            return body
        call.body = body
        return call

    def _ask(self, call: _Watched) -> None:
        """Who called, and which route it was, as long as the framework still knows."""
        call.asked = True
        try:
            call.answer = self._user(call.environ)
            if call.answer is not None:
                call.extra = self._properties(call.environ) if self._properties is not None else None
                call.route = self._route(call.environ)
        except Exception as error:  # noqa: BLE001 - the application's own code; its call is served all the same
            call.answer = None
            self._recorder.complain("user, properties or route", error)

    def _note(self, call: _Watched, took: float) -> None:
        if not call.asked:
            self._ask(call)
        environ = call.environ
        self._recorder.record(
            call.started,
            took,
            environ.get("REQUEST_METHOD", ""),
            call.path,
            call.route,
            call.status or SERVER_ERROR,
            length(environ.get("CONTENT_LENGTH")),
            call.sent,
            environ.get("HTTP_USER_AGENT"),
            environ.get(self._sdk_key),
            environ.get(self._version_key),
            call.answer,
            call.extra,
        )


class _Watched:
    """The body on its way out: counts its bytes, and notes the call when it ends or the server closes it."""

    def __init__(self, note: Callable[[_Watched, float], None], environ: Environ, path: str) -> None:
        self._note: Callable[[_Watched, float], None] | None = note
        self.environ = environ
        self.path = path
        self.started = time.time()
        self._begin = time.perf_counter()
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.sent: int | None = 0
        self.body: Iterable[bytes] = ()
        self.asked = False
        self.answer: Answer = None
        self.extra: Mapping[str, Any] | None = None
        self.route: str | None = None
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self.body)
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self.finish()
            raise
        except BaseException:
            self.status = SERVER_ERROR
            raise
        self.sent = (self.sent or 0) + len(chunk)
        return chunk

    def __len__(self) -> int:
        """As long as the body itself, so that a server can still derive Content-Length of a one-part answer."""
        return len(self.body)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - TypeError is the answer

    def close(self) -> None:
        """Called by the server at the end, also when the client went away."""
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        finally:
            self.finish()

    def declared(self) -> int | None:
        """The Content-Length that the application set."""
        return next((length(value) for name, value in self.headers if name.lower() == "content-length"), None)

    def finish(self) -> None:
        """Note the call, once."""
        note, self._note = self._note, None
        if note is not None:
            note(self, time.perf_counter() - self._begin)


def _path(environ: Environ) -> str:
    """The whole path as text; WSGI hands over UTF-8 bytes dressed as Latin-1."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _left_by_the_application(environ: Environ) -> Answer:
    return environ.get(KEY)


def _werkzeug_route(environ: Environ) -> str | None:
    """The rule that Flask matched, with the prefix under which the application is mounted."""
    rule = getattr(getattr(environ.get("werkzeug.request"), "url_rule", None), "rule", None)
    return environ.get("SCRIPT_NAME", "") + braced(rule) if isinstance(rule, str) else None
