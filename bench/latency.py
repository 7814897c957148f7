"""From the fifth error to the mail: `python bench/latency.py [--users 200] [--rate 1000]`.

Each of `--users` people has four errors already. Then, one after another on an otherwise idle server, each makes the
fifth; measured is the time from the first byte of that request leaving the client to the last byte of the mail being
in at the mail server (our own, in this process, which stamps both with one clock). Afterwards it is shown that
first-time users with exactly five errors all get their mail, and those with four get none.

`--rate` offers that many further events a second, of 100,000 other users, from another process meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _rig import Instance, instance, keep, median, percentile
from faults.api import FIFTH_ERROR, set_up
from faults.smtp_sink import SmtpSink
from faults.wire import Connection, batch_request

PATIENCE_S = 20.0


def main() -> None:
    """Measure at each of the rates that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument(
        "--rate", type=int, action="append", help="background events/s; may be repeated (default 0, 1000, 10000)"
    )
    parser.add_argument("--pause", type=float, default=0.05, help="mean seconds between one mail and the next call")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    for rate in options.rate or [0, 1_000, 10_000]:
        asyncio.run(_measure(options.users, rate, options.pause, postgres=options.postgres))


async def _measure(users: int, rate: int, pause_s: float, *, postgres: bool) -> None:
    async with SmtpSink() as sink:
        with instance(sink.settings(), postgres=postgres) as running:
            await asyncio.to_thread(set_up, running.product)
            connection = Connection(running.product.port)
            await _prepare(running, connection, users)
            with _background(running, rate, seconds=users * (pause_s + 0.5) + 30):
                took, missed = await _one_by_one(running, connection, sink, users, pause_s)
                lag = running.lag()
                fired, false = await _newcomers(running, connection, sink, users)
            connection.close()
            if not took:
                message = "no mail arrived"
                raise RuntimeError(message)
            keep(
                "latency",
                {
                    "bench": "latency",
                    "database": running.database,
                    "users": users,
                    "background_events_s": rate,
                    "p50_ms": round(median(took) * 1000, 1),
                    "p90_ms": round(percentile(took, 0.9) * 1000, 1),
                    "p99_ms": round(percentile(took, 0.99) * 1000, 1),
                    "max_ms": round(max(took) * 1000, 1),
                    "missed": missed,
                    "lag_events_at_end": lag,
                    "first_time_five_fired": f"{fired}/{users}",
                    "first_time_four_fired": f"{false}/{users}",
                },
            )


@contextlib.contextmanager
def _background(running: Instance, rate: int, seconds: float) -> Iterator[None]:
    """Another process that offers `rate` events/s."""
    if not rate:
        yield
        return
    options = {"port": running.product.port, "key": running.product.write_key, "rate": rate, "seconds": seconds}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("_traffic.py")), *words])
    try:
        time.sleep(3)
        yield
    finally:
        process.kill()
        process.wait()


async def _prepare(running: Instance, connection: Connection, users: int) -> None:
    for number in range(users):
        user_id = f"late-{number}"
        await _send(running, connection, [_identify(user_id), *(_error(user_id, n) for n in range(4))])
    await asyncio.to_thread(running.wait_quiet, 120)
    await asyncio.sleep(2)


async def _one_by_one(
    running: Instance, connection: Connection, sink: SmtpSink, users: int, pause_s: float
) -> tuple[list[float], int]:
    """Seconds from each fifth error to its mail, and how many mails did not come in time."""
    rng = random.Random(0)
    called: dict[str, float] = {}
    first = len(sink.accepted)
    for number in range(users):
        user_id = f"late-{number}"
        expected = len(sink.accepted) + 1
        prepared = batch_request(running.product.write_key, [_error(user_id, 4)], running.product.port)
        called[f"{user_id}@example.com"] = time.perf_counter()
        answer = asyncio.create_task(connection.send(prepared))
        await sink.wait_for(expected, PATIENCE_S)
        _must_be_ok(*await answer)
        await asyncio.sleep(rng.uniform(0, 2 * pause_s))
    await sink.wait_for(first + users, PATIENCE_S)
    came = {mail.recipient: mail.at for mail in sink.accepted[first:] if mail.subject == FIFTH_ERROR}
    took = [came[recipient] - at for recipient, at in called.items() if recipient in came]
    return took, users - len(took)


async def _newcomers(running: Instance, connection: Connection, sink: SmtpSink, users: int) -> tuple[int, int]:
    """People never seen before: how many of those with five errors, and of those with four, got mail."""
    for number in range(users):
        for user_id, errors in ((f"five-{number}", 5), (f"four-{number}", 4)):
            await _send(running, connection, [_identify(user_id), *(_error(user_id, n) for n in range(errors))])
    wanted = {f"five-{number}@example.com" for number in range(users)}
    unwanted = {f"four-{number}@example.com" for number in range(users)}
    await sink.wait_for(len(sink.accepted) + len(wanted - {mail.recipient for mail in sink.accepted}), PATIENCE_S)
    await asyncio.to_thread(running.wait_read, running.peek.head())
    await asyncio.sleep(1)  # what those with four errors might have caused has been sent by then
    got = {mail.recipient for mail in sink.accepted}
    return len(got & wanted), len(got & unwanted)


async def _send(running: Instance, connection: Connection, items: list[dict[str, Any]]) -> None:
    _must_be_ok(*await connection.send(batch_request(running.product.write_key, items, running.product.port)))


def _must_be_ok(status: int, body: bytes) -> None:
    if status != 200:
        message = f"refused: {status} {body!r}"
        raise RuntimeError(message)


def _identify(user_id: str) -> dict[str, Any]:
    traits = {"email": f"{user_id}@example.com", "name": user_id}
    return {"type": "identify", "messageId": f"{user_id}-i", "userId": user_id, "traits": traits}


def _error(user_id: str, number: int) -> dict[str, Any]:
    properties = {"method": "POST", "route": "/v1/items", "status": 400, "latency_ms": 3.2}
    message_id = f"{user_id}-{number}"
    return {"type": "track", "event": "api_call", "messageId": message_id, "userId": user_id, "properties": properties}


if __name__ == "__main__":
    main()
