"""What clients know: every event they made, and whether the server ever said 2xx to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Sent(NamedTuple):
    """One event as its client made it; `timestamp` in ms. `status` is that of an api_call, else 0."""

    message_id: str
    user_id: str
    name: str
    status: int
    timestamp: int


class Ledger:
    """Events by message id. An event is acknowledged once any request that carried it was answered with 2xx."""

    def __init__(self) -> None:
        self.events: dict[str, Sent] = {}
        self.acknowledged: set[str] = set()
        self.receipts: dict[str, str] = {}
        self.requests = 0
        self.retries = 0
        self.refusals: list[str] = []

    def made(self, events: Iterable[Sent]) -> None:
        """Note events before they are sent."""
        for event in events:
            self.events[event.message_id] = event

    def answered(self, message_ids: Iterable[str]) -> None:
        """Note a 2xx."""
        self.acknowledged.update(message_ids)

    def receipt(self, key: str, user_id: str) -> None:
        """Note a transactional message that was accepted, by its idempotency key."""
        self.receipts[key] = user_id

    @property
    def unanswered(self) -> list[str]:
        """Events whose fate no client knows."""
        return [message_id for message_id in self.events if message_id not in self.acknowledged]
