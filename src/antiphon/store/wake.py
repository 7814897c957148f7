"""Waking the next stage: a hint across threads and processes that something was written.

A wake may be lost (a stage also looks for work every so often), it is never needed for correctness. Embedded, each
listener owns a datagram socket in the data folder; with PostgreSQL, NOTIFY reaches the other machines too.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import secrets
import select
import socket
import stat
import tempfile
from pathlib import Path
from typing import Literal, Protocol

from antiphon.errors import ConfigError
from antiphon.store.engine import Store

Topic = Literal["log", "signals", "outbox", "history", "rules", "emissions"]

_LONGEST_PATH = 100  # bytes that sockaddr_un takes, less a margin
_SOCKET_NAME_LENGTH = 32


class Listener:
    """One waiter on one topic; a wake that comes while nobody waits is kept for the next wait."""

    def __init__(self, receiver: socket.socket, path: Path | None = None) -> None:
        """Own `receiver` (a datagram socket) and the socket file it is bound to."""
        receiver.setblocking(False)
        self._receiver = receiver
        self._path = path

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 - no timeout is an error here: it is an answer
        """Wait up to `timeout` seconds for a wake; whether one came (since the last wait)."""
        if self._drain():
            return True
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._receiver.fileno(), _set, ready)
        timer = loop.call_later(timeout, _set, ready)
        try:
            await ready
        finally:
            timer.cancel()
            loop.remove_reader(self._receiver.fileno())
        return self._drain()

    def wait_sync(self, timeout: float) -> bool:
        """As `wait`, for a thread."""
        poll = select.poll()
        poll.register(self._receiver, select.POLLIN)
        poll.poll(timeout * 1000)
        return self._drain()

    def close(self) -> None:
        """Stop listening."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._receiver.close()

    def _drain(self) -> bool:
        woken = False
        while True:
            try:
                self._receiver.recv(1)
            except BlockingIOError:
                return woken
            woken = True


class Wake(Protocol):
    """What stages are given: tell others, and be told."""

    def notify(self, topic: Topic) -> None:
        """Wake everyone who listens to `topic`; from any thread; never raises, never blocks for long."""
        ...

    def listen(self, topic: Topic) -> Listener:
        """A new listener, for one waiter; close it when done."""
        ...

    def close(self) -> None:
        """Release what is shared; listeners are closed by their owners."""
        ...


class LocalWake:
    """Wakes threads and processes of this machine that share a data folder."""

    def __init__(self, data: Path) -> None:
        """Use sockets in `data`/wake, or in a private folder of the temporary folder where that path is too long."""
        self._folder = _socket_folder(data)
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        self._token = secrets.token_hex(3)  # two of us may live in one process
        self._numbers = itertools.count()

    def notify(self, topic: Topic) -> None:
        """See `Wake`. A full socket already holds a wake; a socket without a process behind it is removed."""
        prefix = f"{topic}-"
        try:
            with os.scandir(self._folder) as entries:
                paths = [entry.path for entry in entries if entry.name.startswith(prefix)]
        except OSError:
            return
        for path in paths:
            try:
                self._sender.sendto(b"!", path)
            except BlockingIOError:
                continue
            except ConnectionRefusedError:
                Path(path).unlink(missing_ok=True)
            except OSError:
                continue

    def listen(self, topic: Topic) -> Listener:
        """See `Wake`."""
        path = self._folder / f"{topic}-{os.getpid()}-{self._token}-{next(self._numbers)}"
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(str(path))
        return Listener(receiver, path)

    def close(self) -> None:
        """See `Wake`."""
        self._sender.close()


def open_wake(store: Store) -> Wake:
    """The wake that fits where `store` lives."""
    if store.embedded:
        return LocalWake(store.settings.data)
    from antiphon.store.wake_postgres import PostgresWake  # noqa: PLC0415 - embedded needs no PostgreSQL driver

    return PostgresWake(store.log.url)


def _socket_folder(data: Path) -> Path:
    folder = data.resolve() / "wake"
    if len(os.fsencode(folder)) + _SOCKET_NAME_LENGTH <= _LONGEST_PATH:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    digest = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"antiphon-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise ConfigError(f"{folder} is not a private folder of this user; remove it or use a shorter data folder.")
    return folder


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
