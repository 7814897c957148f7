"""CPU by stage: samples a process with py-spy while it works, and adds the samples up by our own packages."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

FRAME = re.compile(r"antiphon/([a-z_]+)(?:/([a-z_]+))?")
RATE = 200
"""Samples a second."""


class Sampler:
    """Samples one process from `start` to `stop`; py-spy is fetched by uvx and needs no change to the process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._out = Path(tempfile.mkstemp(prefix="antiphon-profile-")[1])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin sampling threads that are on the CPU, native frames included in their callers."""
        command = [
            "uvx",
            "py-spy",
            "record",
            "-p",
            str(self._pid),
            "-r",
            str(RATE),
            "-f",
            "raw",
            "-o",
            str(self._out),
            "-d",
            "600",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self) -> dict[str, float]:
        """Share (0..1) of the samples by the innermost of our modules that was running, the largest first."""
        assert self._process is not None
        for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
            subprocess.run(["kill", "-INT", child], check=False)
        self._process.send_signal(2)
        self._process.wait(30)
        samples: Counter[str] = Counter()
        for line in self._out.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            samples[_module(stack)] += int(count)
        self._out.unlink()
        total = sum(samples.values()) or 1
        return {name: round(count / total, 3) for name, count in samples.most_common() if count / total >= 0.005}


def _module(stack: str) -> str:
    for frame in reversed(stack.split(";")):
        found = FRAME.search(frame)
        if found:
            return "/".join(part for part in found.groups() if part)
    return "outside (event loop, threads, interpreter)"
