"""Kills processes at random moments, and at named ones."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

from faults.harness import Product, Role
from faults.processes import alive, wait_until

RESTART_S = 120.0


class Killer:
    """Kills as a seed says, and sees to it that each victim comes back."""

    def __init__(self, product: Product, seed: int, pause_s: float = 1.0) -> None:
        """`pause_s` is how long (s) things run on average before the next kill."""
        self._product = product
        self._random = random.Random(seed)
        self._pause_s = pause_s
        self.killed: Counter[str] = Counter()

    async def kill(self, each: dict[Role, int]) -> None:
        """Kill every role so often, in random order."""
        plan = [role for role, count in each.items() for _ in range(count)]
        self._random.shuffle(plan)
        for role in plan:
            await asyncio.sleep(self._random.uniform(0, 2 * self._pause_s))
            await asyncio.to_thread(self._kill, role, self._random.random(), self._random.random())

    async def leave_stale_workers(self, count: int) -> None:
        """So often, let an old worker wake up beside the one that has taken its place."""
        for _ in range(count):
            await asyncio.sleep(self._random.uniform(0, 2 * self._pause_s))
            frozen_s = self._random.uniform(4, 12)
            await asyncio.to_thread(self._product.replace_supervisor_beside_stale_worker, frozen_s)
            self.killed["stale worker"] += 1

    async def crash_at(self, point: str, folder: Path, timeout_s: float = 20.0) -> bool:
        """Arm a crash point of `injected/` and wait until a process has died there; False when none came by."""
        armed = folder / point
        await asyncio.to_thread(armed.touch)
        deadline = time.monotonic() + timeout_s
        while armed.exists():
            if time.monotonic() > deadline:
                armed.unlink(missing_ok=True)
                return False
            await asyncio.sleep(0.02)
        self.killed[point] += 1
        await asyncio.sleep(0.1)
        await asyncio.to_thread(self._product.wait_ready, RESTART_S)
        return True

    def _kill(self, role: Role, how: float, then: float) -> None:
        wait_until(lambda: bool(self._product.processes().get(role)), RESTART_S, f"a {role} to kill")
        # half the time the supervisor dies alone, and its children live on for a moment beside the next ones
        victim = self._product.kill(role, tree=how < 0.5)
        if victim is None:
            return
        self.killed[role if role != "supervisor" or how < 0.5 else "supervisor alone"] += 1
        if role == "supervisor":
            self._product.start(RESTART_S)
        elif then < 0.7:
            self._product.wait_replaced(role, victim, RESTART_S)
            if role != "renderer":
                self._product.wait_ready(RESTART_S)
        else:  # and now and then the next kill comes while it still starts
            wait_until(lambda: not alive(victim), 10, "the victim to die")
