"""A whole fault run: load, kills, drain, verdict."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from faults.api import Api, set_up
from faults.harness import Product, Role
from faults.killer import Killer
from faults.ledger import Ledger
from faults.load import Load
from faults.peek import Peek
from faults.smtp_sink import Script, SmtpSink
from faults.verdict import Verdict, drain, judge

DRAIN_S = 120.0


class Plan(NamedTuple):
    """What is done to the product.

    `kills` says how often each role is killed, `points` which crash points are visited,
    `stale_workers` how often an old worker wakes up beside a new one. `warm_up_s` is how long the
    load runs before and after. `injected` are the variables of `injected/`, `script` is how the mail server behaves.
    """

    kills: dict[Role, int]
    seed: int
    points: tuple[str, ...] = ()
    stale_workers: int = 0
    database_url: str = ""
    peer_bug: str = ""
    warm_up_s: float = 1.0
    kill_pause_s: float = 1.0
    script: Script = Script(drop=0.02, slow=0.3)
    drain_s: float = DRAIN_S


class Outcome(NamedTuple):
    """What came of a run."""

    plan: Plan
    verdict: Verdict
    killed: dict[str, int]
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """One JSON line."""
        return {
            "seed": self.plan.seed,
            "good": self.verdict.good,
            **self.figures,
            "killed": self.killed,
            **self.verdict.as_dict(),
        }


async def run(folder: Path, plan: Plan) -> Outcome:
    """Run `plan` with its data in `folder` (which must be empty); no process is left behind."""
    started = time.monotonic()
    armed = folder / "points"
    armed.mkdir(parents=True)
    injected: Mapping[str, str] = (
        ({"ANTIPHON_PEER_BUG": plan.peer_bug} if plan.peer_bug else {})
        | ({"ANTIPHON_FAULT_POINTS": str(armed)} if plan.points else {})
    )  # fmt: skip
    async with SmtpSink(plan.script, plan.seed) as sink:
        settings = sink.settings() | ({"database_url": plan.database_url} if plan.database_url else {})
        product = Product(folder / "data", settings, injected=injected)
        try:
            await asyncio.to_thread(product.start)
            return await _run(product, plan, sink, armed, started)
        finally:
            await asyncio.to_thread(product.close)


async def _run(product: Product, plan: Plan, sink: SmtpSink, armed: Path, started: float) -> Outcome:
    made = await asyncio.to_thread(set_up, product)
    ledger = Ledger()
    load = Load(product, made, ledger, plan.seed)
    killer = Killer(product, plan.seed, plan.kill_pause_s)
    load.start()
    await asyncio.sleep(plan.warm_up_s)
    await killer.kill(plan.kills)
    await killer.leave_stale_workers(plan.stale_workers)
    unreached = [point for point in plan.points if not await killer.crash_at(point, armed)]
    await asyncio.to_thread(product.wait_ready)
    await asyncio.sleep(plan.warm_up_s)
    peek = Peek(product.data, plan.database_url)
    with contextlib.suppress(TimeoutError):  # what was never acknowledged is judged below
        await load.finish(plan.drain_s)
    stuck = await drain(peek, plan.drain_s)
    verdict = await asyncio.to_thread(judge, ledger, sink, peek, made, Api(product), stuck)
    figures = {
        "database": "postgresql" if plan.database_url else "sqlite",
        "peer_bug": plan.peer_bug,
        "kills": sum(killer.killed.values()),
        "starts": product.starts,
        "unreached_points": unreached,
        "events": len(ledger.events),
        "acknowledged": len(ledger.acknowledged),
        "requests": ledger.requests,
        "retries": ledger.retries,
        "mails": len(sink.accepted),
        "dropped_after_dot": sink.dropped,
        "seconds": round(time.monotonic() - started, 1),
    }
    return Outcome(plan, verdict, dict(killer.killed), figures)
