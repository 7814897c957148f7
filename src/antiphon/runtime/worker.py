"""The worker role: evaluate, act, relay and history in threads, deliver in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import structlog

from antiphon.act.stage import Actor
from antiphon.channels.registry import open_provider
from antiphon.config import Settings
from antiphon.deliver.record import Recorder
from antiphon.deliver.stage import Deliverer
from antiphon.evaluate.stage import Evaluator
from antiphon.ingest.relay import Relay
from antiphon.measure.history_joiner import HistoryJoiner
from antiphon.measure.history_writer import HistoryWriter
from antiphon.model.clock import Clock, wall_clock
from antiphon.runtime.loop import StageLoop, TickResult
from antiphon.runtime.workspace import WorkspaceReader
from antiphon.store import lease
from antiphon.store.committer import Committer
from antiphon.store.engine import open_store
from antiphon.store.history import HistoryReader
from antiphon.store.settings import read_workspace
from antiphon.store.wake import Topic, open_wake
from antiphon.templates.renderer import Renderer

log = structlog.get_logger(__name__)


class Worker:
    """All stages behind the log, in one process; `start` and `stop` belong to one event loop."""

    def __init__(self, settings: Settings, clock: Clock = wall_clock) -> None:
        """Nothing is opened and nothing runs before `start`."""
        self._settings = settings
        self._clock = clock
        self._exit = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open everything and begin; what was begun is ended again when something cannot be opened."""
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise

    async def stop(self) -> None:
        """Finish the ticks and the deliveries under way, then close everything; nothing is lost by it."""
        await self._exit.aclose()

    async def _start(self) -> None:
        settings, clock = self._settings, self._clock
        store = open_store(settings.store)
        self._exit.callback(store.close)
        wake = open_wake(store)
        self._exit.callback(wake.close)
        self._wake = wake
        committer = Committer(store.state)
        committer.start()
        self._exit.push_async_callback(committer.close)
        renderer = Renderer()
        await renderer.start()
        self._exit.push_async_callback(renderer.close)
        provider = open_provider(settings.email)
        if provider is not None:
            await provider.open()
            self._exit.push_async_callback(provider.close)
        workspace = WorkspaceReader(store, clock, settings.web.public_url, settings.email.sender)
        outbox = wake.listen("outbox")
        self._exit.callback(outbox.close)
        deliverer = Deliverer(
            committer, renderer, provider, workspace, Recorder(committer, clock, random.random), clock,
            settings.deliver, outbox.wait,
        )  # fmt: skip
        delivery = asyncio.create_task(deliverer.run(), name="deliver")
        self._exit.push_async_callback(_finish, deliverer, delivery)
        guard = lease.take(store.state)  # before anything is read that another worker might still change
        history = HistoryWriter(store, clock, settings.measure, guard)
        evaluator = Evaluator(
            store,
            clock,
            settings.evaluate,
            self._notify,
            lambda conn: read_workspace(conn).time_zone,
            HistoryReader(store),
            guard,
        )
        actor = Actor(store.state, clock, settings.act, self._notify, guard)
        self._run("history", history.tick, "history")
        self._run("history files", HistoryJoiner(store, clock, guard).tick, "history")
        self._run("relay", Relay(store, clock, wake).tick, "emissions")
        self._run("act", actor.tick, "signals")
        self._run("evaluate", evaluator.tick, "log")

    def _notify(self, topic: Topic) -> None:
        self._wake.notify(topic)

    def _run(self, name: str, tick: Callable[[], TickResult], topic: Topic) -> None:
        """Run a stage in a thread, woken by `topic`."""
        listener = self._wake.listen(topic)
        loop = StageLoop(name, tick, listener.wait_sync, self._clock)
        loop.start()

        async def stop() -> None:
            await asyncio.to_thread(loop.stop)
            listener.close()

        self._exit.push_async_callback(stop)


async def _finish(deliverer: Deliverer, delivery: asyncio.Task[None]) -> None:
    await deliverer.close()
    delivery.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await delivery
