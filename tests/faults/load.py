"""Clients under way while things are killed: they send, wait for the answer, and try again until it is 2xx."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Collection, Iterator
from typing import Any

from faults.api import Made
from faults.harness import Product
from faults.ledger import Ledger, Sent
from faults.reference import address
from faults.wire import Connection, batch_request, request

HOUR_MS = 3_600_000
HABITS = (("four", 4), ("five", 5), ("five", 5), ("six", 6), ("stale", 4), ("quiet", 0))
"""What users do: this many errors within 24 h. `stale` users have a fifth one of 30 hours ago."""

Item = tuple[Sent, dict[str, Any]]


class Load:
    """Keeps sending waves of new users until told to stop; every event ends up acknowledged, or stays in the ledger."""

    def __init__(
        self, product: Product, made: Made, ledger: Ledger, seed: int, *, clients: int = 4, pause_s: float = 0.04
    ) -> None:
        """`pause_s` is how long a client rests after a batch on average: it sets the pace."""
        self._product = product
        self._made = made
        self._ledger = ledger
        self._random = random.Random(seed)
        self._clients = clients
        self._pause_s = pause_s
        self._stopping = False
        self._users = 0
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self.tasks = [asyncio.create_task(self._client(number)) for number in range(self._clients)]

    async def finish(self, timeout_s: float) -> None:
        """Make no more users, and wait until every client has its 2xx for everything; raises TimeoutError."""
        self._stopping = True
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*self.tasks)
        finally:
            for task in self.tasks:
                task.cancel()

    async def _client(self, number: int) -> None:
        rng = random.Random(f"{self._random.random()}-{number}")
        connection = Connection(self._product.port)
        try:
            while not self._stopping:
                await self._wave(connection, rng)
        finally:
            connection.close()

    async def _wave(self, connection: Connection, rng: random.Random) -> None:
        """A few new users: first who they are, then what they did, in any order, some of it said twice."""
        users = [self._new_user() for _ in range(rng.randint(3, 12))]
        people = [_identify(user_id) for user_id, _, _ in users]
        await self._send(connection, people, rng)
        items = [item for user_id, habit, errors in users for item in _behaviour(user_id, habit, errors, rng)]
        items += rng.sample(items, k=len(items) // 10)
        rng.shuffle(items)
        earlier: list[Item] | None = None
        for batch in _batches(items, rng):
            await self._send(connection, batch, rng)
            if earlier is not None and rng.random() < 0.1:  # a client that never heard the answer
                await self._send(connection, earlier, rng)
            earlier = batch
            await asyncio.sleep(rng.uniform(0, 2 * self._pause_s))
        if rng.random() < 0.3:
            await self._receipt(connection, rng.choice(users)[0], rng)

    def _new_user(self) -> tuple[str, str, int]:
        self._users += 1
        habit, errors = self._random.choice(HABITS)
        return f"u{self._users}-{habit}", habit, errors

    async def _send(self, connection: Connection, items: list[Item], rng: random.Random) -> None:
        self._ledger.made(sent for sent, _ in items)
        prepared = batch_request(self._product.write_key, [body for _, body in items], self._product.port)
        if await self._until_2xx(connection, prepared, rng):
            self._ledger.answered(sent.message_id for sent, _ in items)

    async def _receipt(self, connection: Connection, user_id: str, rng: random.Random) -> None:
        body = {"user_id": user_id, "channel": "email", "template_id": self._made.receipt_template_id, "variables": {}}
        key = f"receipt-{user_id}"
        prepared = request(
            "POST", "/v1/messages", json.dumps(body).encode(), self._product.port, self._made.server_key,
            {"Idempotency-Key": key},
        )  # fmt: skip
        # 404: the user's first call is accepted but not evaluated yet, or never will be
        if await self._until_2xx(connection, prepared, rng, retried={404}):
            self._ledger.receipt(key, user_id)

    async def _until_2xx(
        self,
        connection: Connection,
        prepared: bytes,
        rng: random.Random,
        retried: Collection[int] = (),
    ) -> bool:
        """The same bytes again until they are accepted; False, and noted, when no retry can heal the refusal."""
        attempt = 0
        while True:
            self._ledger.requests += 1
            try:
                status, answer = await connection.send(prepared)
            except (OSError, TimeoutError):
                status, answer = 0, b""
            if 200 <= status < 300:
                return True
            if 400 <= status < 500 and status not in {408, 425, 429, *retried}:
                self._ledger.refusals.append(f"{status} {answer[:300]!r}")
                return False
            self._ledger.retries += 1
            attempt += 1
            await asyncio.sleep(rng.uniform(0.02, min(0.05 * attempt, 0.5)))


def _identify(user_id: str) -> Item:
    now = _now()
    sent = Sent(f"{user_id}-identify", user_id, "identify", 0, now)
    traits = {"email": address(user_id), "name": f"User {user_id}"}
    return sent, {
        "type": "identify",
        "messageId": sent.message_id,
        "userId": user_id,
        "timestamp": _iso(now),
        "traits": traits,
    }


def _behaviour(user_id: str, habit: str, errors: int, rng: random.Random) -> Iterator[Item]:
    now = _now()
    for number in range(errors):
        yield _call(user_id, f"{user_id}-e{number}", 400, now - rng.randint(0, 20 * HOUR_MS))
    if habit == "stale":
        yield _call(user_id, f"{user_id}-stale", 400, now - 30 * HOUR_MS)
    for number in range(rng.randint(1, 5)):
        yield _call(user_id, f"{user_id}-ok{number}", rng.choice((200, 201, 404)), now - rng.randint(0, 20 * HOUR_MS))
    if rng.random() < 0.3:
        sent = Sent(f"{user_id}-signup", user_id, "signed_up", 0, now)
        yield sent, _track(sent, {"plan": "free"})


def _call(user_id: str, message_id: str, status: int, timestamp: int) -> Item:
    sent = Sent(message_id, user_id, "api_call", status, timestamp)
    return sent, _track(sent, {"method": "POST", "route": "/v1/items", "status": status, "latency_ms": 12.5})


def _track(sent: Sent, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "track",
        "event": sent.name,
        "messageId": sent.message_id,
        "userId": sent.user_id,
        "timestamp": _iso(sent.timestamp),
        "properties": properties,
    }


def _batches(items: list[Item], rng: random.Random) -> Iterator[list[Item]]:
    start = 0
    while start < len(items):
        size = rng.choice((1, 1, 3, 10, 40))
        yield items[start : start + size]
        start += size


def _now() -> int:
    return time.time_ns() // 1_000_000


def _iso(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"
