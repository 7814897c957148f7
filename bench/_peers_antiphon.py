"""Antiphon as its users run it: `antiphon serve` in its own processes, calls over HTTP, mail to an SMTP server.

The past comes as backdated calls over the same way; the lateness bound is raised to 48 h for it, so that calls from beyond
the window's edge are in the state and the window itself has to leave them out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from _peers_play import Notice
from _peers_trace import LEAST, Call, Trace
from _rig import Instance, instance
from faults.api import FIFTH_ERROR, Api, make_rules, make_template, make_workflow
from faults.smtp_sink import SmtpSink
from faults.wire import Connection, batch_request

SIZE = 100
CONNECTIONS = 8


class Antiphon:
    """A running instance with the rules on, the accounts known and the past heard."""

    settle_s = 10.0

    def __init__(self, running: Instance, sink: SmtpSink) -> None:
        self.running = running
        self._sink = sink
        self._numbers = count()
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(Connection(running.product.port))

    def roots(self) -> list[int]:
        return [self.running.product.pid]

    def notices(self) -> list[Notice]:
        return [Notice(mail.recipient.partition("@")[0], mail.at) for mail in self._sink.accepted]

    async def deliver(self, calls: Sequence[Call]) -> None:
        await self.send([self._call(call) for call in calls])

    def restart_api(self) -> None:
        """Nothing: events are not counters."""

    async def send(self, items: list[dict[str, Any]]) -> None:
        """In batches; raises RuntimeError when one is refused."""
        for start in range(0, len(items), SIZE):
            connection = await self._free.get()
            try:
                product = self.running.product
                prepared = batch_request(product.write_key, items[start : start + SIZE], product.port)
                status, body = await connection.send(prepared)
            finally:
                self._free.put_nowait(connection)
            if status != 200:
                message = f"refused: {status} {body!r}"
                raise RuntimeError(message)

    async def remember(self, trace: Trace) -> None:
        """Tell it the accounts and the past."""
        identify = [
            {"type": "identify", "messageId": f"i-{u}", "userId": u, "traits": _traits(u)} for u in trace.groups
        ]
        now = datetime.now(UTC)
        past = [self._call(call) | {"timestamp": (now + timedelta(seconds=call.at)).isoformat()} for call in trace.past]
        await self.send(identify + past)

    def _call(self, call: Call) -> dict[str, Any]:
        properties = {"method": "POST", "route": "/v1/items", "status": call.status, "latency_ms": 3.2}
        return {
            "type": "track", "event": "api_call", "messageId": f"c{next(self._numbers)}", "userId": call.user,
            "properties": properties,
        }  # fmt: skip


@contextlib.asynccontextmanager
async def antiphon(trace: Trace, rules: int) -> AsyncIterator[Antiphon]:
    """Started, quiet, and listening."""
    async with SmtpSink() as sink:
        with instance(sink.settings() | {"lateness_s": str(48 * 3600)}) as running:
            contestant = Antiphon(running, sink)
            await asyncio.to_thread(_set_up, running, rules)
            await contestant.remember(trace)
            await asyncio.to_thread(running.wait_quiet, 1800)
            yield contestant


def rule_texts(rules: int) -> list[str]:
    """The same rules as Prometheus is given, in Antiphon's words."""
    errors = "count of api_call where status >= 400 in the last"
    return [f"{errors} 24 hours >= {LEAST}", *(f"{errors} {1 + n % 24} hours >= {100 + n}" for n in range(1, rules))]


def _set_up(running: Instance, rules: int) -> None:
    api = Api(running.product)
    ids = make_rules(api, [(f"r{n}", text) for n, text in enumerate(rule_texts(rules))])
    make_workflow(api, FIFTH_ERROR, {"kind": "enters", "rule_id": ids[0]}, make_template(api, FIFTH_ERROR))


def _traits(user: str) -> dict[str, Any]:
    return {"email": f"{user}@example.com", "name": user}
