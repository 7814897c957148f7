"""API calls as cheap bytes: a benchmark's client must not take the CPU that the server is to be measured on.

Run as a program it offers a steady rate from a process of its own:
`python bench/_traffic.py --port 8000 --key awk_... --rate 1000 --seconds 60`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import random
import time
from collections.abc import Iterator, Sequence

import uvloop

ROUTES = [f"/v1/resource{number}/{{id}}" for number in range(20)]
STATUSES = [200] * 60 + [201] * 20 + [304] * 6 + [404] * 5 + [400] * 3 + [401, 403, 422, 429, 500, 503]
SHAPES = 997


class Traffic:
    """Unending API calls of `users` customers; every event has an id of its own."""

    def __init__(self, key: str, port: int, users: int, seed: int = 0, name: str = "b") -> None:
        """`name` keeps the ids of one generator apart from another's."""
        self._random = random.Random(seed)
        self._users = users
        self._name = name.encode()
        self._number = 0
        self._shapes = [self._shape() for _ in range(SHAPES)]
        self._head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Basic "
            f"{base64.b64encode(f'{key}:'.encode()).decode()}\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()

    def request(self, size: int) -> bytes:
        """One request with `size` events."""
        return self._framed([self._event() for _ in range(size)])

    def people(self, size: int) -> Iterator[bytes]:
        """Requests that introduce every user, `size` in each."""
        for start in range(0, self._users, size):
            yield self._framed([self._person(n) for n in range(start, min(start + size, self._users))])

    def _person(self, n: int) -> bytes:
        plan = (b"free", b"pro", b"scale")[n % 3]
        return (
            b'{"type":"identify","messageId":"%b-i%d","userId":"user-%d","traits":'
            b'{"email":"user-%d@example.com","name":"User %d","plan":"%b","seats":%d}}'
        ) % (self._name, n, n, n, n, plan, n % 50)

    def _event(self) -> bytes:
        self._number = number = self._number + 1
        before, after = self._shapes[number % SHAPES]
        user = int(self._random.random() * self._users)
        return b'%b"messageId":"%b-%d","userId":"user-%d"%b' % (before, self._name, number, user, after)

    def _shape(self) -> tuple[bytes, bytes]:
        rng = self._random
        properties = (
            f'"method":"{rng.choice(("GET", "GET", "POST", "DELETE"))}","route":"{rng.choice(ROUTES)}",'
            f'"status":{rng.choice(STATUSES)},"latency_ms":{rng.uniform(1, 400):.1f},"sdk":"python/1.4"'
        )
        return b'{"type":"track","event":"api_call",', b',"properties":{' + properties.encode() + b"}}"

    def _framed(self, events: list[bytes]) -> bytes:
        body = b'{"batch":[' + b",".join(events) + b"]}"
        return self._head + str(len(body)).encode() + b"\r\n\r\n" + body


class _Lane(asyncio.Protocol):
    """One connection: the next request goes out when the previous one is answered."""

    def __init__(self, requests: Iterator[bytes], refused: list[bytes]) -> None:
        self._requests = requests
        self._refused = refused
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue]
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        end = head + 4 + _content_length(self._received[:head])
        if len(self._received) < end:
            return
        if self._received[9:12] != b"200":
            self._refused.append(self._received[:600])
        self._received = self._received[end:]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        assert self._transport is not None
        prepared = next(self._requests, None)
        if prepared is not None:
            self._transport.write(prepared)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    end = lower.find(b"\r\n", start)
    return int(lower[start : end if end >= 0 else None])


async def _drive(port: int, requests: Iterator[bytes], connections: int) -> list[bytes]:
    loop = asyncio.get_running_loop()
    refused: list[bytes] = []
    lanes: list[_Lane] = []
    for _ in range(connections):
        _, lane = await loop.create_connection(lambda: _Lane(requests, refused), "127.0.0.1", port)
        lanes.append(lane)
    await asyncio.gather(*[lane.done for lane in lanes])
    return refused


def drive(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Send all requests over so many connections, each at once after the answer to the one before; seconds taken.

    Raises RuntimeError when an answer was not 200.
    """
    started = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        refused = runner.run(_drive(port, iter(requests), connections))
    took = time.perf_counter() - started
    if refused:
        message = f"{len(refused)} of {len(requests)} requests were refused: {refused[0]!r}"
        raise RuntimeError(message)
    return took


class _Offer:
    """`rate` events/s in requests of `size`, by the clock; answers that come late do not slow it down."""

    CONNECTIONS = 64

    def __init__(self, port: int, traffic: Traffic, rate: int, size: int) -> None:
        self._port = port
        self._traffic = traffic
        self._rate = rate
        self._size = size
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._opened = 0

    async def run(self, seconds: float) -> str:
        """Offer; what was offered, in a sentence."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        count = 0
        under_way: set[asyncio.Task[None]] = set()
        while (now := loop.time() - started) < seconds:
            while count * self._size < now * self._rate:
                task = asyncio.create_task(self._send())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                count += 1
            await asyncio.sleep(0.002)
        unanswered = len(under_way)
        for task in list(under_way):
            task.cancel()
        return f"offered {count * self._size} events in {seconds:g} s, {unanswered} requests unanswered at the end"

    async def _send(self) -> None:
        if self._free.empty() and self._opened < self.CONNECTIONS:
            self._opened += 1
            streams = await asyncio.open_connection("127.0.0.1", self._port)
        else:
            streams = await self._free.get()
        reader, writer = streams
        writer.write(self._traffic.request(self._size))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_content_length(head[:-4]))
        self._free.put_nowait(streams)


def main() -> None:
    """Offer a rate until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--rate", type=int, required=True, help="events a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--users", type=int, default=100_000)
    options = parser.parse_args()
    traffic = Traffic(options.key, options.port, options.users, name=f"offer{time.time_ns()}")
    size = max(1, min(100, options.rate // 100))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(_Offer(options.port, traffic, options.rate, size).run(options.seconds)))


if __name__ == "__main__":
    main()
