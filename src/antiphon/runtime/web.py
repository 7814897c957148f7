"""The web role: ingest, the API and the page, in one event loop."""

from __future__ import annotations

import contextlib
import socket

from prometheus_client import CollectorRegistry

from antiphon.channels.registry import open_provider
from antiphon.config import Settings
from antiphon.ingest.http import IngestApp
from antiphon.ingest.keys import KeyRing
from antiphon.model.clock import Clock, wall_clock
from antiphon.runtime.demo import DemoTraffic
from antiphon.runtime.events import Events
from antiphon.runtime.http import HttpServer
from antiphon.runtime.rule_engine import RuleEngine
from antiphon.runtime.test_sender import TestSender
from antiphon.runtime.wakes import open_wake
from antiphon.runtime.workspace import WorkspaceReader
from antiphon.store.engine import open_store
from antiphon.store.history import HistoryReader
from antiphon.store.log_writer import LogWriter
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
