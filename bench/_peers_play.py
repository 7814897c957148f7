"""Plays a trace to one contestant in real time and holds what came of it against the oracle."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from _peers_trace import LENIENT, Call, Trace, due
from _rig import TICKS, median, percentile
from faults.processes import descendants

TICK_S = 0.02
"""Calls of so long go to a contestant together: an API has many processes, and a bench has one."""

LONGEST_S = 900
"""After so long everybody's time is up."""

UNDUE_S = 3.0
"""When everybody has been told: so long for those who should not be."""


class Notice(NamedTuple):
    """A message that came; `at` is `time.perf_counter()`."""

    user: str
    at: float


class Contestant(Protocol):
    """Somebody who is to tell users of their fifth error."""

    settle_s: float
    """Whoever has told nobody for so long has done what they will do."""

    def roots(self) -> list[int]:
        """The processes whose trees (and nobody else's) do the work."""
        ...

    def notices(self) -> list[Notice]:
        """What has come so far, in order."""
        ...

    async def deliver(self, calls: Sequence[Call]) -> None:
        """Make the calls known, now."""
        ...

    def restart_api(self) -> None:
        """The API's process starts anew: counters in its memory are gone."""
        ...


async def play(contestant: Contestant, trace: Trace, patience_s: float) -> dict[str, Any]:
    """Play; misses, false messages and duplicates, then latency, then CPU and memory.

    Ends when all have been told who must be, or when nobody was for `settle_s` and `patience_s` more: late is not missed.
    """
    errors_at: dict[str, list[float]] = {}
    under_way: set[asyncio.Task[None]] = set()
    with measured(contestant.roots) as meter:
        started = time.perf_counter()
        waiting, restarted = 0, False
        while waiting < len(trace.calls):
            now = time.perf_counter() - started
            if not restarted and now >= trace.reset_at:
                contestant.restart_api()
                restarted = True
            first = waiting
            while waiting < len(trace.calls) and trace.calls[waiting].at <= now:
                waiting += 1
            calls = trace.calls[first:waiting]
            if calls:
                at = time.perf_counter()
                for call in calls:
                    if call.status >= 400:
                        errors_at.setdefault(call.user, []).append(at)
                task = asyncio.create_task(contestant.deliver(calls))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(TICK_S)
        await asyncio.gather(*under_way)
        await _settled(contestant, due(trace).keys(), contestant.settle_s + patience_s)
        took = time.perf_counter() - started
    return verdict(trace, errors_at, contestant.notices()) | meter.result(len(trace.calls), took)


async def _settled(contestant: Contestant, must: AbstractSet[str], quiet_s: float) -> None:
    looked_at = time.perf_counter()
    for _ in range(LONGEST_S):
        notices = contestant.notices()
        last = max([looked_at, *(notice.at for notice in notices)])
        if must <= {notice.user for notice in notices} or time.perf_counter() - last > quiet_s:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(UNDUE_S)


def verdict(trace: Trace, errors_at: dict[str, list[float]], notices: Sequence[Notice]) -> dict[str, Any]:
    """What came against what had to come; a message before the error that justifies it is false, too."""
    must = {user: errors_at[user][index] for user, index in due(trace).items()}
    first: dict[str, float] = {}
    for notice in notices:
        first.setdefault(notice.user, notice.at)
    early = {user for user, at in must.items() if first.get(user, at) < at}
    undue = set(first) - set(must)
    lenient = {user for user in undue if trace.groups.get(user) == LENIENT}
    took = [first[user] - at for user, at in must.items() if user in first and user not in early]
    told = Counter(trace.groups[user] for user in first if user in trace.groups)
    sizes = Counter(trace.groups.values())
    return {
        "due": len(must),
        "missed": len(set(must) - set(first)),
        "false": len(undue - lenient) + len(early),
        "duplicates": len(notices) - len(first),
        "in_step": len(lenient),
        "early": len(early),
        "told": {group: f"{told[group]}/{size}" for group, size in sizes.items()},
        "p50_ms": round(1000 * median(took), 1) if took else None,
        "p99_ms": round(1000 * percentile(took, 0.99), 1) if took else None,
        "max_ms": round(1000 * max(took), 1) if took else None,
    }


class Meter:
    """CPU and memory of process trees while a block runs."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.peak = 0

    def result(self, events: int, took_s: float) -> dict[str, Any]:
        """The figures for `events` in `took_s` seconds."""
        return {
            "events": events,
            "seconds": round(took_s, 1),
            "cpu_us_per_event": round(self.cpu_s / events * 1e6, 1),
            "cores": round(self.cpu_s / took_s, 3),
            "peak_mb": round(self.peak / 1e6, 1),
        }


@contextlib.contextmanager
def measured(roots: Callable[[], list[int]]) -> Iterator[Meter]:
    """CPU from the first to the last look, and the highest memory of looks a second apart."""
    meter = Meter()
    before = _cpu(roots())
    meter.peak = _memory(roots())
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(1):
            meter.peak = max(meter.peak, _memory(roots()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield meter
    finally:
        stop.set()
        watcher.join()
        meter.cpu_s = _cpu(roots()) - before


def _trees(roots: list[int]) -> list[int]:
    return roots + [process.pid for root in roots for process in descendants(root)]


def _cpu(roots: list[int]) -> float:
    """Seconds of the trees, with those children that have ended: they count for who waited for them."""
    ticks = 0
    for pid in _trees(roots):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS


def _memory(roots: list[int]) -> int:
    """Bytes resident; what several processes share (PostgreSQL's buffers, forked pages) counts once."""
    total = 0
    for pid in _trees(roots):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total
