"""The client: what an application says to Antiphon."""

from __future__ import annotations

import atexit
import logging
import os
import random
import ssl
import time
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Optional, Union

from antiphon_sdk import _wire
from antiphon_sdk._delivery import Delivery
from antiphon_sdk._ids import Ids
from antiphon_sdk._transport import Transport
from antiphon_sdk._worker import Later, Worker
from antiphon_sdk.failure import Failure
from antiphon_sdk.messages import Messages

logger = logging.getLogger("antiphon_sdk")

When = Union[datetime, float, None]
"""When it happened: a datetime (naive is local time), seconds since the epoch, or None for now."""

Json = Optional[Mapping[str, Any]]


class Stats(NamedTuple):
    """Events since the process began, and how often a batch was sent again."""

    waiting: int
    sent: int
    dropped: int
    retries: int


class Client:
    """Sends events in the background. Thread-safe, fork-safe, and silent: it never raises into the application.

    What cannot be delivered is logged (logger `antiphon_sdk`), counted (`stats()`) and given to `on_error`.
    """

    def __init__(
        self,
        write_key: str | None = None,
        host: str | None = None,
        server_key: str | None = None,
        *,
        flush_at: int = 100,
        flush_interval: float = 1.0,
        max_queue: int = 10_000,
        timeout: float = 10.0,
        max_retries: int = 12,
        backoff_base: float = 0.5,
        backoff_most: float = 30.0,
        shutdown_timeout: float = 5.0,
        gzip: bool = True,
        disabled: bool = False,
        debug: bool = False,
        on_error: Callable[[Failure], None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Keys and host default to ANTIPHON_WRITE_KEY, ANTIPHON_SERVER_KEY and ANTIPHON_URL in the environment.

        A batch leaves when `flush_at` events or 500 kB wait, or `flush_interval` seconds after the last one.
        `max_queue` events are held while the server is away; later ones are dropped and counted. Times are in
        seconds. `disabled` takes every call, checks it, and sends nothing: for the application's own tests.
        """
        self._on_error = on_error
        self._new_id = Ids()
        self._shutdown_timeout = shutdown_timeout
        self._closed = False
        self._complaints: dict[str, float] = {}
        if debug:
            logger.setLevel(logging.DEBUG)
            if not logger.handlers:
                logger.addHandler(logging.StreamHandler())
        write_key = write_key or os.environ.get("ANTIPHON_WRITE_KEY", "")
        server_key = server_key or os.environ.get("ANTIPHON_SERVER_KEY", "")
        host = host or os.environ.get("ANTIPHON_URL", "")
        self.disabled = disabled or not self._configured(host, write_key or server_key)

        def transport(key: str) -> Transport:
            return Transport(host, key, timeout=timeout, use_gzip=gzip, ssl_context=ssl_context)

        def connect(pause: Callable[[float], bool]) -> tuple[Delivery, Callable[[], None]]:
            line = transport(write_key) if not self.disabled else None
            delivery = Delivery(
                line.post if line else _nowhere,
                max_retries=max_retries,
                backoff_base=backoff_base,
                backoff_most=backoff_most,
                pause=pause,
                report=self._report,
                random=random.random,
            )
            return delivery, line.close if line else _nothing

        self._worker = Worker(
            connect, flush_at=flush_at, flush_interval=flush_interval, max_queue=max_queue, report=self._report
        )
        self.messages = Messages(
            (lambda: transport(server_key)) if server_key else None,
            max_retries=min(max_retries, 3),
            backoff_base=backoff_base,
            backoff_most=backoff_most,
            report=self._report,
            new_id=self._new_id,
            random=random.random,
            disabled=self.disabled,
        )
        _survive_fork(self)
        self._at_exit = _flush_at_exit(self)

    # -- what happened ----------------------------------------------------------------------------------------------

    def track(
        self,
        event: str,
        properties: Json = None,
        *,
        user_id: str | int | None = None,
        anonymous_id: str | None = None,
        company_id: str | int | None = None,
        timestamp: When = None,
        weight: float | None = None,
        context: Json = None,
        message_id: str | None = None,
    ) -> str | None:
        """Somebody did something. Answers the event's message id, or None when it was not taken.

        A user, an anonymous id or a company is needed. `weight` multiplies counts (2 for a sample of 50 %).
        """
        body: dict[str, Any] = {"event": event, "properties": properties or {}}
        if weight is not None:
            body["weight"] = weight
        if not event:
            return self._invalid("track needs the name of an event")
        return self._put("track", body, user_id, anonymous_id, company_id, timestamp, context, message_id)

    def identify(
        self,
        user_id: str | int | None,
        traits: Json = None,
        *,
        anonymous_id: str | None = None,
        timestamp: When = None,
        context: Json = None,
        message_id: str | None = None,
    ) -> str | None:
        """Who a user is: name, email, plan, role... With an `anonymous_id`, what that one did becomes the user's."""
        body = {"traits": traits or {}}
        return self._put("identify", body, user_id, anonymous_id, None, timestamp, context, message_id)

    def group(
        self,
        company_id: str | int,
        traits: Json = None,
        *,
        user_id: str | int | None = None,
        anonymous_id: str | None = None,
        timestamp: When = None,
        context: Json = None,
        message_id: str | None = None,
    ) -> str | None:
        """What a company is, and that the user belongs to it."""
        if company_id is None or company_id == "":  # pyright: ignore[reportUnnecessaryComparison] - untyped callers
            return self._invalid("group needs the id of a company")
        body = {"groupId": str(company_id), "traits": traits or {}}
        return self._put("group", body, user_id, anonymous_id, company_id, timestamp, context, message_id)

    def alias(
        self,
        previous_id: str | int,
        user_id: str | int,
        *,
        timestamp: When = None,
        context: Json = None,
        message_id: str | None = None,
    ) -> str | None:
        """From now on `previous_id` (an anonymous or a former id) means `user_id`."""
        if previous_id is None or previous_id == "":  # pyright: ignore[reportUnnecessaryComparison] - untyped callers
            return self._invalid("alias needs the previous id")
        body = {"previousId": str(previous_id)}
        return self._put("alias", body, user_id, None, None, timestamp, context, message_id)

    def page(self, name: str | None = None, properties: Json = None, **about: Any) -> str | None:
        """Somebody saw a page; keywords as in `track`, and `category`."""
        return self._seen("page", name, properties, **about)

    def screen(self, name: str | None = None, properties: Json = None, **about: Any) -> str | None:
        """Somebody saw a screen; keywords as in `track`, and `category`."""
        return self._seen("screen", name, properties, **about)

    def _seen(
        self,
        kind: str,
        name: str | None,
        properties: Json,
        *,
        category: str | None = None,
        user_id: str | int | None = None,
        anonymous_id: str | None = None,
        company_id: str | int | None = None,
        timestamp: When = None,
        context: Json = None,
        message_id: str | None = None,
    ) -> str | None:
        body: dict[str, Any] = {"name": name, "category": category, "properties": properties or {}}
        body = {key: value for key, value in body.items() if value is not None}
        return self._put(kind, body, user_id, anonymous_id, company_id, timestamp, context, message_id)

    # -- its life ---------------------------------------------------------------------------------------------------

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Wait until all events so far are taken (or given up); False when `timeout` seconds were too short."""
        return self._worker.flush(timeout)

    def shutdown(self, timeout: float | None = None) -> None:
        """Send what waits, within `timeout` seconds (`shutdown_timeout` when None), and stop. Also done at exit."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self._at_exit)
        left = self._worker.shutdown(self._shutdown_timeout if timeout is None else timeout)
        self.messages.close()
        if left:
            self._report(Failure("shutdown", "the deadline of the shutdown came before the server took them", left))

    def stats(self) -> Stats:
        """What became of this process's events."""
        return Stats(*self._worker.counts())

    def __enter__(self) -> Client:  # noqa: PYI034 - Self came with Python 3.11
        """The client itself; leaving the block shuts it down."""
        return self

    def __exit__(self, *_: object) -> None:
        """Shut down."""
        self.shutdown()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _put(
        self,
        kind: str,
        body: dict[str, Any],
        user_id: str | int | None,
        anonymous_id: str | None,
        company_id: str | int | None,
        timestamp: When,
        context: Json,
        message_id: str | None,
    ) -> str | None:
        """Encode here and now, so that later changes of the caller's objects change nothing; then queue."""
        known = [part for part in (user_id, anonymous_id, company_id) if part is not None and part != ""]
        if not known:
            return self._invalid(f"{kind} needs a user_id, an anonymous_id or a company_id")
        message_id = message_id or self._new_id()
        event: dict[str, Any] = {"type": kind, "messageId": message_id, **body}
        if user_id is not None and user_id != "":
            event["userId"] = str(user_id)
        if anonymous_id:
            event["anonymousId"] = str(anonymous_id)
        if company_id is not None and kind != "group":
            context = {**(context or {}), "groupId": str(company_id)}
        if context:
            event["context"] = context
        try:
            event["timestamp"] = _wire.iso(time.time() if timestamp is None else timestamp)
            data = _wire.encode(event)
        except Exception as error:  # noqa: BLE001 - whatever the caller's objects do, the caller is not to blame twice
            return self._invalid(f"{kind} has no JSON form: {error}", error)
        if len(data) > _wire.MAX_EVENT:
            self._report(Failure("too_large", f"{kind} is {len(data)} bytes; {_wire.MAX_EVENT} is the most", 1))
            return None
        logger.debug("queued %s %s", kind, message_id)
        return message_id if self.put(data) else None

    def put(self, item: bytes | Later) -> bool:
        """Queue an event that is encoded already, or later in the background: what the middlewares use."""
        if self.disabled:
            return True
        return self._worker.put(item)

    def new_id(self) -> str:
        """A message id: unique, and stable over the retries of its event."""
        return self._new_id()

    def report(self, failure: Failure) -> None:
        """Log a failure and hand it to `on_error`."""
        self._report(failure)

    def _invalid(self, message: str, error: BaseException | None = None) -> None:
        self._report(Failure("invalid_event", message, 1, error=error))

    def _configured(self, host: str, key: str) -> bool:
        if not host or not key:
            missing = "host (or ANTIPHON_URL)" if not host else "write_key (or ANTIPHON_WRITE_KEY)"
            self._report(Failure("misconfigured", f"{missing} is missing: nothing is sent"))
            return False
        try:
            Transport(host, key, timeout=1.0)
        except ValueError as error:
            self._report(Failure("misconfigured", f"{error}: nothing is sent", error=error))
            return False
        return True

    def _report(self, failure: Failure) -> None:
        """Once a minute for each reason at warning level; always to `on_error`, whose own errors stop here."""
        now = time.monotonic()
        loud = now - self._complaints.get(failure.reason, -60.0) >= 60.0  # noqa: PLR2004 - seconds
        if loud:
            self._complaints[failure.reason] = now
        logger.log(
            logging.WARNING if loud else logging.DEBUG,
            "%s: %s%s",
            failure.reason,
            failure.message,
            f" ({failure.events} events lost)" if failure.events else "",
        )
        if self._on_error is None:
            return
        try:
            self._on_error(failure)
        except Exception:
            logger.exception("on_error itself raised")

    def _forked(self) -> None:
        self._new_id.reset()
        self._worker.reset()
        self.messages.reset()


def _nowhere(path: str, body: bytes, headers: dict[str, str]) -> Any:
    raise OSError(f"the client is disabled: {path}, {len(body)} bytes, {len(headers)} headers")


def _nothing() -> None:
    """What a disabled client closes."""


def _survive_fork(client: Client) -> None:
    """In a forked child the client begins anew: the parent's events stay the parent's."""
    if not hasattr(os, "register_at_fork"):
        return
    reference = weakref.ref(client)

    def forked() -> None:
        living = reference()
        if living is not None:
            living._forked()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own module

    os.register_at_fork(after_in_child=forked)


def _flush_at_exit(client: Client) -> Callable[[], None]:
    """Shut the client down when the interpreter ends, if it still lives."""
    reference = weakref.ref(client)

    def leave() -> None:
        living = reference()
        if living is not None:
            living.shutdown()

    atexit.register(leave)
    return leave
