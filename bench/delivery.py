"""Many mails due at once: `python bench/delivery.py [--mails 5000] [--runs 3] [--smtp-sink]`.

So many people sign up within moments, and a workflow sends each of them a mail: rendered from MJML, handed to an SMTP server, each step
committed. Measured are mails a second from the first sign-up's request to the last mail, the time from a sign-up's 2xx to its mail
(p50, p99), and the CPU that a mail costs by process. The mail server is in this process, or with `--smtp-sink` postfix's.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

from _postfix_sink import PostfixSink
from _rig import Instance, instance, keep, median, percentile
from faults.api import WELCOME, set_up
from faults.smtp_sink import SmtpSink
from faults.wire import Connection, batch_request

SIZE = 50
PATIENCE_S = 60.0


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--smtp-sink", action="store_true", help="mail goes to postfix's smtp-sink")
    options = parser.parse_args()
    sink = PostfixSink if options.smtp_sink else SmtpSink
    asyncio.run(_measure(options.mails, options.runs, sink, postgres=options.postgres))


async def _measure(mails: int, runs: int, kind: type[SmtpSink], *, postgres: bool) -> None:
    async with kind() as sink:
        with instance(sink.settings(), postgres=postgres) as running:
            await asyncio.to_thread(set_up, running.product)
            await asyncio.to_thread(running.wait_quiet, 120)
            took = [await _run(running, sink, mails, f"r{run}") for run in range(runs)]
            roles = took[0]["cpu_us"]
            keep(
                "delivery",
                {
                    "bench": "delivery",
                    "database": running.database,
                    "mail_server": "smtp-sink" if kind is PostfixSink else "in process",
                    "mails": mails,
                    "runs": runs,
                    "mails_s": round(median([run["mails_s"] for run in took])),
                    "p50_s": round(median([run["p50_s"] for run in took]), 2),
                    "p99_s": round(median([run["p99_s"] for run in took]), 2),
                    "cpu_us_per_mail": {role: round(median([run["cpu_us"][role] for run in took])) for role in roles},
                },
            )


async def _run(running: Instance, sink: SmtpSink, mails: int, name: str) -> dict[str, Any]:
    connection, came = Connection(running.product.port), len(sink.accepted)
    before, started = running.usage(), time.perf_counter()
    called: dict[str, float] = {}
    for start in range(0, mails, SIZE):
        users = [f"{name}-{number}" for number in range(start, min(start + SIZE, mails))]
        items = [item for user in users for item in _sign_up(user)]
        status, body = await connection.send(batch_request(running.product.write_key, items, running.product.port))
        if status != 200:
            raise RuntimeError(body.decode())
        called.update(dict.fromkeys(users, time.perf_counter()))
    await sink.wait_for(came + mails, PATIENCE_S + mails / 50)
    arrived = {mail.recipient.partition("@")[0]: mail.at for mail in sink.accepted[came:] if mail.subject == WELCOME}
    if arrived.keys() != called.keys():
        message = f"{len(called.keys() - arrived.keys())} of {mails} mails are missing"
        raise RuntimeError(message)
    last, after = max(arrived.values()), running.usage()
    connection.close()
    waited = [arrived[user] - at for user, at in called.items()]
    return {
        "mails_s": mails / (last - started),
        "p50_s": median(waited),
        "p99_s": percentile(waited, 0.99),
        "cpu_us": {role: (after[role].cpu_s - before[role].cpu_s) / mails * 1e6 for role in after},
    }


def _sign_up(user: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "identify", "messageId": f"{user}-i", "userId": user,
            "traits": {"email": f"{user}@example.com", "name": "Ada", "plan": "free"},
        },
        {"type": "track", "event": "signed_up", "messageId": f"{user}-s", "userId": user, "properties": {}},
    ]  # fmt: skip


if __name__ == "__main__":
    main()
