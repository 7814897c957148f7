"""Dedupe index: ids checked a second and bytes an id, at growing sizes. Usage: bench/dedupe.py [millions]."""

from __future__ import annotations

import resource
import sys
import time
from uuid import UUID

import numpy as np

from antiphon.model.event import Event
from antiphon.model.event_batch import EventBatch
from antiphon.store.dedupe import DedupeIndex

BATCH = 10_000


def main() -> None:
    """Check new ids in batches of a tick's size, and a tenth of them again."""
    total = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 5_000_000
    rng = np.random.default_rng(1)
    index = DedupeIndex()
    spent = 0.0
    longest = 0.0
    offset = 0
    mark = 1_000_000
    while offset < total:
        raw = rng.bytes(16 * BATCH)
        events = [
            Event(str(UUID(bytes=raw[16 * i : 16 * i + 16])), "track", "api_call", offset, offset, "1")
            for i in range(BATCH)
        ]
        batch = EventBatch.of(events)
        began = time.perf_counter()
        repeats = index.check(offset, batch)
        took = time.perf_counter() - began
        spent += took
        longest = max(longest, took)
        assert repeats == []
        offset += BATCH
        if offset >= mark:
            again = index.check(offset, batch)
            offset += BATCH
            assert len(again) == BATCH
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{len(index):>12,} ids  {offset / spent / 1e6:.2f} M ids/s  longest batch {longest * 1e3:.0f} ms  "
                f"{index.memory / max(1, len(index)):.1f} B/id  peak RSS {peak:.0f} MB"
            )
            longest = 0.0
            mark = offset * 2


if __name__ == "__main__":
    main()
