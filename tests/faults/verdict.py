"""Compares what happened with what must have happened; every figure but `uncertain` must be 0."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from faults.api import FIFTH_ERROR, RECEIPT, WELCOME, Api, ApiError, Made
from faults.ledger import Ledger
from faults.peek import Peek
from faults.reference import address, expected_errors, expected_mails
from faults.smtp_sink import SmtpSink

Mail = tuple[str, str]


@dataclass
class Verdict:
    """What went wrong, by kind, and a few examples of each.

    `lost_events`: acknowledged, not in history. `doubled_events`: in history more than once. `lost_mails`: neither
    at the mail server nor recorded as uncertain. `doubled_mails`: taken more often than it may be. `unexpected`:
    mails and segment entries that nothing justifies. `stuck`: work that was not finished when all was quiet.
    `divergence`: users whose membership differs from the reference. `corrupt`: findings of SQLite's integrity check.
    """

    lost_events: int = 0
    doubled_events: int = 0
    lost_mails: int = 0
    doubled_mails: int = 0
    unexpected: int = 0
    stuck: int = 0
    divergence: int = 0
    refused: int = 0
    corrupt: int = 0
    uncertain: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    FAILURES = (
        "lost_events", "doubled_events", "lost_mails", "doubled_mails", "unexpected", "stuck", "divergence", "refused",
        "corrupt",
    )  # fmt: skip

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return not any(getattr(self, kind) for kind in self.FAILURES)

    def note(self, kind: str, found: list[str]) -> None:
        """Count findings, and keep the first of them as examples."""
        if found:
            setattr(self, kind, getattr(self, kind) + len(found))
            self.examples.setdefault(kind, []).extend(found[:5])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


async def drain(peek: Peek, timeout_s: float) -> dict[str, int]:
    """Wait until nothing is under way; what still is after `timeout_s`, else an empty dict.

    One look is several reads, and work may move behind its back from a queue not yet read to one that is: only three
    looks in a row that find nothing mean that there is nothing.
    """
    deadline = time.monotonic() + timeout_s
    quiet = 0
    while True:
        pending = await asyncio.to_thread(peek.pending, _now())
        left = {name: count for name, count in pending.items() if count}
        quiet = 0 if left else quiet + 1
        if quiet == 3 or time.monotonic() > deadline:
            return left
        await asyncio.sleep(0.1)


def judge(ledger: Ledger, sink: SmtpSink, peek: Peek, made: Made, api: Api, stuck: dict[str, int]) -> Verdict:
    """The verdict on a drained instance whose processes run."""
    verdict = Verdict()
    now = _now()
    verdict.note("stuck", [f"{count} in {name}" for name, count in stuck.items() for _ in range(count)])
    verdict.note("stuck", [f"never acknowledged: {message_id}" for message_id in ledger.unanswered])
    verdict.note("refused", ledger.refusals)
    verdict.note("corrupt", peek.integrity())
    _events(verdict, ledger, peek)
    _mails(verdict, ledger, sink, peek, made, now)
    _memberships(verdict, ledger, peek, made, now)
    _explanations(verdict, ledger, api, made, now)
    return verdict


def _events(verdict: Verdict, ledger: Ledger, peek: Peek) -> None:
    history = peek.history()
    verdict.note("lost_events", sorted(ledger.acknowledged - history.keys()))
    verdict.note("doubled_events", [f"{event_id} x {count}" for event_id, count in history.items() if count > 1])
    verdict.note("unexpected", [f"event {event_id}" for event_id in history if event_id not in ledger.events])


def _mails(verdict: Verdict, ledger: Ledger, sink: SmtpSink, peek: Peek, made: Made, now: int) -> None:
    behavioural = expected_mails(ledger, now)
    receipts = Counter({(address(user_id), RECEIPT): 1 for user_id in ledger.receipts.values()})
    expected = behavioural + receipts
    taken = sink.by_mail()
    recorded = _recorded(peek, made)
    verdict.uncertain = sum(counts["uncertain"] for counts in recorded.values())
    for mail, count in expected.items():
        known = recorded.get(mail, Counter())
        if taken[mail] + known["uncertain"] < count:
            verdict.note("lost_mails", [f"{mail}: {count} due, {taken[mail]} taken, recorded {dict(known)}"])
    for mail, count in taken.items():
        # transactional mail may be sent once more, when nobody can know whether it had left
        allowed = expected[mail] + (recorded.get(mail, Counter())["resent"] if mail in receipts else 0)
        if mail not in expected:
            verdict.note("unexpected", [f"{mail} x {count}"])
        elif count > allowed:
            verdict.note("doubled_mails", [f"{mail}: {allowed} due, {count} taken, recorded {dict(recorded[mail])}"])
    ids = Counter((mail.message_id, mail.recipient) for mail in sink.accepted if mail.subject != RECEIPT)
    verdict.note("doubled_mails", [f"Message-ID {mail} x {count}" for mail, count in ids.items() if count > 1])


def _recorded(peek: Peek, made: Made) -> dict[Mail, Counter[str]]:
    """Statuses of the message rows of each mail; `resent` counts those that were queued a second time."""
    subjects = {made.workflow_id: FIFTH_ERROR, made.welcome_id: WELCOME, None: RECEIPT}
    found: dict[Mail, Counter[str]] = {}
    for workflow_id, recipient, status, reason, attempts in peek.state(
        "SELECT workflow_id, recipient, status, reason, attempts FROM messages"
    ):
        counts = found.setdefault((recipient, subjects[workflow_id]), Counter())
        counts[status] += 1
        if reason == "resent" or (workflow_id is None and attempts > 1):
            counts["resent"] += 1
    return found


def _memberships(verdict: Verdict, ledger: Ledger, peek: Peek, made: Made, now: int) -> None:
    errors = expected_errors(ledger, now)
    expected = {user_id for user_id, count in errors.items() if count >= 5}
    members = {
        user_id
        for (user_id,) in peek.state(f"SELECT subject_id FROM memberships WHERE rule_id = {made.rule_id} AND member")
    }
    verdict.note("divergence", [f"membership of {user_id}" for user_id in expected ^ members])
    entries = peek.entries(made.rule_id)
    wrong = [f"{user_id} entered {entries[user_id]} times" for user_id in expected if entries[user_id] != 1]
    verdict.note("divergence", wrong + [f"{user_id} entered" for user_id in entries if user_id not in expected])


def _explanations(verdict: Verdict, ledger: Ledger, api: Api, made: Made, now: int, sample: int = 30) -> None:
    """What the API says of a few users: the count itself, not only whether it is reached."""
    errors = expected_errors(ledger, now)
    step = max(1, len(errors) // sample)
    for user_id in sorted(errors)[::step]:
        try:
            explained = api.get(f"/api/users/{user_id}/explain?rule_id={made.rule_id}")["conditions"][-1]["value"]
        except ApiError as error:
            explained = str(error)
        if explained != str(errors[user_id]):
            verdict.note("divergence", [f"{user_id}: {errors[user_id]} errors, explained as {explained!r}"])


def _now() -> int:
    return time.time_ns() // 1_000_000
