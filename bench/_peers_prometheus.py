"""Prometheus and Alertmanager from Debian's packages, as an operator would set them up for a rule per user.

The API exposes `api_errors_total{user_id}`; a rule `increase(api_errors_total[24h]) >= 5` alerts for each user; Alertmanager
posts each user's alert to a webhook. Two settings: `TIGHT` looks as often as they allow, `PACKAGED` is what the packages
come with. The past is written into the store's blocks with `promtool`, as if Prometheus had scraped all along.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from _peers_play import Notice
from _peers_trace import LEAST, PAST_BEGINS, Call, Trace
from faults.processes import wait_until
from postgres_server import free_port

METRIC = "api_errors_total"
LOOKS = 600_000
"""At most so many samples of the past are written for all users together, each user's at least each ten minutes."""


class Timing(NamedTuple):
    """How often it looks, in Prometheus's own words; `settle_s` is how long an alert may take."""

    scrape: str
    evaluation: str
    group_wait: str
    group_interval: str
    settle_s: float


TIGHT = Timing("1s", "1s", "0s", "1s", 10.0)
PACKAGED = Timing("15s", "15s", "30s", "5m", 75.0)
"""Scrape and evaluation of Debian's prometheus.yml; group_wait and group_interval are Alertmanager's defaults."""


