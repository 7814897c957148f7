"""The product as a person starts it: `antiphon serve` on an empty folder, and the link that it prints."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

START_S = 90.0
STOP_S = 30.0
POLL_S = 0.05


class Product:
    """One running `antiphon serve`; `url` is where it serves."""

    def __init__(self, data: Path, port: int) -> None:
        """Start on the folder `data` (made by the product) and wait for the printed link. Raises AssertionError."""
        self.url = f"http://127.0.0.1:{port}"
        self._log = data.parent / f"{data.name}.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "antiphon.cli", "serve", "--data", str(data), "--port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=data.parent,
                start_new_session=True,
            )
        try:
            self.sign_in_link = self._printed(r"Sign in \(works once\): +(\S+)")
            self.write_key = self._printed(r"Your first write key: +(\S+)")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop as Ctrl-C would; whatever of its session is left after that is killed, and is a failure."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            code = None
        left = self._session_is_alive()
        if left:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_S)
        assert (code, left) == (0, False), f"it did not stop in order (exit code {code}):\n{self.written()}"

    def written(self, characters: int = 4000) -> str:
        """The end of what the product wrote to stdout and stderr."""
        return self._log.read_text(errors="replace")[-characters:]

    def _printed(self, pattern: str) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = re.search(pattern, self.written())
            if found:
                return found[1]
            assert self._process.poll() is None, f"serve ended:\n{self.written()}"
            time.sleep(POLL_S)
        raise AssertionError(f"serve printed nothing like {pattern!r}:\n{self.written()}")

    def _session_is_alive(self) -> bool:
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True
