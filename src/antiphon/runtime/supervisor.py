"""`antiphon serve`: one command that keeps a web process and a worker process alive."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import msgspec
import structlog

from antiphon.errors import ConfigError
from antiphon.runtime.child import PARENT_PID, READY_FD, SOCKET_FD

log = structlog.get_logger(__name__)
READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
RESTART_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 5.0)
STEADY_S = 30.0
"""A child that lived this long (s) is restarted without delay the next time."""


def listen(host: str, port: int) -> socket.socket:
    """The listening socket; it outlives a web process, so that callers wait in its backlog during a restart.

    Raises:
        ConfigError: the address cannot be had; the message says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port, or stop what uses it."
        ) from error
    sock.listen(2048)
    return sock


class Child(msgspec.Struct):
    """One role's process and how it fared."""

    role: str
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts the roles, restarts those that die, and stops them in order on SIGINT or SIGTERM."""

    def __init__(self, roles: tuple[str, ...], environment: Mapping[str, str], sock: socket.socket) -> None:
        """`environment` is what the children get; `sock` is handed to the web role."""
        self._roles = roles
        self._environment = dict(environment)
        self._sock = sock
        self._children: dict[str, Child] = {}
        self._stopping = False

    def run(self, on_ready: Callable[[], None]) -> int:
        """Supervise until told to stop; `on_ready` is called once when every role is ready. The exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        waiting = [(role, self._start(role)) for role in self._roles]  # at once: each loads on a core of its own
        for role, ready in waiting:
            self._await_ready(role, self._children[role].process, ready)
        if not self._stopping:
            on_ready()
        while not self._stopping:
            self._watch()
            time.sleep(0.05)
        return self._stop()

    def _on_signal(self, number: int, _frame: object) -> None:
        del number
        self._stopping = True

    def _start(self, role: str, *, restarts: int = 0) -> int:
        """Start a role; the end of a pipe on which it says when it is ready."""
        ready, told = os.pipe()
        fds = [told]
        environment = self._environment | {READY_FD: str(told), PARENT_PID: str(os.getpid())}
        if role == "web":
            environment[SOCKET_FD] = str(self._sock.fileno())
            fds.append(self._sock.fileno())
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "antiphon.cli", "role", role],
            env=environment,
            pass_fds=fds,
            start_new_session=True,  # Ctrl-C reaches only us; we stop the children in order
        )
        os.close(told)
        self._children[role] = Child(role, process, time.monotonic(), restarts)
        return ready

    def _await_ready(self, role: str, process: subprocess.Popen[bytes], ready: int) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        try:
            while not self._stopping and time.monotonic() < deadline:
                if select.select([ready], [], [], 0.1)[0]:
                    if os.read(ready, 1):
                        return
                    break
        finally:
            os.close(ready)
        if not self._stopping:
            code = process.wait(timeout=5) if process.poll() is None else process.returncode
            raise ConfigError(f"the {role} process did not start (exit code {code}); its messages are above")

    def _watch(self) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.restart_at is None and child.process.poll() is not None:
                steady = now - child.started > STEADY_S
                restarts = 0 if steady else child.restarts
                delay = RESTART_DELAYS_S[min(restarts, len(RESTART_DELAYS_S) - 1)]
                log.error("process ended; restarting", role=child.role, code=child.process.returncode, delay_s=delay)
                child.restarts, child.restart_at = restarts + 1, now + delay
            if child.restart_at is not None and now >= child.restart_at:
                os.close(self._start(child.role, restarts=child.restarts))

    def _stop(self) -> int:
        """Web first, so that nothing new is accepted; then the worker finishes what it holds."""
        code = 0
        for role in self._roles:
            child = self._children.get(role)
            if child is None or child.process.poll() is not None:
                continue
            child.process.terminate()
            try:
                child.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                log.error("process did not stop in time; killed", role=role)  # noqa: TRY400 - no traceback to show
                child.process.kill()
                child.process.wait()
                code = 1
        return code
