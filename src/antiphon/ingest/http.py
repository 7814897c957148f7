"""The door: `POST /v1/batch` and its kin as a bare ASGI app; 2xx only after the events are on disk."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
from prometheus_client import CollectorRegistry

from antiphon.errors import AntiphonError, Unauthorized
from antiphon.ingest import answers, body, steps
from antiphon.ingest.access import AccessReader, secret_of
from antiphon.ingest.answers import Answer
from antiphon.ingest.drops import Drop, Rejection
from antiphon.ingest.measures import Measures
from antiphon.ingest.parse import Batch, Parser
from antiphon.ingest.plain import PlainBatches
from antiphon.ingest.pressure import Pressure
from antiphon.ingest.redact import Redactor
from antiphon.ingest.settings import IngestSettings
from antiphon.ingest.sources.segment import CALLS, Receipt, milliseconds, to_event
from antiphon.model.clock import SECOND, Clock
from antiphon.model.event import Event
from antiphon.store.log import Packed, packed_batches

BATCH = "batch"
ROUTES = {"/v1/batch": BATCH, "/batch": BATCH} | {f"/v1/{call}": call for call in CALLS}
"""What each address takes; a slash at the end does not matter."""

TURN = 1_000
"""Events converted before other requests get their turn."""

log = structlog.get_logger(__name__)


class Appender(Protocol):
    """Where accepted events go."""

    async def append(self, batches: Sequence[Packed]) -> None:
        """Return once they are on disk; raise Unavailable when none of them is."""
        ...


def new_message_id() -> str:
    """An id for an event that came without one."""
    return str(uuid.uuid4())


class IngestApp:
    """Takes events in over HTTP; one for each event loop."""

    def __init__(
        self,
        appender: Appender,
        access: AccessReader,
        pressure: Pressure,
        settings: IngestSettings,
        clock: Clock,
        registry: CollectorRegistry,
        new_id: Callable[[], str] = new_message_id,
    ) -> None:
        """`registry` takes the metrics `antiphon_ingest_*`."""
        self._appender = appender
        self._access = access
        self._pressure = pressure
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._parser = Parser(settings.max_event_bytes)
        self._bounds = steps.Bounds(settings.ahead_s * SECOND, settings.lateness_s * SECOND)
        self._redactor = Redactor(())
        self._plain = PlainBatches(settings.max_event_bytes, self._bounds, ())
        self._measures = Measures(registry)

    async def __call__(self, scope: Any, receive: body.Receive, send: answers.Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            raise RuntimeError(f"ingest answers HTTP, not {scope['type']}")
        if scope["method"] == "OPTIONS":
            await answers.write_preflight(send)
            return
        began = time.perf_counter()
        try:
            answer = await self._answer(scope, receive, began)
        except AntiphonError as error:
            answer = answers.of_error(error)
        except body.Disconnected:
            return
        except Exception:
            log.exception("ingest failed", path=scope["path"])
            answer = answers.refusal(500, "error", "Something went wrong here; nothing of the request was stored.")
        self._measures.request(answer.status, time.perf_counter() - began)
        await answers.write(send, answer)

    async def _answer(self, scope: Any, receive: body.Receive, began: float) -> Answer:
        route = ROUTES.get(scope["path"].rstrip("/"))
        if route is None:
            return answers.refusal(404, "not_found", f"There is nothing at {scope['path'][:100]}.")
        if scope["method"] != "POST":
            answer = answers.refusal(405, "method_not_allowed", "Events are sent with POST.")
            return Answer(answer.status, answer.body, [(b"allow", b"POST, OPTIONS")])
        self._pressure.check()
        headers = dict(scope["headers"])
        secret = secret_of(headers.get(b"authorization", b""))
        key = None if secret is None else await self._access.find(secret)
        settings = self._settings
        data = await body.read(receive, headers, settings.max_body_bytes, settings.body_timeout_s)
        received_at = self._clock()
        read = time.perf_counter()
        if route == BATCH and key is not None:
            packed = self._current_plain().pack(data, received_at, key.source)
            if packed is not None:
                done = time.perf_counter()
                await self._appender.append([packed])
                self._measure(packed.count, len(data), [began, read, done, done, time.perf_counter()])
                return answers.success(packed.count, [])
        parsed = self._parser.batch(data) if route == BATCH else self._parser.call(data, route)
        if key is None:
            if not parsed.write_key:
                raise Unauthorized('Send a key: as the user name of HTTP Basic, as a Bearer token, or as "writeKey".')
            key = await self._access.find(parsed.write_key)
        done = time.perf_counter()
        events, rejected = await self._convert(parsed, received_at, key.source)
        converted = time.perf_counter()
        await self._appender.append(packed_batches(events))
        self._measure(len(events), len(data), [began, read, done, converted, time.perf_counter()])
        for rejection in rejected:
            self._measures.drop(rejection.code)
        if events or not rejected:
            return answers.success(len(events), rejected)
        first = rejected[0]
        if route != BATCH:
            return answers.refusal(413 if first.code == "too_large" else 400, first.code, f"{first.message}.")
        message = f"None of the {len(rejected)} events can be taken; the first because: {first.message}."
        return answers.refusal(400, "invalid_input", message, rejected)

    async def _convert(self, parsed: Batch, received_at: int, source: str) -> tuple[list[Event], list[Rejection]]:
        skew = 0 if parsed.sent_at is None else received_at - milliseconds(parsed.sent_at)
        receipt = Receipt(received_at, source, skew, self._new_id)
        bounds = self._bounds
        redactor = self._current_redactor()
        events: list[Event] = []
        rejected: list[Rejection] = []
        for index, item in enumerate(parsed.items):
            made = item if isinstance(item, Drop) else to_event(item, receipt)
            dropped = made if isinstance(made, Drop) else steps.run(made, bounds)
            if dropped is not None:
                rejected.append(_rejection(index, parsed, dropped))
            elif isinstance(made, Event):
                redactor.redact(made.properties)
                if made.context:
                    redactor.redact(made.context)
                events.append(made)
            if index % TURN == TURN - 1:
                await asyncio.sleep(0)
        return events, rejected

    def _measure(self, events: int, size: int, moments: list[float]) -> None:
        measures = self._measures
        measures.stages(moments)
        measures.bytes.inc(size)
        measures.accepted.inc(events)

    def _current_plain(self) -> PlainBatches:
        keys = tuple(self._access.redact_keys)
        if self._plain.redact_keys != keys:
            self._plain = PlainBatches(self._settings.max_event_bytes, self._bounds, keys)
        return self._plain

    def _current_redactor(self) -> Redactor:
        keys = self._access.redact_keys
        if self._redactor.keys != tuple(keys):
            self._redactor = Redactor(keys)
        return self._redactor


def _rejection(index: int, parsed: Batch, dropped: Drop) -> Rejection:
    item = parsed.items[index]
    message_id = parsed.message_ids.get(index) if isinstance(item, Drop) else item.message_id
    return Rejection(index, None if message_id is None else str(message_id), dropped.reason, dropped.message)
