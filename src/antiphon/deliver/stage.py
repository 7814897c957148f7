"""The stage: the outbox to the recipient. Claim, render, look once more, hand over, record.

A crash before the message is handed over means that it is tried again; a crash while it is handed over makes it
`uncertain`, and behavioural mail is then never sent again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from antiphon.channels.email.mime import build_email
from antiphon.channels.provider import Provider
from antiphon.deliver.record import Recorder
from antiphon.deliver.settings import DeliverSettings
from antiphon.errors import InvalidInput
from antiphon.model.clock import Clock
from antiphon.model.message import OutgoingEmail
from antiphon.model.workspace import Workspace
from antiphon.store import outbox
from antiphon.store.committer import Committer
from antiphon.store.outbox import QueuedMessage
from antiphon.templates.content import Rendered, RenderRequest, TemplateContent
from antiphon.templates.links import sign_unsubscribe
from antiphon.templates.renderer import Renderer

log = structlog.get_logger(__name__)
IDLE_S = 1.0
RECONCILE_MS = 60_000
LANES = ("transactional", "behavioural")


class Deliverer:
    """Delivers what is due; `run` lives in one event loop until `close`.

    Claims are taken only for free places, so that a crash leaves at most `deliver_concurrency` messages half-way, and many at
    once when many wait, since a claim is a transaction: not before half of the places are free.
    """

    def __init__(
        self,
        committer: Committer,
        renderer: Renderer,
        provider: Provider | None,
        workspace: Callable[[], Workspace],
        recorder: Recorder,
        clock: Clock,
        settings: DeliverSettings,
        wait: Callable[[float], Awaitable[object]],
    ) -> None:
        """`provider` is None when mail goes to the built-in inbox; `wait(seconds)` sleeps until woken."""
        self._committer = committer
        self._renderer = renderer
        self._provider = provider
        self._workspace = workspace
        self._recorder = recorder
        self._clock = clock
        self._settings = settings
        self._wait = wait
        self._under_way: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._paused_until = dict.fromkeys(LANES, 0)
        self._closing = False
        self._reconciled_at = 0

    async def run(self) -> None:
        """Deliver until closed. A failing database is logged and tried again; nothing is lost by it."""
        recovered = await self._committer.run(lambda conn: outbox.recover(conn, self._clock()))
        log.info("outbox recovered", **recovered)
        while not self._closing:
            try:
                claimed, next_due = await self._claim()
            except Exception:
                log.exception("cannot claim messages; trying again")
                await asyncio.sleep(IDLE_S)
                continue
            for message in claimed:
                task = asyncio.create_task(self._deliver(message), name=f"message-{message.id}")
                self._under_way.add(task)
                task.add_done_callback(self._done)
            if not claimed:
                await self._wait(self._pause(next_due))
            while len(self._under_way) * 2 > self._settings.deliver_concurrency:
                self._freed.clear()
                await self._freed.wait()

    async def close(self) -> None:
        """Claim nothing more and wait for what is under way."""
        self._closing = True
        if self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Whether messages are under way."""
        return bool(self._under_way)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._freed.set()

    def _pause(self, next_due: int | None) -> float:
        if next_due is None:
            return IDLE_S
        return min(max(next_due - self._clock(), 10) / 1000, IDLE_S)

    async def _claim(self) -> tuple[list[QueuedMessage], int | None]:
        now = self._clock()
        free = min(self._settings.deliver_batch, self._settings.deliver_concurrency - len(self._under_way))
        lanes = [lane for lane in LANES if self._paused_until[lane] <= now]
        reconcile = now - self._reconciled_at > RECONCILE_MS
        if reconcile:
            self._reconciled_at = now

        def work(conn: Any) -> tuple[list[QueuedMessage], int | None]:
            if reconcile:
                outbox.resend_uncertain(conn, now)
            claimed = outbox.claim(conn, now, free, lanes)
            return claimed, None if claimed else outbox.next_due(conn)

        return await self._committer.run(work)

    async def _deliver(self, message: QueuedMessage) -> None:
        try:
            email = await self._make(message)
            if email is not None:
                await self._hand_over(message, email)
        except Exception as error:
            # Unexpected: the message is not lost, it is put back with a delay, or given up when it is too old.
            log.exception("delivery failed unexpectedly", message=message.id)
            await self._recorder.unexpected(message, error)

    async def _make(self, message: QueuedMessage) -> OutgoingEmail | None:
        """The finished email, or None when it cannot be made (recorded with the reason)."""
        if message.content is None:
            return await self._recorder.failed(message, "no_template", "the email is not published")
        if message.traits is None or not message.recipient:
            return await self._recorder.failed(message, "no_address", "the user is unknown or has no address")
        workspace = self._workspace()
        token = sign_unsubscribe(
            workspace.secret, message_id=message.id, address=message.recipient, topic=message.topic
        )
        unsubscribe = f"{workspace.public_url}/unsubscribe/{token}"
        content = msgspec.convert(message.content, TemplateContent)
        rendered = await self._renderer.render(
            RenderRequest(content=content, context=context(message, workspace, unsubscribe), now=self._clock())
        )
        if not isinstance(rendered, Rendered):
            line = f" (line {rendered.line})" if rendered.line else ""
            return await self._recorder.failed(message, "render_failed", f"{rendered.where}: {rendered.message}{line}")
        try:
            return build_email(
                idempotency_key=message.idempotency_key,
                sender=workspace.sender,
                recipient=message.recipient,
                subject=rendered.subject,
                html=rendered.html,
                text=rendered.text,
                sent_at=self._clock(),
                unsubscribe_url=unsubscribe,
            )
        except InvalidInput as error:
            return await self._recorder.failed(message, "no_address", error.message)

    async def _hand_over(self, message: QueuedMessage, email: OutgoingEmail) -> None:
        if self._provider is None:
            await self._recorder.into_inbox(message, email)
            return

        async def on_data() -> bool:
            return await self._recorder.enter_data(message, email)

        result = await self._provider.send(email, on_data=on_data)
        if result.pause_lane:
            wait_s = result.retry_after if result.retry_after is not None else 60.0
            self._paused_until[message.lane] = self._clock() + round(wait_s * 1000)
        await self._recorder.result(message, email, result, self._provider.name)


def context(message: QueuedMessage, workspace: Workspace, unsubscribe: str) -> dict[str, Any]:
    """What a template sees: `user`, `company`, `event`, `workspace`, `unsubscribe_url`, and the variables bare."""
    return {
        **message.variables,
        "variables": message.variables,
        "user": {"id": message.user_id, **(message.traits or {})},
        "company": message.company or {},
        "workspace": {"name": workspace.name},
        "unsubscribe_url": unsubscribe,
    }
