"""Processes as /proc shows them: who is whose child, what it runs, what it has used."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """A process; `started` (clock ticks since boot) tells it from a later one with the same pid."""

    pid: int
    parent: int
    started: int
    command: tuple[str, ...]


class Usage(NamedTuple):
    """What a process has used: CPU in seconds, resident memory now and at its highest in bytes."""

    cpu_s: float
    rss: int
    peak_rss: int


def look(pid: int) -> Process | None:
    """The process, or None when there is none (a zombie counts as none)."""
    try:
        fields = _stat(pid)
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in {"Z", "X"}:
        return None
    return Process(pid, int(fields[1]), int(fields[19]), tuple(command.decode(errors="replace").split("\0")[:-1]))


def descendants(pid: int) -> list[Process]:
    """Every process below `pid`, parents before their children."""
    by_parent: dict[int, list[Process]] = {}
    for process in _everything():
        by_parent.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [pid]
    while waiting:
        children = by_parent.get(waiting.pop(), [])
        found += children
        waiting += [child.pid for child in children]
    return found


def usage(pid: int) -> Usage:
    """What a live process has used, its ended children left out."""
    fields = _stat(pid)
    peak = 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            peak = int(line.split()[1]) * 1024
    return Usage((int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE, peak)


def alive(process: Process) -> bool:
    """Whether this very process still runs."""
    now = look(process.pid)
    return now is not None and now.started == process.started


def end(process: Process, number: int = signal.SIGKILL) -> None:
    """Signal this very process; nothing happens when it is gone."""
    if alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def wait_until(true: Callable[[], bool], seconds: float, what: str, step: float = 0.02) -> None:
    """Wait until `true()`; raises TimeoutError that names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            message = f"waited {seconds:g} s for {what}"
            raise TimeoutError(message)
        time.sleep(step)


def _everything() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            process = look(int(entry.name))
            if process is not None:
                yield process


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: the name before them may hold spaces and parentheses."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
