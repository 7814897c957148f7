"""Events a second, accepted durably and fully evaluated: `python bench/ingest.py [--sizes 1,10,100,500]`.

100 rules, 100,000 known users. Prepared requests go out over several kept-alive connections, each as soon as the
answer before it has come. `accepted` counts until the last 2xx (each is on disk then), `evaluated` until evaluation
has read everything too. Client, web and worker share the machine's cores; the client's own share is reported.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

from _profile import Sampler, per_event
from _rig import Instance, instance, keep, median
from _rules import rules
from _traffic import Traffic, drive
from faults.api import Api, make_rules
from faults.harness import Role

EVENTS = {1: 10_000, 10: 60_000, 100: 200_000, 500: 300_000}
"""How many events a run sends, by batch size, unless --events says otherwise."""


def main() -> None:
    """Measure each batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1,10,100,500", help="batch sizes")
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=0, help="events in a run (default: by batch size)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--profile", action="store_true", help="CPU by stage, in a run of its own (needs uvx)")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with instance(postgres=options.postgres) as running:
        make_rules(Api(running.product), rules(options.rules))
        traffic = Traffic(running.product.write_key, running.product.port, options.users)
        started = time.perf_counter()
        drive(running.product.port, list(traffic.people(500)), options.connections)
        running.wait_evaluated()
        people_s = time.perf_counter() - started
        print(f"{options.rules} rules, {options.users} users introduced in {people_s:.1f} s", flush=True)
        for size in map(int, options.sizes.split(",")):
            count = options.events or EVENTS.get(size, 200_000)
            runs = [_run(running, traffic, count, size, options.connections) for _ in range(options.runs)]
            keep("ingest", _summary(running, options, size, count, runs))
            if options.profile:
                keep("ingest", _profile(running, traffic, count, size, options.connections))


def _run(running: Instance, traffic: Traffic, count: int, size: int, connections: int) -> dict[str, Any]:
    """One run: rates, and CPU-us per event by process."""
    requests = [traffic.request(min(size, count - start)) for start in range(0, count, size)]
    running.wait_quiet()
    before, client_before = running.usage(), _client_cpu()
    accepted_s = drive(running.product.port, requests, connections)
    client_cpu = _client_cpu() - client_before
    evaluated_s = accepted_s + _seconds(running.wait_evaluated)
    running.wait_quiet()
    after = running.usage()
    cpu: dict[str, float] = {role: (after[role].cpu_s - before[role].cpu_s) / count * 1e6 for role in after}
    return {
        "accepted_s": count / accepted_s,
        "evaluated_s": count / evaluated_s,
        "cpu_us": cpu | {"client": client_cpu / count * 1e6},
        "rss_mb": {role: part.rss / 1e6 for role, part in after.items()},
        "peak_rss_mb": {role: part.peak_rss / 1e6 for role, part in after.items()},
    }


def _summary(
    running: Instance, options: argparse.Namespace, size: int, count: int, runs: list[dict[str, Any]]
) -> dict[str, Any]:
    def middle(key: str) -> dict[str, float]:
        return {name: round(median([run[key][name] for run in runs]), 1) for name in runs[0][key]}

    return {
        "bench": "ingest",
        "database": running.database,
        "batch": size,
        "rules": options.rules,
        "users": options.users,
        "events": count,
        "runs": len(runs),
        "accepted_events_s": round(median([run["accepted_s"] for run in runs])),
        "evaluated_events_s": round(median([run["evaluated_s"] for run in runs])),
        "evaluated_all_runs": [round(run["evaluated_s"]) for run in runs],
        "cpu_us_per_event": middle("cpu_us"),
        "rss_mb": middle("rss_mb"),
        "peak_rss_mb": middle("peak_rss_mb"),
    }


def _profile(running: Instance, traffic: Traffic, count: int, size: int, connections: int) -> dict[str, Any]:
    """A run under the sampler: CPU-us per event by thread and module, for web and worker. Its rates do not count."""
    roles: tuple[Role, ...] = ("web", "worker")
    samplers = {role: Sampler(running.product.processes()[role][0].pid) for role in roles}
    for sampler in samplers.values():
        sampler.start()
    try:
        run = _run(running, traffic, count, size, connections)
    finally:
        used = {role: sampler.stop() for role, sampler in samplers.items()}
    by_stage = {role: per_event(found, count) for role, found in used.items()}
    return {
        "bench": "ingest-profile",
        "database": running.database,
        "batch": size,
        "events": count,
        "cpu_us_per_event": {role: round(us, 1) for role, us in run["cpu_us"].items()},
        "by_thread_and_module": by_stage,
    }


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _client_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
