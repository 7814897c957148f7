"""How long a crash costs: `python bench/restart.py [--rules 100] [--users 1000000] [--events 5000000]`.

`antiphon serve` as in `bench/throughput.py`, after so many calls of users drawn by Zipf's law. Then the worker is killed (SIGKILL) and one
more batch sent: `back_s` is until it is evaluated, with `replayed` events between what was stored and the cursor. `after` is the events/s
of two stretches of 300,000 calls right after it.
"""

from __future__ import annotations

import argparse
import os
import signal
import time

from _mixed_rules import mixed
from _rig import Instance, instance, keep
from _traffic import drive
from antiphon.store import signals
from antiphon.store.engine import StoreSettings, open_store
from faults.api import Api, make_rules
from throughput import SIZE, ZipfTraffic

PART = 300_000


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    options = parser.parse_args()
    with instance() as running:
        port = running.product.port
        make_rules(Api(running.product), mixed(options.rules), wait_s=1_800)
        running.wait_quiet()
        traffic = ZipfTraffic(running.product.write_key, port, options.users)
        drive(port, list(traffic.everybody()), 8)
        running.wait_evaluated()
        for _ in range(0, options.events, PART):
            _drive(running, traffic, PART)
        replayed = _unstored(running)
        os.kill(running.product.processes()["worker"][0].pid, signal.SIGKILL)
        back_s = _drive(running, traffic, SIZE)
        after = [round(PART / _drive(running, traffic, PART)) for _ in range(2)]
        result = {"rules": options.rules, "users": options.users, "replayed": replayed, "back_s": round(back_s, 1)}
        keep("restart", result | {"after": after})


def _drive(running: Instance, traffic: ZipfTraffic, events: int) -> float:
    """Seconds until so many more events are evaluated."""
    requests = [traffic.request(SIZE) for _ in range(events // SIZE)]
    started = time.perf_counter()
    drive(running.product.port, requests, 8)
    running.wait_evaluated()
    return time.perf_counter() - started


def _unstored(running: Instance) -> int:
    """How many events a start would replay now."""
    store = open_store(StoreSettings(data=running.product.data))
    try:
        with store.state.read() as conn:
            return signals.cursor(conn, "evaluate:0") - signals.cursor(conn, signals.STORED)
    finally:
        store.close()


if __name__ == "__main__":
    main()
