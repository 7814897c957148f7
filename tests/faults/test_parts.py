"""The harness's own parts, each shown to do what the fault runs rely on."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from faults.api import FIFTH_ERROR, RECEIPT, WELCOME, Made
from faults.harness import INJECTED
from faults.injected.sitecustomize import BUGS, POINTS
from faults.ledger import Ledger, Sent
from faults.processes import look
from faults.reference import DAY_MS, address, expected_mails
from faults.smtp_sink import Accepted, Script, SmtpSink
from faults.verdict import Verdict, judge

NOW = time.time_ns() // 1_000_000
MADE = Made(rule_id=1, workflow_id=1, welcome_id=2, receipt_template_id=3, server_key="")
MAIL = b"From: a@example.com\r\nTo: u1@example.com\r\nSubject: Hello\r\nMessage-ID: <one@example.com>\r\n\r\nHi.\r\n"


def _send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("a@example.com", ["U1@example.com"], MAIL)


async def test_sink_counts_what_it_took():
    """A mail is counted with its Message-ID, recipient and subject."""
    async with SmtpSink() as sink:
        await asyncio.to_thread(_send, sink.port)
        assert await sink.wait_for(1, 5)
    assert sink.accepted[0]._replace(at=0.0) == Accepted(
        "one@example.com", "u1@example.com", "Hello", 0.0, answered=True
    )


async def test_sink_counts_what_it_dropped():
    """A mail after whose final dot the line was cut is counted: it lies in the mailbox."""
    async with SmtpSink(Script(drop=1.0)) as sink:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            await asyncio.to_thread(_send, sink.port)
    assert (len(sink.accepted), sink.dropped, sink.accepted[0].answered) == (1, 1, False)


def _ledger(*errors: int, age: int = 0) -> Ledger:
    """Users u0, u1, ... with so many acknowledged errors, `age` ms old."""
    ledger = Ledger()
    for user, count in enumerate(errors):
        events = [Sent(f"u{user}-{n}", f"u{user}", "api_call", 400, NOW - age) for n in range(count)]
        ledger.made(events)
        ledger.answered(event.message_id for event in events)
    return ledger


def test_reference_counts_distinct_recent_errors():
    """Five distinct errors within 24 hours make one mail; four, repetitions, old ones and other statuses make none."""
    ledger = _ledger(4, 5, 6)
    ledger.answered(["u0-0", "u0-1"])
    ledger.made([Sent("other", "u0", "api_call", 404, NOW), Sent("hello", "u0", "signed_up", 0, NOW)])
    ledger.answered(["other", "hello"])
    assert expected_mails(ledger, NOW) == {
        (address("u1"), FIFTH_ERROR): 1,
        (address("u2"), FIFTH_ERROR): 1,
        (address("u0"), WELCOME): 1,
    }
    assert not expected_mails(_ledger(5, age=DAY_MS + 1), NOW)


def test_reference_trusts_acknowledged_events_only():
    """An event that nobody was told about proves nothing."""
    ledger = _ledger(4)
    ledger.made([Sent("fifth", "u0", "api_call", 400, NOW)])
    assert not expected_mails(ledger, NOW)
    assert ledger.unanswered == ["fifth"]


class _Peek:
    """Stands for what the product wrote: everything right for one user with five errors, unless told otherwise."""

    def __init__(self, rows: list[tuple[object, ...]], history: dict[str, int]) -> None:
        self.rows = rows
        self._history = Counter(history)

    def integrity(self) -> list[str]:
        return []

    def history(self) -> Counter[str]:
        return self._history

    def entries(self, _rule_id: int) -> Counter[str]:
        return Counter({"u0": 1})

    def state(self, sql: str) -> list[tuple[object, ...]]:
        return [("u0",)] if "memberships" in sql else self.rows


class _Api:
    def get(self, _path: str) -> dict[str, object]:
        return {"conditions": [{"value": "5"}]}


def _judge(
    *, taken: int, status: str = "sent", history: dict[str, int] | None = None, subject: str = FIFTH_ERROR
) -> Verdict:
    ledger = _ledger(5)
    sink = SmtpSink()
    workflow_id = MADE.workflow_id if subject == FIFTH_ERROR else None
    if subject == RECEIPT:
        ledger.receipt("key", "u0")
        sink.accepted.append(Accepted("first", address("u0"), FIFTH_ERROR, 0.0, answered=True))
    sink.accepted += [Accepted(f"m{n}", address("u0"), subject, 0.0, answered=True) for n in range(taken)]
    rows = [(workflow_id, address("u0"), status, None, 1)]
    seen = history if history is not None else dict.fromkeys(ledger.events, 1)
    return judge(ledger, sink, _Peek(rows, seen), MADE, _Api(), {})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("case", "failed"),
    [
        ({"taken": 1}, set()),
        ({"taken": 0}, {"lost_mails"}),
        ({"taken": 0, "status": "uncertain"}, set()),
        ({"taken": 1, "status": "uncertain"}, set()),
        ({"taken": 2}, {"doubled_mails"}),
        ({"taken": 1, "subject": RECEIPT}, set()),
        ({"taken": 2, "subject": RECEIPT}, {"doubled_mails"}),
        ({"taken": 1, "subject": "Who knows"}, {"lost_mails", "unexpected"}),
        ({"taken": 1, "history": {f"u0-{n}": 1 for n in range(4)}}, {"lost_events"}),
        ({"taken": 1, "history": {f"u0-{n}": 1 + (n == 2) for n in range(5)}}, {"doubled_events"}),
        ({"taken": 1, "history": {**{f"u0-{n}": 1 for n in range(5)}, "strange": 1}}, {"unexpected"}),
    ],
)
def test_verdict_names_what_went_wrong(case: dict[str, object], failed: set[str]):
    """Each deviation turns its own figure, and only that; uncertain mail is neither lost nor doubled."""
    verdict = _judge(**case)  # pyright: ignore[reportArgumentType]
    assert {kind for kind in Verdict.FAILURES if getattr(verdict, kind)} == failed
    assert verdict.good == (not failed)


def test_crash_point_kills_the_process_that_comes_by(tmp_path: Path):
    """An armed point kills one process with SIGKILL, once; unarmed it does nothing."""
    program = (
        "from antiphon.store import log\ntry: log.append_packed(None, [], 0)\nexcept AttributeError: print('reached')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(INJECTED), "ANTIPHON_FAULT_POINTS": str(tmp_path)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    assert run().stdout == "reached\n"
    (tmp_path / "log_append.before").touch()
    assert run().returncode == -signal.SIGKILL
    assert run().stdout == "reached\n"


def test_injected_names_exist():
    """Every crash point and peer bug names something that the product still has."""
    for where in POINTS.values():
        module, attribute = where.split(":")
        found = __import__(module, fromlist=["x"])
        for part in attribute.split("."):
            found = getattr(found, part)
        assert callable(found)
    assert all(__import__(module, fromlist=["x"]) for module, _ in BUGS.values())


def test_processes_are_told_from_their_namesakes():
    """A process is known by pid and start time, and a zombie counts as gone."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = look(child.pid)
        assert found is not None
        assert found.parent == os.getpid()
        child.kill()
        deadline = time.monotonic() + 10
        while look(child.pid) is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert look(child.pid) is None
    finally:
        child.kill()
        child.communicate()
