"""Delivery: from the outbox to a provider or the inbox, and what is recorded, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from antiphon.deliver.record import Recorder
from antiphon.deliver.settings import DeliverSettings
from antiphon.deliver.stage import Deliverer
from antiphon.model.clock import HOUR, MINUTE
from antiphon.model.message import OutgoingEmail, SendResult
from antiphon.model.workspace import Workspace
from antiphon.store import outbox, tables, workflow_runs
from antiphon.store.committer import Committer
from antiphon.store.engine import Store
from antiphon.templates.renderer import Renderer
from factories import NOW, ManualClock

WORKSPACE = Workspace(
    name="Acme", time_zone="UTC", sender="Acme <hi@acme.example>", public_url="http://acme.example", secret="s" * 32
)
OnData = Callable[[], Awaitable[bool]]


class ScriptedProvider:
    """A provider that answers what it is told to, and remembers what it was given."""

    name = "scripted"

    def __init__(self, *answers: SendResult | Exception) -> None:
        self.answers = list(answers)
        self.taken: list[OutgoingEmail] = []
        self.before_data: Callable[[], None] = lambda: None

    async def send(self, email: OutgoingEmail, *, on_data: OnData) -> SendResult:
        self.before_data()
        if not await on_data():
            return SendResult(outcome="aborted")
        self.taken.append(email)
        answer = self.answers.pop(0) if self.answers else SendResult(outcome="sent", detail="250 ok")
        if isinstance(answer, Exception):
            raise answer
        return answer


class Mailroom:
    """A store with one user and one template, and a deliverer on it."""

    def __init__(self, store: Store, clock: ManualClock, renderer: Renderer) -> None:
        self.store = store
        self.clock = clock
        self.renderer = renderer
        self.provider: Any = ScriptedProvider()
        self._queued = 0
        content = {"subject": "Hi {{ user.name }}", "language": "html", "body": "<p>Call {{ event.name }}</p>"}
        with store.state.write() as conn:
            profile = {"kind": "user", "id": "u1", "traits": {"name": "Ann", "email": "ann@example.com"}, "search": ""}
            conn.execute(insert(tables.profiles).values(company_id=None, first_seen=NOW, last_seen=NOW, **profile))
            template = {"id": 1, "name": "hi", "channel": "email", "topic": "", "published_version": 1, "revision": 1}
            conn.execute(insert(tables.templates).values(created_at=NOW, updated_at=NOW, archived=False, **template))
            version = {"template_id": 1, "version": 1, "content": content, "created_at": NOW}
            conn.execute(insert(tables.template_versions).values(version))

    def queue(self, **values: Any) -> int:
        """Put a message into the outbox."""
        self._queued += 1
        row = workflow_runs.outbox_row(
            idempotency_key=f"key-{self._queued}", user_id="u1", recipient="ann@example.com", template_id=1,
            variables={"event": {"name": "hello"}}, due_at=self.clock(), created_at=self.clock(), updated_at=self.clock(),
        )  # fmt: skip
        with self.store.state.write() as conn:
            workflow_runs.put_in_outbox(conn, [row | values])
            return conn.execute(select(func.max(tables.messages.c.id))).scalar_one()

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """All rows of a table."""
        with self.store.state.read() as conn:
            return [dict(row) for row in conn.execute(select(table)).mappings()]

    def message(self, key: int) -> dict[str, Any]:
        """One message as it stands."""
        return next(row for row in self.rows(tables.messages) if row["id"] == key)

    async def deliver(self) -> None:
        """Run a deliverer, as after a start, until it has nothing to do."""
        committer = Committer(self.store.state)
        committer.start()
        idle = asyncio.Event()

        async def wait(_seconds: float) -> None:
            if not deliverer.busy:
                idle.set()
            await asyncio.sleep(0.002)

        recorder = Recorder(committer, self.clock, lambda: 0.5)
        deliverer = Deliverer(
            committer, self.renderer, self.provider, lambda: WORKSPACE, recorder, self.clock, DeliverSettings(), wait
        )
        running = asyncio.create_task(deliverer.run())
        await asyncio.wait({running, asyncio.create_task(idle.wait())}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        await deliverer.close()
        await running
        await committer.close()


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    found = Renderer()
    await found.start()
    yield found
    await found.close()


@pytest.fixture
def mailroom(store: Store, clock: ManualClock, renderer: Renderer) -> Mailroom:
    return Mailroom(store, clock, renderer)


async def test_the_inbox_gets_real_mime_once(mailroom: Mailroom) -> None:
    """Rendered with the user's data, with one-click unsubscribing; a restart delivers nothing again."""
    mailroom.provider = None
    key = mailroom.queue()
    await mailroom.deliver()
    await mailroom.deliver()
    (mail,) = mailroom.rows(tables.inbox)
    parsed = message_from_bytes(mail["raw"])
    assert parsed["Subject"] == "Hi Ann"
    assert parsed["List-Unsubscribe"].startswith("<http://acme.example/unsubscribe/")
    assert mailroom.message(key)["status"] == "sent"
    assert len(mailroom.rows(tables.emissions)) == 1


