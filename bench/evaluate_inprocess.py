"""Events/s through evaluation alone, in one process without HTTP: log -> tick -> commit, drained.

    python bench/evaluate_inprocess.py [--rules 100,10000] [--rare 0] [--users 100000] [--events 200000] [--runs 3] [--profile]

Rules of mixed kinds, users drawn by Zipf's law after everybody was seen once, SQLite with synchronous=FULL. Prints the median of the
runs, and CPU time, which says more than wall time on a shared machine. `--rare` percent of the events are about the rare routes that
the rules beyond the first hundred are about. MB are the process's memory at its highest.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import logging
import pstats
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import structlog
from sqlalchemy import insert

from _mixed_rules import mixed
from _traffic import ROUTES, STATUSES
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stage import Evaluator
from antiphon.model.event import Event
from antiphon.rules.text import parse
from antiphon.rules.tree import encode
from antiphon.store import log, tables
from antiphon.store.engine import Store, StoreSettings, open_store
from antiphon.store.history import HistoryReader
from antiphon.store.migrate import upgrade

NOW = 1_790_000_000_000
METHODS = ("GET", "GET", "POST", "DELETE")


def prepare(store: Store, rules: int, users: int, events: int, rare: int = 0) -> None:
    """Rules, and a log of events."""
    with store.state.write() as conn:
        for name, text in mixed(rules):
            row = {"name": name, "subject_kind": "user", "status": "active", "version": 1, "revision": 1}
            row |= {
                "text": text,
                "tree": encode(parse(text)),
                "filled_version": 1,
                "created_at": NOW,
                "updated_at": NOW,
            }
            conn.execute(insert(tables.rules).values(row))
    dice = np.random.default_rng(7)
    weights = np.cumsum(1 / np.arange(1, users + 1))
    who = np.concatenate((np.arange(users), np.searchsorted(weights / weights[-1], dice.random(events))))
    routes, statuses = dice.integers(0, len(ROUTES), len(who)), dice.integers(0, len(STATUSES), len(who))
    seldom = np.where(
        dice.integers(0, 100, len(who)) < rare, dice.integers(1, max(rules - 99, 2), len(who)), 0
    ).tolist()
    waits = dice.uniform(1, 400, len(who)).round(1).tolist()
    for start in range(0, len(who), 2_000):
        batch = [
            Event(
                id=f"m{i}", type="track", name="api_call", timestamp=NOW + i // 100, received_at=NOW + i // 100,
                source="1", user_id=f"user_{who[i]}",
                properties={
                    "method": METHODS[i % 4], "route": f"/v2/rare{seldom[i]}/{{id}}" if seldom[i] else ROUTES[routes[i]], "path": f"/v1/thing/{i}",
                    "status": STATUSES[statuses[i]], "latency_ms": waits[i], "sdk": "python/1.4",
                },
            )
            for i in range(start, min(start + 2_000, len(who)))
        ]  # fmt: skip
        with store.log.write() as conn:
            log.append_events(conn, batch, NOW)


def run(arguments: argparse.Namespace, rules: int) -> tuple[float, float]:
    """Wall and CPU seconds to drain a fresh store."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data=Path(folder)))
        upgrade(store)
        prepare(store, rules, arguments.users, arguments.events, arguments.rare)
        clock = lambda: NOW + (arguments.users + arguments.events) // 100  # noqa: E731
        evaluator = Evaluator(
            store, clock, EvaluateSettings(), lambda _: None, lambda _: "UTC", HistoryReader(store), lambda _: None
        )
        profiler = cProfile.Profile()
        done = 0
        while done < arguments.users:  # everybody is met
            done += evaluator.tick().events
        evaluator.flush()
        done -= arguments.users  # what the last of these ticks took of the others
        events = arguments.events - done
        done = 0
        wall, cpu = time.perf_counter(), time.process_time()
        if arguments.profile:
            profiler.enable()
        while done < events:
            done += evaluator.tick().events
        profiler.disable()
        took = (time.perf_counter() - wall) / events, (time.process_time() - cpu) / events
        if arguments.profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(28)
        store.close()
    return took


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="100", help="numbers of rules")
    parser.add_argument("--rare", type=int, default=0, help="percent of the events that are about rare routes")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    gc.freeze()  # as in the worker
    for rules in map(int, arguments.rules.split(",")):
        took = [run(arguments, rules) for _ in range(arguments.runs)]
        wall, cpu = (statistics.median(column) for column in zip(*took, strict=True))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
        print(
            f"{rules} rules: {1 / wall:,.0f} events/s, {cpu * 1e6:.2f} CPU-us an event, {peak:,.0f} MB at most",
            flush=True,
        )


if __name__ == "__main__":
    main()
