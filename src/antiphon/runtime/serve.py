"""`antiphon serve`: prepare the store, then be, or supervise, the roles."""

from __future__ import annotations

import asyncio
import gc
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog
import uvloop

from antiphon.channels.email.mime import self_test
from antiphon.config import Settings, environment_of, load
from antiphon.model.clock import wall_clock
from antiphon.runtime.child import SOCKET_FD, end_with_parent, tell_ready
from antiphon.runtime.local_token import keep_local_token
from antiphon.runtime.supervisor import Supervisor, listen
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.migrate import upgrade
from antiphon.store.settings import signing_secret
from antiphon.web.bootstrap import Bootstrapped, bootstrap, new_link

if TYPE_CHECKING:
    from antiphon.runtime.web import Web
    from antiphon.runtime.worker import Worker

log = structlog.get_logger(__name__)
GC_THRESHOLD = (100_000, 20, 100)
"""The hot subjects' state is many small objects without cycles: the default collects all the time and finds nothing."""

ROLES = {"all": ("worker", "web"), "web": ("web",), "worker": ("worker",)}


def serve(settings: Settings, role: str) -> int:
    """Serve until SIGINT or SIGTERM; the exit code."""
    started = _prepare(settings)
    sock = listen(settings.serve.host, settings.serve.port)
    try:
        environment = os.environ | environment_of(settings)
        supervisor = Supervisor(ROLES[role], environment, sock)
        return supervisor.run(lambda: _announce(settings, started))
    finally:
        sock.close()


def run_role(settings: Settings, role: str) -> None:
    """Be one role of a supervised `serve`."""
    end_with_parent()
    self_test()
    sys.setswitchinterval(0.001)  # a thread that has a mail to send need not wait 5 ms for one that counts
    part = _part(settings, role)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(part.start, part.stop))
    # Everything is closed and on disk. Tearing the interpreter down would only let native modules report what they
    # did not free, on a terminal where somebody has just pressed Ctrl-C.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _part(settings: Settings, role: str) -> Web | Worker:
    """The role's object; only its own libraries are loaded, and none of them into the supervisor."""
    if role == "web":
        from antiphon.runtime.web import Web  # noqa: PLC0415

        return Web(settings, socket.socket(fileno=int(os.environ[SOCKET_FD])))
    from antiphon.runtime.worker import Worker  # noqa: PLC0415

    return Worker(settings)


def sign_in_link(settings: Settings) -> str:
    """A fresh link that signs its first user in as the owner."""
    store = open_store(settings.store)
    try:
        upgrade(store)
        with store.state.write() as conn:
            return f"{settings.web.public_url}/signin?token={new_link(conn, wall_clock)}"
    finally:
        store.close()


async def _until_told(start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await start()
    gc.freeze()  # what is loaded by now stays: collections need not look at it again and again
    gc.set_threshold(*GC_THRESHOLD)
    tell_ready()
    await told.wait()
    await stop()


def _prepare(settings: Settings) -> Bootstrapped:
    """Schema, first account and keys, signing secret; the token file that lets local commands in."""
    store = open_store(settings.store)
    try:
        upgrade(store)
        with store.state.write() as conn:
            signing_secret(conn)
            started = bootstrap(
                conn, wall_clock, admin_token=settings.serve.admin_token, write_key=settings.serve.write_key
            )
        keep_local_token(store, wall_clock)
    finally:
        store.close()
    return started


def _announce(settings: Settings, started: Bootstrapped) -> None:
    """What a person who has just started Antiphon needs, on stdout."""
    url = settings.web.public_url
    lines = ["", f"  Antiphon is ready at {url}", ""]
    if started.link:
        lines.append(f"  Sign in (works once):  {url}/signin?token={started.link}")
    if started.write_key:
        lines.append(f"  Your first write key:  {started.write_key}")
    lines += [
        f"  Data folder:           {settings.store.data.resolve()}",
        "",
        "  Stop with Ctrl-C.  Another sign-in link:",
        f"    {link_command(settings, sys.argv[0])}",
        "",
    ]
    click.echo("\n".join(lines))


def link_command(settings: Settings, program: str) -> str:
    """What to type for a link into this very instance; `program` is how this one was called."""
    words = ["antiphon" if shutil.which("antiphon") or Path(program).name != "antiphon" else program, "link"]
    if settings.store.database_url:
        words += ["--database-url", "..."]  # with its password it has no place on a terminal
    elif settings.store.data != StoreSettings().data:
        words += ["--data", str(settings.store.data)]
    if settings.web.public_url != load({}, {}).web.public_url:
        words += ["--public-url", settings.web.public_url]
    return shlex.join(words)
