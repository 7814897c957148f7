"""A real PostgreSQL for tests: Debian's binaries, a folder in /tmp, a free port on loopback, durable like production."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

INSTALL = "run `make servers`, or install PostgreSQL"


def binaries() -> Path:
    """Find the folder of the newest PostgreSQL that has `initdb`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        message = f"PostgreSQL is not installed: {INSTALL}"
        raise RuntimeError(message)
    return Path(on_path).resolve().parent


def unprivileged_user() -> str | None:
    """Name the user to run the server as: PostgreSQL refuses root; None means ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


class PostgresServer:
    """One server with its own data folder; `start`, `stop` and `kill` may be repeated, `remove` ends it for good."""

    def __init__(self) -> None:
        """Create the cluster; it is not started yet."""
        self.bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="antiphon-pg-", dir="/tmp"))  # short: socket paths are limited
        user = unprivileged_user()
        self._as: dict[str, object] = {"cwd": self.folder}
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self._as |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self.cluster = self.folder / "cluster"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        command = [self.bin / "initdb", "-D", self.cluster, "-U", "antiphon", "-A", "trust", "-E", "UTF8", "--no-sync"]
        # C sorts as bytes: the slowest locale of some machine must not decide what a test sees
        done = subprocess.run([*command, "--no-locale"], capture_output=True, text=True, check=False, **self._as)
        if done.returncode != 0:
            message = f"initdb failed:\n{done.stdout}\n{done.stderr}"
            raise RuntimeError(message)

    def url(self, database: str = "postgres") -> str:
        """Give the libpq URL of a database."""
        return f"postgresql://antiphon@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect past Antiphon, each statement its own transaction."""
        return psycopg.connect(self.url(database), autocommit=True)

    @property
    def pid(self) -> int:
        """Give the postmaster's process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": 200,
            "shared_buffers": "64MB",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.cluster, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest, which then ends the server
                **self._as,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    message = f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-4000:]}"
                    raise RuntimeError(message) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, *, immediate: bool = False) -> None:
        """Stop by pid: fast (clients are cut off, data is written), or at once as in a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop(immediate=True)
        shutil.rmtree(self.folder)


def free_port() -> int:
    """Find a TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
