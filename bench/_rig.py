"""What the benchmarks share: an instance of the product in its own processes, and where results go."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the fault harness starts and watches the product the same way

from faults.harness import Product, Role  # noqa: E402
from faults.peek import Peek  # noqa: E402
from faults.processes import TICKS, Usage, usage, wait_until  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

RESULTS = ROOT / "bench" / "results"
__all__ = ["TICKS", "Instance", "Role", "Usage", "instance", "keep", "median", "percentile"]


class Instance:
    """A running product and the means to look at it."""

    def __init__(self, product: Product, peek: Peek, database: str) -> None:
        self.product = product
        self.peek = peek
        self.database = database

    def usage(self) -> dict[Role, Usage]:
        """What each role's processes have used, several of one role added up."""
        found: dict[Role, Usage] = {}
        for role, processes in self.product.processes().items():
            parts = [usage(process.pid) for process in processes]
            found[role] = Usage(*(sum(values) for values in zip(*parts, strict=True)))
        return found

    def lag(self) -> int:
        """Events in the log that evaluation has not read."""
        return self.peek.head() - self.peek.cursor("evaluate:0")

    def wait_evaluated(self, timeout_s: float = 600.0) -> None:
        """Wait until evaluation has caught up with the log."""
        wait_until(lambda: self.lag() == 0, timeout_s, "evaluation to catch up", step=0.005)

    def wait_read(self, offset: int, timeout_s: float = 600.0) -> None:
        """Wait until evaluation has read the log up to `offset`, whatever comes after."""
        wait_until(lambda: self.peek.cursor("evaluate:0") >= offset, timeout_s, f"offset {offset} to be read")

    def wait_quiet(self, timeout_s: float = 600.0) -> None:
        """Wait until nothing is under way in any queue."""
        wait_until(
            lambda: not any(self.peek.pending(time.time_ns() // 1_000_000).values()), timeout_s, "quiet", step=0.05
        )


@contextlib.contextmanager
def instance(settings: dict[str, str] | None = None, *, postgres: bool = False) -> Iterator[Instance]:
    """A fresh instance in a temporary folder; everything is ended and deleted afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="antiphon-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        chosen = dict(settings or {})
        if postgres:
            server = PostgresServer()
            stack.callback(server.remove)
            server.start()
            chosen["database_url"] = server.url()
        product = stack.enter_context(Product(folder / "data", chosen))
        url = chosen.get("database_url", "")
        yield Instance(product, Peek(product.data, url), "postgresql" if url else "sqlite")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of them do not exceed."""
    ordered = sorted(values)
    rank = -(-round(share * 1000) * len(ordered) // 1000)  # rounded up
    return ordered[max(0, rank - 1)]


def median(values: Sequence[float]) -> float:
    """The median, or NaN of nothing."""
    return statistics.median(values) if values else float("nan")


def keep(name: str, result: dict[str, Any]) -> None:
    """Print a result, and add it to `bench/results/<name>.jsonl` with what it was measured on."""
    line = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        **result,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(result), flush=True)


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
