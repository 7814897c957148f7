"""The simulation: who comes when, and one loop that makes every call at its time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from demo_customers import habits
from demo_customers.habits import Call, Habit
from demo_customers.people import person

QUOTA = 60
AT_ONCE = 8
NEWCOMER_EVERY = 9.0
"""Seconds between two newcomers; every fifth of them gets stuck."""


@dataclass
class Customer:
    """A habit, and what to say at sign-up."""

    habit: Habit
    form: dict[str, Any]
    key: str = ""
    latest: str = ""


def regulars(count: int) -> Iterator[Customer]:
    """The steady customers: the same people in every run."""
    for index in range(count):
        chance = random.Random(f"regular {index}")
        plan = chance.choice(("starter", "growth", "growth", "scale"))
        yield Customer(habits.steady(chance, every=10.0), person(chance).form(plan=plan))


def special(chance: random.Random) -> list[Customer]:
    """Those whose story is told within the first minute; new people in every run."""
    return [
        Customer(habits.stuck(chance), person(chance).form()),
        Customer(habits.newcomer(chance, first_after=2.0), person(chance).form()),
        Customer(habits.nears_quota(chance, QUOTA), person(chance).form(plan="starter", daily_quota=QUOTA)),
        Customer(habits.falls_silent(chance), person(chance).form(plan="scale", tier="key account")),
        Customer(habits.newcomer(chance), person(chance).form()),
    ]


def arrivals(chance: random.Random) -> Iterator[Customer]:
    """Newcomers without end, some of whom get stuck."""
    for number in itertools.count(1):
        habit = habits.stuck(chance) if number % 5 == 0 else habits.newcomer(chance)
        yield Customer(habit, person(chance).form())


class Traffic:
    """Runs the customers against the API at `base_url`; `counts` holds answers by status, and sign-ups."""

    def __init__(self, base_url: str, *, regular: int, chance: random.Random) -> None:
        """`regular` steady customers make one call in 10 s each."""
        self._base_url = base_url
        self._regular = regular
        self._chance = chance
        self._due: list[tuple[float, int, Customer, Call]] = []
        self._order = itertools.count()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._calls: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        """Go on for so many seconds."""
        end = time.monotonic() + seconds
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(base_url=self._base_url, limits=limits, timeout=10) as http:
            joining = asyncio.create_task(self._join(http))
            try:
                while (now := time.monotonic()) < end:
                    while self._due and self._due[0][0] <= now:
                        _, _, customer, call = heapq.heappop(self._due)
                        task = asyncio.create_task(self._call(http, customer, call))
                        self._calls.add(task)
                        task.add_done_callback(self._calls.discard)
                    following = self._due[0][0] if self._due else now + 0.05
                    await asyncio.sleep(max(0.005, min(following - now, 0.05, end - now)))
            finally:
                joining.cancel()
                await asyncio.gather(joining, *self._calls, return_exceptions=True)

    async def _join(self, http: httpx.AsyncClient) -> None:
        """First those with a story, then the regulars over some seconds, then newcomers one by one."""
        for customer in special(self._chance):
            await self._sign_up(http, customer)
        for customer in regulars(self._regular):
            await self._sign_up(http, customer)
            await asyncio.sleep(0.03)
        for customer in arrivals(self._chance):
            await asyncio.sleep(self._chance.expovariate(1 / NEWCOMER_EVERY))
            await self._sign_up(http, customer)

    async def _sign_up(self, http: httpx.AsyncClient, customer: Customer) -> None:
        try:
            answer = await http.post("/v1/accounts", json=customer.form)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            self.counts[type(error).__name__] += 1
            return
        customer.key = answer.json()["api_key"]
        self.counts["customers"] += 1
        self._plan(customer)

    def _plan(self, customer: Customer) -> None:
        """When this customer calls next; never, when the habit has ended."""
        step = next(customer.habit, None)
        if step is not None:
            heapq.heappush(self._due, (time.monotonic() + step[0], next(self._order), customer, step[1]))

    async def _call(self, http: httpx.AsyncClient, customer: Customer, call: Call) -> None:
        if habits.LATEST in call.path:
            path = call.path.replace(habits.LATEST, customer.latest)
            call = call._replace(path=path) if customer.latest else habits.shipment(self._chance)
        headers = {"x-api-key": customer.key, "user-agent": "waybill-python/2.4"}
        async with self._gate:
            try:
                answer = await http.request(call.method, call.path, params=call.params, json=call.json, headers=headers)
                self.counts[str(answer.status_code)] += 1
                if answer.status_code == httpx.codes.CREATED and call.path == "/v1/shipments":
                    customer.latest = answer.json()["id"]
            except httpx.HTTPError as error:
                self.counts[type(error).__name__] += 1
        self._plan(customer)