async def test_a_provider_that_takes_it_makes_it_sent(mailroom: Mailroom) -> None:
    """What the provider said is kept, with the time and the Message-ID."""
    key = mailroom.queue()
    await mailroom.deliver()
    message = mailroom.message(key)
    assert (message["status"], message["detail"], message["attempts"], message["sent_at"]) == ("sent", "250 ok", 1, NOW)
    assert message["message_id"] == mailroom.provider.taken[0].message_id


async def test_a_deferred_message_is_tried_again_later_with_the_same_id(mailroom: Mailroom) -> None:
    """A minute later at the earliest; the Message-ID stays."""
    mailroom.provider = ScriptedProvider(SendResult(outcome="deferred", detail="451 busy"))
    key = mailroom.queue()
    await mailroom.deliver()
    assert mailroom.message(key)["status"] == "deferred"
    await mailroom.deliver()
    assert len(mailroom.provider.taken) == 1
    mailroom.clock.advance(MINUTE)
    await mailroom.deliver()
    assert mailroom.message(key)["status"] == "sent"
    assert len({email.message_id for email in mailroom.provider.taken}) == 1


async def test_a_message_that_stays_deferred_expires(mailroom: Mailroom) -> None:
    """After a day a behavioural mail is given up, with the last answer kept."""
    mailroom.provider = ScriptedProvider(SendResult(outcome="deferred", detail="451 busy"))
    key = mailroom.queue(created_at=NOW - 25 * HOUR)
    await mailroom.deliver()
    message = mailroom.message(key)
    assert (message["status"], message["reason"], message["detail"]) == ("failed", "expired", "451 busy")


async def test_a_bad_mailbox_is_never_mailed_again(mailroom: Mailroom) -> None:
    """The address is suppressed; the next message to it ends before it is handed over."""
    mailroom.provider = ScriptedProvider(SendResult(outcome="failed", detail="550 5.1.1", suppress=True))
    first = mailroom.queue()
    await mailroom.deliver()
    second = mailroom.queue(recipient="ANN@example.com")
    await mailroom.deliver()
    assert mailroom.message(first)["status"] == "failed"
    assert (mailroom.message(second)["status"], mailroom.message(second)["reason"]) == ("suppressed", "suppressed")
    assert len(mailroom.provider.taken) == 1


async def test_an_unsubscribe_committed_before_data_wins(mailroom: Mailroom) -> None:
    """It comes after the message was claimed and rendered, and still stops it."""
    key = mailroom.queue()

    def unsubscribe() -> None:
        with mailroom.store.state.write() as conn:
            outbox.suppress(conn, "ann@example.com", "unsubscribed", None, NOW)

    mailroom.provider.before_data = unsubscribe
    await mailroom.deliver()
    assert mailroom.provider.taken == []
    assert (mailroom.message(key)["status"], mailroom.message(key)["reason"]) == ("suppressed", "unsubscribed")


