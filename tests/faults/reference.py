"""A naive evaluator: what must have happened, worked out from the ledger with nothing of ours in between."""

from __future__ import annotations

from collections import Counter, defaultdict

from faults.api import FIFTH_ERROR, WELCOME
from faults.ledger import Ledger

DAY_MS = 86_400_000
NEEDED = 5


def address(user_id: str) -> str:
    """The mail address that the load gives a user."""
    return f"{user_id}@example.com"


def expected_mails(ledger: Ledger, now: int) -> Counter[tuple[str, str]]:
    """How many mails each (address, subject) must have got, by what was acknowledged.

    Each distinct message id counts once; errors count when they are at most 24 h old at the time of `now` (ms), and
    the load leaves a wide margin on both sides of that bound.
    """
    errors: defaultdict[str, int] = defaultdict(int)
    mails: Counter[tuple[str, str]] = Counter()
    for message_id in ledger.acknowledged:
        event = ledger.events[message_id]
        if event.name == "api_call" and event.status == 400 and now - event.timestamp < DAY_MS:
            errors[event.user_id] += 1
        elif event.name == "signed_up":
            mails[address(event.user_id), WELCOME] += 1
    for user_id, count in errors.items():
        if count >= NEEDED:
            mails[address(user_id), FIFTH_ERROR] = 1
    return mails


def expected_errors(ledger: Ledger, now: int) -> dict[str, int]:
    """How many errors of the last 24 h each user has."""
    errors: defaultdict[str, int] = defaultdict(int)
    for message_id in ledger.acknowledged:
        event = ledger.events[message_id]
        if event.name == "api_call":
            errors[event.user_id] += event.status == 400 and now - event.timestamp < DAY_MS
    return dict(errors)
