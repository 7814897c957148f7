"""The web role: ingest, the API and the page, in one event loop."""

from __future__ import annotations

import contextlib
import socket

from prometheus_client import CollectorRegistry

from antiphon.channels.registry import open_provider
from antiphon.channels.settings import EmailSettings
from antiphon.config import Settings, environment_of
from antiphon.ingest.access import Access, AccessReader, IngestKey
from antiphon.ingest.http import IngestApp
from antiphon.ingest.pressure import Pressure, disk_space_of
from antiphon.model.clock import Clock, wall_clock
from antiphon.runtime.backtest.jobs import BacktestJobs
from antiphon.runtime.computed_traits import ComputedTraits
from antiphon.runtime.demo import DemoTraffic
from antiphon.runtime.events import Events
from antiphon.runtime.http import HttpServer
from antiphon.runtime.lag import Lag
from antiphon.runtime.rule_engine import RuleEngine
from antiphon.runtime.seen import SeenNames
from antiphon.runtime.test_sender import TestSender
from antiphon.runtime.workspace import WorkspaceReader
from antiphon.store.engine import Store, open_store
from antiphon.store.history import HistoryReader
from antiphon.store.keyring import event_keys
from antiphon.store.log_writer import LogWriter
from antiphon.store.settings import read_workspace
from antiphon.store.wake import open_wake
from antiphon.templates.renderer import Renderer
from antiphon.web.app import create_app
from antiphon.web.context import ChannelInfo, WebContext


class Web:
    """Everything that is served over HTTP; `start` and `stop` belong to one event loop."""

    def __init__(self, settings: Settings, sock: socket.socket, clock: Clock = wall_clock) -> None:
        """`sock` listens already; nothing is opened before `start`."""
        self._settings = settings
        self._sock = sock
        self._clock = clock
        self._exit = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open everything and serve; what was begun is ended again when something cannot be opened."""
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise

    async def stop(self) -> None:
        """Take no more requests, finish those under way, close everything."""
        await self._exit.aclose()

    async def _start(self) -> None:
        settings, clock = self._settings, self._clock
        store = open_store(settings.store)
        self._exit.callback(store.close)
        wake = open_wake(store)
        self._exit.callback(wake.close)
        renderer = Renderer()
        await renderer.start()
        self._exit.push_async_callback(renderer.close)
        provider = open_provider(settings.email)
        if provider is not None:
            await provider.open()
            self._exit.push_async_callback(provider.close)
        registry = CollectorRegistry()
        workspace = WorkspaceReader(store, clock, settings.web.public_url, settings.email.sender)
        writer = LogWriter(store.log, clock, wake)
        self._exit.callback(writer.close)
        reader = HistoryReader(store)
        events = Events(store, reader)
        local_url = f"http://{settings.serve.host}:{self._sock.getsockname()[1]}"
        demo = DemoTraffic(local_url, settings.store.data, clock)
        self._exit.push_async_callback(demo.stop)
        seen = SeenNames(store, reader, clock)
        self._exit.callback(seen.wait)
        backtests = BacktestJobs(environment_of(settings))
        self._exit.push_async_callback(backtests.close)
        app = create_app(
            WebContext(
                store=store,
                clock=clock,
                settings=settings.web,
                workspace=workspace,
                channel=_channel(settings.email),
                events=events,
                rules=RuleEngine(store, reader, events, clock),
                seen=seen,
                backtests=backtests,
                computed=ComputedTraits(store, reader, clock),
                renderer=renderer,
                test_send=TestSender(store, provider, workspace, clock),
                demo=demo,
                wake=wake,
                registry=registry,
            ),
            ingest=self._ingest(store, writer, registry),
        )
        server = HttpServer(app, self._sock)
        await server.start()
        self._exit.push_async_callback(server.stop)

    def _ingest(self, store: Store, writer: LogWriter, registry: CollectorRegistry) -> IngestApp:
        settings, clock = self._settings.ingest, self._clock
        pressure = Pressure(
            settings, clock, lambda: writer.pending_bytes, Lag(store, clock), disk_space_of(self._settings.store.data)
        )
        return IngestApp(
            writer, AccessReader(lambda: _access(store, clock), clock), pressure, settings, clock, registry
        )


def _access(store: Store, clock: Clock) -> Access:
    """The keys in force and what must be redacted."""
    with store.state.read() as conn:
        keys = {digest: IngestKey(str(number), kind) for digest, number, kind in event_keys(conn, clock())}
        return Access(keys, read_workspace(conn).redact_keys)


def _channel(email: EmailSettings) -> ChannelInfo:
    if email.provider == "inbox":
        return ChannelInfo()
    return ChannelInfo(provider=email.provider, host=email.smtp_host, port=email.smtp_port)
