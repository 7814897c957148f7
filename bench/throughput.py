"""Events a second, fully evaluated: `python bench/throughput.py [--rules 10,100,1000,10000] [--users 10000,100000,1000000]`.

The real path: `antiphon serve` in its own processes, HTTP in batches of 100, each answered when it is on disk. Rules of every kind
(`bench/_mixed_rules.py`) are in force; every user has been seen once before, one in fifty with traits; then calls come from users drawn
by Zipf's law. `accepted` is until the last 2xx, `evaluated` until evaluation has read every event and committed what follows, `history`
until they are all in the table of history too. Client, web and worker share the machine's cores.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from _mixed_rules import mixed
from _profile import Sampler, per_event
from _rig import Instance, instance, keep, median
from _traffic import SHAPES, Traffic, drive
from faults.api import Api, make_rules
from faults.processes import wait_until

SIZE = 100


class ZipfTraffic(Traffic):
    """API calls of users drawn by Zipf's law, exponent 1."""

    def __init__(self, key: str, port: int, users: int, seed: int = 0) -> None:
        """The most active user is not the first: ranks are shuffled."""
        super().__init__(key, port, users, seed)
        self._dice = np.random.default_rng(seed)
        weights = np.cumsum(1 / np.arange(1, users + 1))
        self._weights = weights / weights[-1]
        self._ranks = self._dice.permutation(users)
        self._drawn: Iterator[int] = iter(())

    def _event(self) -> bytes:
        try:
            user = next(self._drawn)
        except StopIteration:
            draws = np.searchsorted(self._weights, self._dice.random(200_000))
            self._drawn = iter(self._ranks[draws].tolist())
            user = next(self._drawn)
        return self._call(user)

    def _call(self, user: int) -> bytes:
        self._number = number = self._number + 1
        before, after = self._shapes[number % SHAPES]
        return b'%b"messageId":"%b-%d","userId":"user-%d"%b' % (before, self._name, number, user, after)

    def everybody(self) -> Iterator[bytes]:
        """Requests in which every user calls once, one in fifty saying who it is first."""
        for start in range(0, self._users, 500):
            users = range(start, min(start + 500, self._users))
            people = [self._person(user) for user in users if user % 50 == 0]
            yield self._framed([*people, *(self._call(user) for user in users)])

    def _person(self, n: int) -> bytes:
        plan = (b"free", b"pro", b"scale")[n % 3]
        return (
            b'{"type":"identify","messageId":"%b-i%d","userId":"user-%d","traits":'
            b'{"email":"user-%d@example.com","plan":"%b","plan_limit":%d}}'
        ) % (self._name, n, n, n, plan, 10_000_000 + n)


def main() -> None:
    """Measure each combination."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="100", help="numbers of rules")
    parser.add_argument("--users", default="1000000", help="numbers of users")
    parser.add_argument("--events", type=int, default=1_000_000, help="events in a run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--profile", action="store_true", help="CPU by stage, in a run of its own (needs uvx)")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    for users in map(int, options.users.split(",")):
        for rules in map(int, options.rules.split(",")):
            _measure(options, rules, users)


def _measure(options: argparse.Namespace, rules: int, users: int) -> None:
    with instance(postgres=options.postgres) as running:
        port = running.product.port
        make_rules(Api(running.product), mixed(rules), wait_s=1_800)
        running.wait_quiet()
        traffic = ZipfTraffic(running.product.write_key, port, users)
        started = time.perf_counter()
        drive(port, list(traffic.everybody()), options.connections)
        running.wait_evaluated()
        met_s = time.perf_counter() - started
        _wait_history(running)
        runs = [_run(running, traffic, options) for _ in range(options.runs)]
        keep("throughput", _summary(running, options, rules, users, runs) | {"all_users_met_s": round(met_s, 1)})
        if options.profile:
            keep("throughput", _profile(running, traffic, options, rules, users))


def _run(running: Instance, traffic: ZipfTraffic, options: argparse.Namespace) -> dict[str, Any]:
    requests = [traffic.request(SIZE) for _ in range(options.events // SIZE)]
    count = len(requests) * SIZE
    before, client = running.usage(), _client_cpu()
    started = time.perf_counter()
    drive(running.product.port, requests, options.connections)
    accepted, client = time.perf_counter() - started, _client_cpu() - client
    running.wait_evaluated()
    evaluated = time.perf_counter() - started
    _wait_history(running)
    history = time.perf_counter() - started
    after = running.usage()
    cpu: dict[str, float] = {role: (after[role].cpu_s - before[role].cpu_s) / count * 1e6 for role in after}
    return {
        "accepted_s": count / accepted,
        "evaluated_s": count / evaluated,
        "history_s": count / history,
        "cpu_us": cpu | {"client": client / count * 1e6},
        "rss_mb": {role: part.rss / 1e6 for role, part in after.items()},
        "peak_rss_mb": {role: part.peak_rss / 1e6 for role, part in after.items()},
    }


def _wait_history(running: Instance) -> None:
    wait_until(
        lambda: running.peek.pending(time.time_ns() // 1_000_000).get("history", 0) == 0, 900, "history", step=0.02
    )


def _summary(
    running: Instance, options: argparse.Namespace, rules: int, users: int, runs: list[dict[str, Any]]
) -> dict[str, Any]:
    def middle(key: str) -> dict[str, float]:
        return {name: round(median([run[key][name] for run in runs]), 1) for name in runs[0][key]}

    return {
        "bench": "throughput",
        "database": running.database,
        "rules": rules,
        "users": users,
        "events": options.events,
        "runs": len(runs),
        "accepted_events_s": round(median([run["accepted_s"] for run in runs])),
        "evaluated_events_s": round(median([run["evaluated_s"] for run in runs])),
        "with_history_events_s": round(median([run["history_s"] for run in runs])),
        "evaluated_all_runs": [round(run["evaluated_s"]) for run in runs],
        "cpu_us_per_event": middle("cpu_us"),
        "rss_mb": middle("rss_mb"),
        "peak_rss_mb": middle("peak_rss_mb"),
    }


def _profile(
    running: Instance, traffic: ZipfTraffic, options: argparse.Namespace, rules: int, users: int
) -> dict[str, Any]:
    """A run under the sampler: CPU-us per event by thread and module, for web and worker. Its rates do not count."""
    samplers = {role: Sampler(running.product.processes()[role][0].pid) for role in ("web", "worker")}
    for sampler in samplers.values():
        sampler.start()
    try:
        run = _run(running, traffic, options)
    finally:
        used = {role: sampler.stop() for role, sampler in samplers.items()}
    return {
        "bench": "throughput-profile",
        "rules": rules,
        "users": users,
        "cpu_us_per_event": {role: round(us, 1) for role, us in run["cpu_us"].items()},
        "by_thread_and_module": {role: per_event(found, options.events) for role, found in used.items()},
    }


def _client_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
