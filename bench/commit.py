"""How long a durable commit of one log segment takes, as the log's writer sees it: python bench/commit.py [folder]."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

from antiphon.store import log_tables
from antiphon.store.engine import Store, StoreSettings, open_store
from antiphon.store.migrate import upgrade

COMMITS = 500


def main() -> None:
    """Print p50 and p99 in ms for three sizes of segment."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        store = open_store(StoreSettings(data=Path(folder)))
        upgrade(store)
        for size in (200, 20_000, 200_000):
            took = sorted(commit(store, size, number) for number in range(COMMITS))
            print(f"{size:7,} bytes: p50 {statistics.median(took):.2f} ms, p99 {took[COMMITS * 99 // 100]:.2f} ms")
        store.close()


def commit(store: Store, size: int, number: int) -> float:
    """Commit one segment of `size` bytes; returns ms."""
    row = {"partition": size, "first_offset": number, "count": 1, "codec": "raw", "committed_at": 0}
    began = time.perf_counter()
    with store.log.write() as conn:
        conn.execute(insert(log_tables.log_segments).values(payload=bytes(size), **row))
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    main()
