"""Postfix's smtp-sink, a mail server that is not ours, with the face of the fault harness's `SmtpSink`.

It writes each mail to a file; when the file was last written is when the mail was in. The kernel's clock for files moves in
ticks (4 ms on most machines), so a mail may seem up to one tick earlier than it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Self

import _rig  # noqa: F401 - puts the fault harness on the path
from faults.smtp_sink import Accepted, SmtpSink
from postgres_server import free_port

LOOK_S = 0.002


class PostfixSink(SmtpSink):
    """smtp-sink on loopback, ended by pid; use as an async context manager."""

    async def __aenter__(self) -> Self:
        path = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if path is None:
            message = "smtp-sink is missing: run `make servers`"
            raise RuntimeError(message)
        self._folder = Path(tempfile.mkdtemp(prefix="antiphon-sink-"))
        self._folder.chmod(0o777)  # smtp-sink refuses to be root
        self.port = free_port()
        user = ("-u", "nobody") if os.geteuid() == 0 else ()
        self._process = await asyncio.create_subprocess_exec(
            path, *user, "-d", f"{self._folder}/", f"127.0.0.1:{self.port}", "100", stderr=subprocess.DEVNULL
        )
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watcher
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        shutil.rmtree(self._folder)

    async def _watch(self) -> None:
        while True:
            for entry in os.scandir(self._folder):
                self._read(Path(entry.path))
            await asyncio.sleep(LOOK_S)

    def _read(self, path: Path) -> None:
        """Take a mail that is whole: the product's are multipart, so the last boundary ends them."""
        content = path.read_bytes()
        if not content.rstrip().endswith(b"--"):
            return
        at = time.perf_counter() - (time.time_ns() - path.stat().st_mtime_ns) / 1e9
        path.unlink()
        headers = message_from_bytes(content.partition(b"\n\n")[0], policy=policy.default)
        recipient = str(headers["X-Rcpt-Args"]).strip("<>").lower()
        self.accepted.append(
            Accepted(str(headers["Message-ID"]).strip(" <>"), recipient, str(headers["Subject"]), at, answered=True)
        )
        self._arrived.set()