@pytest.mark.parametrize("inbox", [True, False])
async def test_many_at_once_are_each_looked_at(mailroom: Mailroom, inbox: bool) -> None:
    """A group is written with few statements: who may not be mailed is left out, everybody else is not."""
    with mailroom.store.state.write() as conn:
        outbox.suppress(conn, "gone@example.com", "bounced", None, NOW)
        row = {"address": "quiet@example.com", "reason": "unsubscribed", "created_at": NOW}
        conn.execute(insert(tables.suppressions), [{**row, "topic": "other"}])
    free = [f"u{number}@example.com" for number in range(40)]
    keys = {address: mailroom.queue(recipient=address) for address in (*free, "Gone@example.com", "quiet@example.com")}
    if inbox:
        mailroom.provider = None
    await mailroom.deliver()
    states = {
        address: (mailroom.message(key)["status"], mailroom.message(key)["reason"]) for address, key in keys.items()
    }
    assert states.pop("Gone@example.com") == ("suppressed", "suppressed")
    assert set(states.values()) == {("sent", None)}  # who wants nothing of another topic among them
    mailed = [mail["recipient"] for mail in mailroom.rows(tables.inbox)] if inbox else []
    mailed = mailed or [email.recipient for email in mailroom.provider.taken]
    assert sorted(mailed) == sorted(states)
    reported = [mail["message_id"] for mail in mailroom.rows(tables.messages) if mail["status"] == "sent"]
    assert len(set(reported)) == len(mailroom.rows(tables.emissions)) == len(states)


async def test_a_crash_while_handing_over_is_never_repeated_by_itself(mailroom: Mailroom) -> None:
    """Behavioural mail found at_data at a start is uncertain and stays so."""
    key = mailroom.queue()
    _set_status(mailroom, key, "at_data")
    await mailroom.deliver()
    mailroom.clock.advance(HOUR)
    await mailroom.deliver()
    assert mailroom.message(key)["status"] == "uncertain"
    assert mailroom.provider.taken == []


async def test_a_transactional_mail_is_resent_once_when_nothing_was_heard(mailroom: Mailroom) -> None:
    """After 15 minutes, a single time, with the same Message-ID."""
    mailroom.provider = ScriptedProvider(*[SendResult(outcome="uncertain", detail="lost")] * 3)
    key = mailroom.queue(lane="transactional")
    for _ in range(4):
        await mailroom.deliver()
        mailroom.clock.advance(16 * MINUTE)
    assert len(mailroom.provider.taken) == 2
    assert len({email.message_id for email in mailroom.provider.taken}) == 1
    assert mailroom.message(key)["status"] == "uncertain"


async def test_a_crash_before_handing_over_is_repeated(mailroom: Mailroom) -> None:
    """A claimed message is queued again at a start."""
    key = mailroom.queue()
    _set_status(mailroom, key, "claimed")
    await mailroom.deliver()
    assert mailroom.message(key)["status"] == "sent"


async def test_what_cannot_be_made_fails_with_the_reason(mailroom: Mailroom) -> None:
    """An unpublished template, an unknown user, a broken template: each says which it was."""
    unpublished = mailroom.queue(template_id=2)
    unknown = mailroom.queue(user_id="nobody")
    with mailroom.store.state.write() as conn:
        content = {"subject": "x", "language": "html", "body": "<p>{{ user.name | nonsense }}</p>"}
        broken = {"template_id": 1, "version": 2, "content": content, "created_at": NOW}
        conn.execute(insert(tables.template_versions).values(broken))
    wrong = mailroom.queue(template_version=2)
    await mailroom.deliver()
    reasons = [mailroom.message(key)["reason"] for key in (unpublished, unknown, wrong)]
    assert reasons == ["no_template", "no_address", "render_failed"]
    assert "line 1" in mailroom.message(wrong)["detail"]


async def test_an_unexpected_error_after_data_leaves_it_uncertain(mailroom: Mailroom) -> None:
    """Nothing is lost, and nothing is sent twice."""
    mailroom.provider = ScriptedProvider(RuntimeError("bug"))
    key = mailroom.queue()
    await mailroom.deliver()
    message = mailroom.message(key)
    assert (message["status"], message["detail"]) == ("uncertain", "RuntimeError: bug")


async def test_a_paused_lane_waits_and_uses_no_attempt(mailroom: Mailroom) -> None:
    """The other messages of the lane are not even tried until the provider's time is up."""
    mailroom.provider = ScriptedProvider(SendResult(outcome="deferred", pause_lane=True, retry_after=120))
    first = mailroom.queue()
    await mailroom.deliver()
    message = mailroom.message(first)
    assert (message["status"], message["attempts"], message["due_at"]) == ("deferred", 0, NOW + 120_000)


def _set_status(mailroom: Mailroom, key: int, status: str) -> None:
    with mailroom.store.state.write() as conn:
        conn.execute(update(tables.messages).where(tables.messages.c.id == key).values(status=status))
