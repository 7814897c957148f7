"""The product as its users run it, from outside: start it, find its processes, kill them, start it again."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from faults.processes import Process, alive, descendants, end, look, wait_until
from postgres_server import free_port

Role = Literal["supervisor", "web", "worker", "renderer"]
ROLES: tuple[Role, ...] = ("web", "worker", "renderer", "supervisor")
INJECTED = Path(__file__).parent / "injected"
START_S = 90.0


class StartError(Exception):
    """The product ended, or was not ready in time; carries the end of what it wrote."""


class Product:
    """One `antiphon serve` on one data folder, which outlives the processes."""

    def __init__(
        self, data: Path, settings: Mapping[str, str] | None = None, *, injected: Mapping[str, str] | None = None
    ) -> None:
        """Serve from `data`. `settings` are further ANTIPHON_* variables, without the prefix and in lower case.

        `injected` (variables of `injected/sitecustomize.py`) plants peer bugs or crash points in the processes.
        """
        self.data = data
        self.port = free_port()
        self.admin_token = "aat_" + secrets.token_hex(24)
        self.write_key = "awk_" + secrets.token_hex(24)
        self.log = data.parent / f"{data.name}.log"
        self.starts = 0
        self._settings = {
            "data": str(data),
            "host": "127.0.0.1",
            "port": str(self.port),
            "admin_token": self.admin_token,
            "write_key": self.write_key,
            **(settings or {}),
        }
        self._injected = dict(injected or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: set[Process] = set()

    def __enter__(self) -> Self:
        """Start and wait until ready."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind."""
        self.close()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self, timeout_s: float = START_S) -> None:
        """Start on the same data and port, and wait until it is ready.

        Processes of a killed supervisor may still hold the port for a moment: that is tried again until `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self._spawn()
            try:
                self.wait_ready(deadline - time.monotonic())
            except StartError as error:
                if "cannot listen" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def wait_ready(self, timeout_s: float = START_S) -> None:
        """Wait until /readyz answers 200 and every role has a process."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                message = f"serve ended with code {self._process.returncode}:\n{self.written()}"
                raise StartError(message)
            if self._answers() and {"web", "worker"} <= self.processes().keys():
                return
            time.sleep(0.03)
        message = f"not ready after {timeout_s:.0f} s:\n{self.written()}"
        raise StartError(message)

    def processes(self) -> dict[Role, list[Process]]:
        """The processes by role; renderers are children of web and worker."""
        found: dict[Role, list[Process]] = {}
        supervisor = look(self.pid)
        if supervisor is None:
            return found
        found["supervisor"] = [supervisor]
        role_of = {supervisor.pid: "supervisor"}
        for process in descendants(supervisor.pid):
            role = _role(process, role_of.get(process.parent))
            role_of[process.pid] = role or ""
            if role is not None:
                found.setdefault(role, []).append(process)
        for processes in found.values():
            self._seen.update(processes)
        return found

    def kill(self, role: Role, *, tree: bool = True) -> Process | None:
        """SIGKILL one process of a role; None when there is none right now.

        Killing the supervisor takes everything with it in one sweep, as a power cut would, unless `tree` is false:
        then its children are left to notice by themselves.
        """
        processes = self.processes()
        if not processes.get(role):
            return None
        victim = processes[role][0]
        end(victim)
        if role == "supervisor":
            assert self._process is not None
            self._process.wait()
            if tree:
                for others in processes.values():
                    for process in others:
                        end(process)
                wait_until(lambda: not any(alive(p) for ps in processes.values() for p in ps), 10, "the tree to die")
        return victim

    def replace_supervisor_beside_stale_worker(self, frozen_s: float) -> None:
        """Freeze the worker, kill the supervisor, start anew, and let the old worker go on where it was.

        It then finds itself beside a younger one: what a paused virtual machine or a long stall does. The new one
        runs for `frozen_s` (or cannot, where the frozen one holds a lock) before the old one is thawed.
        """
        wait_until(lambda: "worker" in self.processes(), 30, "the worker to be back from the kill before")
        [worker] = self.processes()["worker"]
        os.kill(worker.pid, signal.SIGSTOP)
        thaw = threading.Timer(frozen_s, end, (worker, signal.SIGCONT))
        try:
            self.kill("supervisor", tree=False)
            thaw.start()
            self.start()
            thaw.join()
        finally:
            thaw.cancel()
            end(worker, signal.SIGCONT)

    def wait_replaced(self, role: Role, killed: Process, timeout_s: float = START_S) -> None:
        """Wait until the supervisor has started another process of that role (it need not be ready yet)."""

        def replaced() -> bool:
            return not alive(killed) and bool(self.processes().get(role))

        wait_until(replaced, timeout_s, f"a new {role} after {killed.pid} was killed")

    def stop(self, timeout_s: float = 60.0) -> int:
        """Stop in good order (SIGTERM); the exit code."""
        assert self._process is not None
        self.processes()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_s)

    def close(self) -> None:
        """End whatever was ever started, by pid."""
        if self._process is not None:
            self.processes()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        for process in self._seen:
            end(process)
        for process in self._seen:
            with contextlib.suppress(TimeoutError):
                wait_until(lambda p=process: not alive(p), 10, "a killed process")

    def written(self, characters: int = 4000) -> str:
        """The end of what the product wrote to stdout and stderr."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def _spawn(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
        environment |= {f"ANTIPHON_{name.upper()}": value for name, value in self._settings.items()}
        if self._injected:
            environment |= self._injected
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(INJECTED), environment.get("PYTHONPATH"))))
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "antiphon.cli", "serve", "--data", str(self.data), "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.data.parent,
                start_new_session=True,
            )
        self.starts += 1

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _role(process: Process, parent: str | None) -> Role | None:
    if parent == "supervisor":
        if process.command[-2:] == ("role", "web"):
            return "web"
        return "worker" if process.command[-2:] == ("role", "worker") else None
    return "renderer" if parent in {"web", "worker"} else None
