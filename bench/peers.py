"""Antiphon beside Prometheus + Alertmanager and SQL polling, on one trace with an oracle: `python bench/peers.py [--short]`.

Everybody is to tell a user of the fifth error within 24 h. Each contestant gets the same calls at the same instants, one
contestant after another so that each has the machine to itself. First comes whether the right people were told, then how
soon, then at what cost. `docs/guides/benchmarks.md` says what each group of users is and what was done to be fair.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from statistics import median
from typing import Any

from _peers_antiphon import antiphon
from _peers_play import Contestant, play
from _peers_prometheus import PACKAGED, TIGHT, prometheus
from _peers_sql import sql_polling
from _peers_trace import Trace, make
from _rig import keep

Start = Callable[[Trace, int], AbstractAsyncContextManager[Contestant]]

CONTESTANTS: dict[str, Start] = {
    "antiphon": antiphon,
    "prometheus tight": lambda trace, rules: prometheus(TIGHT, trace, rules),
    "prometheus packaged": lambda trace, rules: prometheus(PACKAGED, trace, rules),
    "sql full": lambda trace, rules: sql_polling(trace, rules, "full"),
    "sql recent": lambda trace, rules: sql_polling(trace, rules, "recent"),
}
SHORT = ("antiphon", "prometheus tight", "sql recent")
COLUMNS = (
    "contestant", "rules", "users", "due", "missed", "false", "duplicates", "in_step", "p50_ms", "p99_ms", "max_ms",
    "cpu_us_per_event", "cores", "peak_mb",
)  # fmt: skip
COUNTS = ("due", "missed", "false", "duplicates", "in_step", "early")


def main() -> None:
    """Run what was asked for, then print one table."""
    options = _options()
    cells = [(name, rules, users) for users in options.users for rules in options.rules for name in options.contestant]
    rows: list[dict[str, Any]] = []
    for name, rules, users in cells:
        seconds = max(options.seconds, users / 500)  # at most some 2,500 errors a second: the bench is one process
        runs: list[dict[str, Any]] = []
        for run in range(options.runs):
            trace = make(users, seconds, options.quiet, options.ok_rate, options.seed + run)
            found = asyncio.run(_run(CONTESTANTS[name], trace, rules, options.patience))
            runs.append(found)
            keep("peers", {"bench": "peers", "contestant": name, "rules": rules, "users": users, "run": run, **found})
        rows.append({"contestant": name, "rules": rules, "users": users, **_together(runs)})
    print(_table(rows))


async def _run(start: Start, trace: Trace, rules: int, patience_s: float) -> dict[str, Any]:
    async with start(trace, rules) as contestant:
        slow_s = min(300.0, len(trace.groups) * rules / 30_000)  # many rules over many users take some long
        return await play(contestant, trace, patience_s + slow_s)


def _together(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of all runs added up; the median of every other figure."""
    found: dict[str, Any] = {}
    for column in COLUMNS[3:]:
        values = [run[column] for run in runs if run[column] is not None]
        found[column] = sum(values) if column in COUNTS else round(median(values), 3) if values else "-"
    return found


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [COLUMNS, *(tuple(str(row[column]) for column in COLUMNS) for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="1 rule, 200 users, three contestants: about a minute")
    parser.add_argument("--matrix", action="store_true", help="1 and 100 rules, 1k, 10k and 100k users: some hours")
    parser.add_argument("--contestant", action="append", choices=CONTESTANTS, help="may be repeated (default all)")
    parser.add_argument("--rules", type=int, action="append", help="may be repeated (default 1 and 100)")
    parser.add_argument("--users", type=int, action="append", help="may be repeated (default 1000)")
    parser.add_argument("--seconds", type=float, help="for the errors, before the API's restart (default 20)")
    parser.add_argument("--quiet", type=float, help="seconds between those and the restart (default 16: a scrape)")
    parser.add_argument("--patience", type=float, help="further seconds of silence before a run ends (default 20)")
    parser.add_argument("--ok-rate", type=float, default=1000.0, help="successful calls a second among the errors")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.contestant = options.contestant or list(SHORT if options.short else CONTESTANTS)
    options.rules = options.rules or ([1] if options.short else [1, 100])
    options.users = options.users or (
        [200] if options.short else [1_000, 10_000, 100_000] if options.matrix else [1_000]
    )
    options.seconds = options.seconds or (8.0 if options.short else 20.0)
    if options.patience is None:
        options.patience = 0.0 if options.short else 20.0
    options.quiet = options.quiet or (1.5 if options.short else 16.0)
    return options


if __name__ == "__main__":
    main()
