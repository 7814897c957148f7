"""From the fifth error to the mail: `python bench/latency.py [--users 200] [--rate 1000] [--smtp-sink]`.

Each of `--users` people has four errors already. Then, one after another on an otherwise idle server, each makes the
fifth; measured is the time from the first byte of that request leaving the client to the last byte of the mail being
in at the mail server, and on the way there to the 2xx (`accepted`, the client's stamp), to the moment for which the
transition is recorded (`transition`) and to the mail being in the outbox (`queued`); the last two are the product's own
records in whole milliseconds. The mail server is in this process and stamps with the same clock, or with `--smtp-sink`
postfix's. Afterwards it is shown that first-time users with exactly five errors all get their mail, and those with four
get none.

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
from typing import Any, NamedTuple

from _postfix_sink import PostfixSink
from _rig import Instance, instance, keep, median, percentile
from faults.api import FIFTH_ERROR, set_up
from faults.smtp_sink import SmtpSink
from faults.wire import Connection, batch_request

PATIENCE_S = 20.0


class Fifth(NamedTuple):
    """A fifth error: `time.perf_counter()` and the wall clock (ms) when it left, and seconds until the 2xx."""

    at: float
    wall_ms: float
    accepted_s: float


def main() -> None:
    """Measure at each of the rates that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument(
        "--rate", type=int, action="append", help="background events/s; may be repeated (default 0, 1000, 10000)"
    )
    parser.add_argument("--pause", type=float, default=0.05, help="mean seconds between one mail and the next call")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--smtp-sink", action="store_true", help="mail goes to postfix's smtp-sink")
    options = parser.parse_args()
    sink = PostfixSink if options.smtp_sink else SmtpSink
    for rate in options.rate or [0, 1_000, 10_000]:
        asyncio.run(_measure(options.users, rate, options.pause, sink, postgres=options.postgres))


async def _measure(users: int, rate: int, pause_s: float, kind: type[SmtpSink], *, postgres: bool) -> None:
    async with kind() as sink:
        with instance(sink.settings(), postgres=postgres) as running:
            made = await asyncio.to_thread(set_up, running.product)
            connection = Connection(running.product.port)
            await _prepare(running, connection, users)
            with _background(running, rate, seconds=users * (pause_s + 0.5) + 30):
                called, came = await _one_by_one(running, connection, sink, users, pause_s)
                lag = running.lag()
                fired, false = await _newcomers(running, connection, sink, users)
            connection.close()
            took = _took(running, made.rule_id, called, came)
            if not took["mail"]:
                message = "no mail arrived"
                raise RuntimeError(message)
            keep(
                "latency",
                {
                    "bench": "latency",
                    "database": running.database,
                    "users": users,
                    "background_events_s": rate,
                    "mail_server": "smtp-sink" if kind is PostfixSink else "in process",
                    **{
                        f"{part}_{name}_ms": round(value, 1)
                        for part, ms in took.items()
                        for name, value in (("p50", median(ms)), ("p99", percentile(ms, 0.99)))
                    },
                    "mail_max_ms": round(max(took["mail"]), 1),
                    "missed": users - len(took["mail"]),
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
) -> tuple[dict[str, Fifth], dict[str, float]]:
    """Each user's fifth error, and when the mail of each who got one was in."""
    rng = random.Random(0)
    called: dict[str, Fifth] = {}
    first = len(sink.accepted)
    for number in range(users):
        user_id = f"late-{number}"
        expected = len(sink.accepted) + 1
        prepared = batch_request(running.product.write_key, [_error(user_id, 4)], running.product.port)
        at, wall_ms = time.perf_counter(), time.time() * 1000
        answer = asyncio.create_task(_answered(connection, prepared))
        await sink.wait_for(expected, PATIENCE_S)
        called[user_id] = Fifth(at, wall_ms, await answer - at)
        await asyncio.sleep(rng.uniform(0, 2 * pause_s))
    await sink.wait_for(first + users, PATIENCE_S)
    mails = [mail for mail in sink.accepted[first:] if mail.subject == FIFTH_ERROR]
    return called, {mail.recipient.partition("@")[0]: mail.at for mail in mails}


async def _answered(connection: Connection, prepared: bytes) -> float:
    _must_be_ok(*await connection.send(prepared))
    return time.perf_counter()


def _took(running: Instance, rule_id: int, called: dict[str, Fifth], came: dict[str, float]) -> dict[str, list[float]]:
    """Milliseconds from each fifth error to what followed it."""
    moved = running.peek.state(f"SELECT subject_id, since FROM memberships WHERE rule_id = {rule_id} AND member")
    queued = running.peek.state("SELECT user_id, created_at FROM messages WHERE lane = 'behavioural'")
    return {
        "accepted": [fifth.accepted_s * 1000 for fifth in called.values()],
        "transition": [at - called[user].wall_ms for user, at in moved if user in called],
        "queued": [at - called[user].wall_ms for user, at in queued if user in called],
        "mail": [(at - called[user].at) * 1000 for user, at in came.items() if user in called],
    }


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
