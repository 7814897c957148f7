"""CPU by stage: what each thread has used, by the kernel's account, and where inside it, by samples of py-spy.

The stages run in threads of their own, so the first is exact. Samples only divide a thread's CPU up among our modules;
those taken while it waited are left out, since a sampler cannot always tell waiting from working.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from _rig import TICKS

RATE = 200
"""Samples a second."""

OURS = re.compile(r"antiphon/([a-z_]+)(?:/([a-z_]+))?")
THREAD = re.compile(r"thread \((0x[0-9a-f]+|\d+)\)(?:: (.*))?")
WAITING = (
    "wait_sync (",
    "_worker (concurrent",
    "wait (threading.py",
    "get (queue.py",
    "select (selectors.py",
    "poll (",
)
LEAST_US = 0.05


class Sampler:
    """Watches one process from `start` to `stop`; py-spy is fetched by uvx and needs no change to the process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._out = Path(tempfile.mkdtemp(prefix="antiphon-profile-")) / "stacks"
        self._process: subprocess.Popen[bytes] | None = None
        self._names: dict[int, str] = {}
        self._before: dict[int, float] = {}

    def start(self) -> None:
        """Begin."""
        dumped = subprocess.run(
            ["uvx", "py-spy", "dump", "--json", "-p", str(self._pid)], capture_output=True, check=True
        )
        self._names = {thread["os_thread_id"]: thread["thread_name"] for thread in json.loads(dumped.stdout)}
        options = ["-r", str(RATE), "-f", "raw", "-t", "-o", str(self._out), "-d", "900"]
        self._process = subprocess.Popen(
            ["uvx", "py-spy", "record", "-p", str(self._pid), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._before = self._cpu()

    def stop(self) -> dict[str, dict[str, float]]:
        """CPU seconds by thread, and inside each by the innermost of our modules that was running."""
        assert self._process is not None
        used = {tid: cpu - self._before.get(tid, 0.0) for tid, cpu in self._cpu().items()}
        _interrupt(self._process)
        by_thread: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for line in self._out.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            frames = stack.split(";")
            if not any(wait in frames[-1] for wait in WAITING):
                by_thread[self._thread(frames)][_module(frames)] += int(count)
        shutil.rmtree(self._out.parent)
        found: dict[str, dict[str, float]] = {}
        for tid, cpu in sorted(used.items(), key=lambda item: -item[1]):
            name = self._names.get(tid, "native threads (duckdb, arrow)")
            samples = by_thread.get(name) or Counter({"native": 1})
            part = found.setdefault(name, {})
            for module, count in samples.most_common():
                part[module] = part.get(module, 0.0) + cpu * count / samples.total()
        return found

    def _thread(self, frames: list[str]) -> str:
        match = next(filter(None, map(THREAD.search, frames)), None)
        if match is None:
            return "?"
        return match[2].strip('"') if match[2] else self._names.get(int(match[1], 0), "?")

    def _cpu(self) -> dict[int, float]:
        found: dict[int, float] = {}
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                found[int(task.name)] = (int(fields[11]) + int(fields[12])) / TICKS
        return found


def per_event(found: dict[str, dict[str, float]], events: int) -> dict[str, dict[str, float]]:
    """CPU-us per event instead of seconds; what is below `LEAST_US` is left out, `all` is the thread's sum."""
    shown: dict[str, dict[str, float]] = {}
    for thread, parts in found.items():
        total = sum(parts.values()) / events * 1e6
        if total >= LEAST_US:
            inside = {module: round(cpu / events * 1e6, 2) for module, cpu in parts.items()}
            shown[thread] = {"all": round(total, 2)} | {m: us for m, us in inside.items() if us >= LEAST_US}
    return shown


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """SIGINT makes py-spy write; uvx passes it on or is py-spy itself by then."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        subprocess.run(["kill", "-INT", child], check=False)
    if not children:
        process.send_signal(signal.SIGINT)
    process.wait(60)


def _module(frames: list[str]) -> str:
    for frame in reversed(frames):
        found = OURS.search(frame)
        if found and "loop.py" not in frame and "runtime/serve" not in frame and "cli/" not in frame:
            return "/".join(part for part in found.groups() if part)
    return "event loop and libraries"
