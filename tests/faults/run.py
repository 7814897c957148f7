"""The full fault run: `make faults`, or `python tests/faults/run.py --kills 50 --seed 1`.

Kills each process so often at random moments under load, then once at every named crash point, and compares what
came of it with a ledger and a reference outside. Exit code 1 when anything was lost, doubled or stuck. A failure is
repeated, as far as timing allows, with the seed that is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `faults` and `postgres_server`, as under pytest

from faults.harness import ROLES
from faults.injected.sitecustomize import BUGS, POINTS
from faults.scenario import Outcome, Plan, run
from postgres_server import PostgresServer

ALL_POINTS = tuple(f"{name}.{side}" for name in POINTS for side in ("before", "after"))


def main() -> int:
    """Run what the command line asks for; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="random kills of each process (default 50)")
    parser.add_argument("--seed", type=int, default=None, help="default: drawn, and printed")
    parser.add_argument("--stale", type=int, default=5, help="times that an old worker wakes up beside a new one")
    parser.add_argument("--roles", default=",".join(ROLES), help="which processes to kill (comma-separated)")
    parser.add_argument("--points", choices=["all", "none"], default="all", help="visit the named crash points too")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--peer-bug", choices=sorted(BUGS), default="", help="plant a bug: the run must turn red")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between kills")
    parser.add_argument("--keep", action="store_true", help="keep the data folder and the product's output")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    click.echo(f"seed {seed}")
    kills = dict.fromkeys((role for role in ROLES if role in options.roles.split(",")), options.kills)
    plans = {
        "kills": Plan(
            kills=kills, stale_workers=options.stale, seed=seed, peer_bug=options.peer_bug, kill_pause_s=options.pause
        )
    }
    if options.points == "all":  # in a run of their own: what plants them is not in the processes of the first
        plans["points"] = Plan(kills={}, points=ALL_POINTS, seed=seed, peer_bug=options.peer_bug)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="antiphon-faults-"))
        if not options.keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = stack.enter_context(_postgres()) if options.postgres else None
        outcomes: list[Outcome] = []
        for name, plan in plans.items():
            url = ""
            if server is not None:
                with server.connect() as admin:
                    admin.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType] - our own name
                url = server.url(name)
            outcomes.append(asyncio.run(run(folder / name, plan._replace(database_url=url))))
            _report(outcomes[-1], folder if options.keep else None)
    return 0 if all(o.verdict.good and not o.figures["unreached_points"] for o in outcomes) else 1


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _report(outcome: Outcome, folder: Path | None) -> None:
    if not outcome.verdict.good:
        for kind, examples in outcome.verdict.examples.items():
            for example in examples:
                click.echo(f"{kind}: {example}")
        click.echo(f"FAILED; repeat with --seed {outcome.plan.seed}")
    if folder is not None:
        click.echo(f"kept in {folder}")
    shown = outcome.as_dict()
    del shown["examples"]
    click.echo(json.dumps(shown))


if __name__ == "__main__":
    sys.exit(main())