class Prometheus:
    """One Prometheus, one Alertmanager, the exporter and the webhook."""

    def __init__(self, timing: Timing, trace: Trace) -> None:
        self.settle_s = timing.settle_s
        self.pids: list[int] = []
        self.port = free_port()
        self._received: list[Notice] = []
        self._counters: dict[str, int] = {}
        self._text: bytes | None = None
        self._open: set[asyncio.StreamWriter] = set()
        for call in trace.past:
            self._counters[call.user] = self._counters.get(call.user, 0) + 1

    def roots(self) -> list[int]:
        return self.pids

    def notices(self) -> list[Notice]:
        return self._received

    async def deliver(self, calls: Sequence[Call]) -> None:
        for call in calls:
            if call.status >= 400:
                self._counters[call.user] = self._counters.get(call.user, 0) + 1
                self._text = None

    def restart_api(self) -> None:
        self._counters, self._text = {}, None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers Prometheus's scrapes and Alertmanager's posts."""
        self._open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                at = time.perf_counter()
                answer = self._exposition() if head.startswith(b"GET") else self._take(json.loads(body), at)
                kind = b"text/plain; version=0.0.4"
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (kind, len(answer)) + answer
                )
        self._open.discard(writer)
        writer.transport.abort()

    async def hang_up(self) -> None:
        """Close the connections that are left."""
        while self._open:
            for writer in self._open:
                writer.transport.abort()
            await asyncio.sleep(0.01)

    def _exposition(self) -> bytes:
        if self._text is None:
            lines = [f'{METRIC}{{user_id="{user}"}} {count}\n' for user, count in self._counters.items()]
            self._text = f"# TYPE {METRIC} counter\n{''.join(lines)}".encode()
        return self._text

    def _take(self, message: dict[str, Any], at: float) -> bytes:
        self._received += [Notice(alert["labels"]["user_id"], at) for alert in message["alerts"]]
        return b"{}"


@contextlib.asynccontextmanager
async def prometheus(timing: Timing, trace: Trace, rules: int) -> AsyncIterator[Prometheus]:
    """Started on free ports with its own folder, the past in its store, and scraping."""
    if shutil.which("prometheus") is None or shutil.which("prometheus-alertmanager") is None:
        message = "Prometheus or Alertmanager is missing: run `tools/install_test_servers.sh peers`"
        raise RuntimeError(message)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="antiphon-peers-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        contestant = Prometheus(timing, trace)
        server = await asyncio.start_server(contestant.serve, "127.0.0.1", contestant.port)
        stack.push_async_callback(contestant.hang_up)
        stack.callback(server.close)
        main, alerts = free_port(), free_port()
        _configure(folder, timing, contestant.port, alerts, rules)
        await asyncio.to_thread(_write_past, folder, trace, contestant.port)
        contestant.pids = [
            stack.enter_context(_running(folder, command))
            for command in (
                ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", "--cluster.listen-address=",
                 f"--storage.path={folder}/alerts", f"--web.listen-address=127.0.0.1:{alerts}"],
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 "--storage.tsdb.retention.time=30d", f"--web.listen-address=127.0.0.1:{main}"],
            )
        ]  # fmt: skip
        for port in (main, alerts):
            await asyncio.to_thread(
                wait_until, _answers(f"http://127.0.0.1:{port}/-/ready"), 120, "it to be ready", 0.1
            )
        scraped = _answers(f"http://127.0.0.1:{main}/api/v1/query?query=up", b'"1"')
        await asyncio.to_thread(wait_until, scraped, 120, "the first scrape", 0.1)
        await asyncio.sleep(2)
        yield contestant


def rule_texts(rules: int) -> list[str]:
    """The rule, and further ones of the same shape over other windows that nobody in the trace comes to match."""
    others = [f"increase({METRIC}[{1 + n % 24}h]) >= {100 + n}" for n in range(1, rules)]
    return [f"increase({METRIC}[24h]) >= {LEAST}", *others]


def _configure(folder: Path, timing: Timing, api: int, alerts: int, rules: int) -> None:
    found = [{"alert": f"r{n}", "expr": text} for n, text in enumerate(rule_texts(rules))]
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "errors", "rules": found}]}))
    main = {
        "global": {"scrape_interval": timing.scrape, "evaluation_interval": timing.evaluation},
        "rule_files": [f"{folder}/rules.yml"],
        "scrape_configs": [{"job_name": "api", "static_configs": [{"targets": [f"127.0.0.1:{api}"]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts}"]}]}]},
    }
    if int(timing.scrape[:-1]) < 10:
        main["global"]["scrape_timeout"] = timing.scrape
    (folder / "prometheus.yml").write_text(json.dumps(main))  # JSON is YAML
    route = {
        "receiver": "bench", "group_by": ["alertname", "user_id"], "group_wait": timing.group_wait,
        "group_interval": timing.group_interval, "repeat_interval": "4h",
    }  # fmt: skip
    hook = {"url": f"http://127.0.0.1:{api}/alert", "send_resolved": False}
    receivers = [{"name": "bench", "webhook_configs": [hook]}]
    (folder / "alertmanager.yml").write_text(json.dumps({"route": route, "receivers": receivers}))


def _write_past(folder: Path, trace: Trace, api: int) -> None:
    """Blocks of the store, as scrapes since `PAST_BEGINS` would have made them."""
    errors: dict[str, list[float]] = {}
    for call in trace.past:
        errors.setdefault(call.user, []).append(call.at)
    if not errors:
        return
    step = min(600, max(60, -PAST_BEGINS * len(errors) // LOOKS))
    now = time.time()
    with (folder / "past.om").open("w") as file:
        file.write(f"# TYPE {METRIC.removesuffix('_total')} counter\n")
        for user, instants in errors.items():
            series = f'{METRIC}{{instance="127.0.0.1:{api}",job="api",user_id="{user}"}}'
            at = PAST_BEGINS - step
            while at < -5:
                file.write(f"{series} {sum(x <= at for x in instants)} {now + at:.3f}\n")
                at += step
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "past.om", folder / "data"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"promtool could not write the past:\n{done.stdout}{done.stderr}"
        raise RuntimeError(message)
    (folder / "past.om").unlink()


@contextlib.contextmanager
def _running(folder: Path, command: Sequence[str]) -> Iterator[int]:
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _answers(url: str, wanted: bytes = b"") -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return wanted in answer.read()
        except OSError:
            return False

    return ask
