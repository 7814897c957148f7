"""Writing down how each message fares: the last look before DATA, and the result after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from antiphon.deliver.retry import expired, next_attempt
from antiphon.model.clock import Clock
from antiphon.model.event import INTERNAL, Event
from antiphon.model.message import OutgoingEmail, SendResult
from antiphon.store import outbox, signals
from antiphon.store.committer import Committer
from antiphon.store.engine import Connection
from antiphon.store.outbox import RESEND_AFTER, Handover, QueuedMessage, Sent

MAX_DETAIL = 500


class Recorder:
    """Records; each method returns once what it says is on disk."""

    def __init__(self, committer: Committer, clock: Clock, random: Callable[[], float]) -> None:
        """`random` gives 0..1, for the jitter of retries."""
        self._committer = committer
        self._clock = clock
        self._random = random

    async def enter_data(self, message: QueuedMessage, email: OutgoingEmail) -> bool:
        """Whether the message may be handed over now; when not, it is recorded as suppressed."""
        return await self._committer.join(_enter, _Step(message, email, self._clock())) is None

    async def into_inbox(self, message: QueuedMessage, email: OutgoingEmail) -> None:
        """Deliver into the built-in inbox: looked at, stored and recorded in one transaction."""
        await self._committer.join(_into_inbox, _Step(message, email, self._clock(), "inbox"))

    async def result(self, message: QueuedMessage, email: OutgoingEmail, result: SendResult, provider: str) -> None:
        """What the provider said."""
        now = self._clock()
        detail = result.detail[:MAX_DETAIL]
        if result.outcome == "sent" and not result.suppress:
            await self._committer.join(_sent, _Step(message, email, now, provider, detail))
            return

        def work(conn: Connection) -> None:
            if result.suppress:
                outbox.suppress(conn, email.recipient, "bounced", message.id, now)
            match result.outcome:
                case "sent":
                    _sent(conn, [_Step(message, email, now, provider, detail)])
                case "deferred":
                    self._deferred(conn, message, detail, now, result.retry_after, counted=not result.pause_lane)
                case "uncertain":
                    outbox.finish(
                        conn, message.id, now, status="uncertain", detail=detail, due_at=now + RESEND_AFTER,
                        attempts=message.attempts + 1, provider=provider, message_id=email.message_id,
                        subject=email.subject,
                    )  # fmt: skip
                case "failed":
                    outbox.finish(
                        conn, message.id, now, status="failed", reason="rejected", detail=detail,
                        attempts=message.attempts + 1, provider=provider, subject=email.subject,
                    )  # fmt: skip
                case "aborted":
                    pass  # enter_data has recorded why

        await self._committer.run(work)

    async def failed(self, message: QueuedMessage, reason: str, detail: str) -> None:
        """Give a message up before it was handed over."""
        now = self._clock()
        await self._committer.run(
            lambda conn: outbox.finish(
                conn, message.id, now, status="failed", reason=reason, detail=detail[:MAX_DETAIL]
            )
        )

    async def unexpected(self, message: QueuedMessage, error: Exception) -> None:
        """Put a message back that an unexpected error stopped, unless it may have been handed over."""
        now = self._clock()
        detail = f"{type(error).__name__}: {error}"[:MAX_DETAIL]
        await self._committer.run(lambda conn: outbox.put_back(conn, message.id, now, detail, self._retry_at(message)))

    def _retry_at(self, message: QueuedMessage) -> int:
        return next_attempt(message.attempts + 1, self._clock(), self._random)

    def _deferred(
        self,
        conn: Connection,
        message: QueuedMessage,
        detail: str,
        now: int,
        retry_after: float | None,
        *,
        counted: bool,
    ) -> None:
        if expired(message.lane, message.created_at, now):
            outbox.finish(conn, message.id, now, status="failed", reason="expired", detail=detail)
            return
        attempts = message.attempts + (1 if counted else 0)
        due = next_attempt(max(attempts, 1), now, self._random)
        if retry_after is not None:
            due = now + round(retry_after * 1000)
        outbox.finish(conn, message.id, now, status="deferred", detail=detail, attempts=attempts, due_at=due)


class _Step(msgspec.Struct, frozen=True, eq=False):
    """A message on its way, and what is to be written of it at `now`."""

    message: QueuedMessage
    email: OutgoingEmail
    now: int
    provider: str = ""
    detail: str = ""


def _enter(conn: Connection, steps: Sequence[_Step]) -> list[str | None]:
    """Look once more; for each message None when it may be handed over, else why not."""
    handovers = [Handover(step.message.id, step.email.recipient, step.message.topic) for step in steps]
    reasons = outbox.enter_data(conn, handovers, max(step.now for step in steps))
    for step, why in zip(steps, reasons, strict=True):
        if why in {"suppressed", "unsubscribed"}:
            subject = step.email.subject
            outbox.finish(conn, step.message.id, step.now, status="suppressed", reason=why, subject=subject)
    return reasons


def _into_inbox(conn: Connection, steps: Sequence[_Step]) -> list[str | None]:
    reasons = _enter(conn, steps)
    into = [step for step, why in zip(steps, reasons, strict=True) if why is None]
    outbox.put_in_inbox(conn, [(step.message.id, step.email) for step in into], max(step.now for step in steps))
    _sent(conn, into)
    return reasons


def _sent(conn: Connection, steps: Sequence[_Step]) -> list[None]:
    outbox.finish_sent(
        conn,
        [
            Sent(
                provider=step.provider,
                sent_at=step.now,
                message_id=step.email.message_id,
                subject=step.email.subject,
                attempts=step.message.attempts + 1,
                detail=step.detail or None,
                template_version=step.message.template_version,
                key=step.message.id,
            )
            for step in steps
        ],
    )
    signals.emit(conn, [_sent_event(step.message, step.email, step.now) for step in steps])
    return [None] * len(steps)


def _sent_event(message: QueuedMessage, email: OutgoingEmail, now: int) -> Event:
    return Event(
        id=f"email_sent:{message.id}",
        type="track",
        name="email_sent",
        timestamp=now,
        received_at=now,
        source="antiphon",
        user_id=message.user_id,
        properties={
            "message_id": message.id,
            "template_id": message.template_id,
            "workflow_id": message.workflow_id,
            "subject": email.subject,
        },
        flags=INTERNAL,
    )
