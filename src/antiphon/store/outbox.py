"""The outbox: messages from queued to their end, each change of state one conditional update.

queued -> claimed -> at_data -> sent | deferred | failed | suppressed | uncertain; deferred -> claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Integer, bindparam, case, func, insert, or_, select, update

from antiphon.model.clock import MINUTE
from antiphon.model.message import Lane, OutgoingEmail
from antiphon.store import tables as t
from antiphon.store.dialect import chunks, update_rows

RESEND_AFTER = 15 * MINUTE
"""How long (ms) an uncertain transactional message waits for news from the provider before its one resend."""


# Made once: to make a statement takes longer than to run it, and these are run for every message.
_SUPPRESSIONS = select(t.suppressions.c.address, t.suppressions.c.topic, t.suppressions.c.reason).where(
    t.suppressions.c.address.in_(bindparam("addresses", expanding=True))
)
_FINISH = update(t.messages).where(t.messages.c.id == bindparam("the_message"))
_ENTER_DATA = (
    update(t.messages)
    .where(t.messages.c.id.in_(bindparam("keys", expanding=True)), t.messages.c.status == "claimed")
    .values(status="at_data", updated_at=bindparam("now"))
    .returning(t.messages.c.id)
)

_WAITING = t.messages.c.status.in_(("queued", "deferred"))
_NEXT_DUE = select(func.min(t.messages.c.due_at)).where(_WAITING)
_CLAIM = (
    update(t.messages)
    .where(t.messages.c.id.in_(bindparam("keys", expanding=True)))
    .values(status="claimed", updated_at=bindparam("now"))
)
_TEMPLATES = select(t.templates.c.id, t.templates.c.topic, t.templates.c.published_version).where(
    t.templates.c.id.in_(bindparam("keys", expanding=True))
)
_CONTENT = select(t.template_versions.c.content).where(
    t.template_versions.c.template_id == bindparam("the_template"),
    t.template_versions.c.version == bindparam("the_version"),
)
_PROFILES = select(t.profiles.c.id, t.profiles.c.traits, t.profiles.c.company_id).where(
    t.profiles.c.kind == bindparam("the_kind"), t.profiles.c.id.in_(bindparam("keys", expanding=True))
)


class QueuedMessage(msgspec.Struct):
    """A claimed message with what is needed to make it; times in ms.

    `content` is the template version's content, None when the template is not published. `traits` are the user's,
    None when the user is gone.
    """

    id: int
    idempotency_key: str
    lane: Lane
    user_id: str
    recipient: str | None
    template_id: int
    template_version: int | None
    workflow_id: int | None
    enrollment_id: int | None
    variables: dict[str, Any]
    attempts: int
    created_at: int
    caused_at: int | None
    content: dict[str, Any] | None = None
    topic: str = ""
    traits: dict[str, Any] | None = None
    company: dict[str, Any] | None = None


_DUE = (
    select(*[t.messages.c[name] for name in QueuedMessage.__struct_fields__ if name in t.messages.c])
    .where(
        _WAITING,
        t.messages.c.due_at <= bindparam("now"),
        t.messages.c.lane.in_(bindparam("lanes", expanding=True)),
    )
    .order_by(case((t.messages.c.lane == "transactional", 0), else_=1), t.messages.c.due_at)
    .limit(bindparam("most", type_=Integer))
)
_DUE_LOCKED = _DUE.with_for_update(skip_locked=True)


def recover(conn: Connection, now: int) -> dict[str, int]:
    """After a restart: what was claimed is queued again, what had reached DATA is uncertain.

    Behavioural mail that is uncertain is never sent again by itself.
    """
    claimed = conn.execute(
        update(t.messages).where(t.messages.c.status == "claimed").values(status="queued", updated_at=now)
    )
    uncertain = conn.execute(
        update(t.messages)
        .where(t.messages.c.status == "at_data")
        .values(
            status="uncertain",
            detail="the process ended while the message was being handed over",
            due_at=now + RESEND_AFTER,
            updated_at=now,
        )
    )
    return {"requeued": claimed.rowcount, "uncertain": uncertain.rowcount}


def resend_uncertain(conn: Connection, now: int) -> int:
    """Queue transactional messages for their one resend when nothing was heard of them; how many."""
    return conn.execute(
        update(t.messages)
        .where(
            t.messages.c.status == "uncertain",
            t.messages.c.lane == "transactional",
            t.messages.c.due_at <= now,
            or_(t.messages.c.reason.is_(None), t.messages.c.reason != "resent"),
        )
        .values(status="queued", reason="resent", updated_at=now)
    ).rowcount


def claim(conn: Connection, now: int, limit: int, lanes: Sequence[str]) -> list[QueuedMessage]:
    """Take up to `limit` due messages of `lanes`, transactional ones first, with what is needed to make them."""
    due = _DUE_LOCKED if conn.dialect.name == "postgresql" else _DUE
    rows = conn.execute(due, {"now": now, "lanes": list(lanes), "most": limit}).all()
    if not rows:
        return []
    conn.execute(_CLAIM, {"keys": [row.id for row in rows], "now": now})
    claimed = [QueuedMessage(*row) for row in rows]
    _add_content(conn, claimed)
    _add_people(conn, claimed)
    return claimed


def _add_content(conn: Connection, messages: list[QueuedMessage]) -> None:
    """Content by template: the version named, else the published one."""
    wanted = {message.template_id for message in messages}
    topics = {row.id: (row.topic, row.published_version) for row in conn.execute(_TEMPLATES, {"keys": sorted(wanted)})}
    versions: dict[tuple[int, int], dict[str, Any]] = {}
    for message in messages:
        topic, published = topics.get(message.template_id, ("", None))
        version = message.template_version or published
        if version is None:
            continue
        key = (message.template_id, version)
        if key not in versions:
            found = conn.execute(_CONTENT, {"the_template": key[0], "the_version": key[1]})
            versions[key] = found.scalar_one()
        message.template_version, message.content, message.topic = version, versions[key], topic


def _add_people(conn: Connection, messages: list[QueuedMessage]) -> None:
    ids = sorted({message.user_id for message in messages})
    people = {row.id: row for row in conn.execute(_PROFILES, {"the_kind": "user", "keys": ids})}
    ids = sorted({row.company_id for row in people.values() if row.company_id is not None})
    found = conn.execute(_PROFILES, {"the_kind": "company", "keys": ids}) if ids else []
    companies = {row.id: row.traits for row in found}
    for message in messages:
        person = people.get(message.user_id)
        if person is not None:
            message.traits = person.traits
            message.company = {"id": person.company_id, **companies.get(person.company_id, {})}


class Handover(msgspec.Struct, frozen=True):
    """A message that is about to be handed over."""

    message_id: int
    recipient: str
    topic: str


def suppressions(conn: Connection, messages: Sequence[Handover]) -> list[str | None]:
    """For each message why nothing (of its topic) may be sent to its address, or None."""
    addresses = sorted({message.recipient.lower() for message in messages})
    found = {
        (row.address, row.topic): row.reason
        for some in chunks(addresses)
        for row in conn.execute(_SUPPRESSIONS, {"addresses": some})
    }
    return [
        found.get((message.recipient.lower(), "")) or found.get((message.recipient.lower(), message.topic))
        for message in messages
    ]


def enter_data(conn: Connection, messages: Sequence[Handover], now: int) -> list[str | None]:
    """The last look before messages are handed over: `claimed` becomes `at_data`, or for each the reason why not.

    Reads suppression in the same transaction: what was committed earlier wins.
    """
    reasons = suppressions(conn, messages)
    free = [message.message_id for message, why in zip(messages, reasons, strict=True) if why is None]
    moved: set[int] = set()
    for some in chunks(free):
        moved.update(conn.execute(_ENTER_DATA, {"keys": some, "now": now}).scalars())
    return [
        ("unsubscribed" if why == "unsubscribed" else "suppressed")
        if why is not None
        else (None if message.message_id in moved else "not_claimed")
        for message, why in zip(messages, reasons, strict=True)
    ]


class Sent(msgspec.Struct, frozen=True):
    """A message that the provider took; the fields are columns of `messages`, `key` is its id."""

    provider: str
    sent_at: int
    message_id: str
    subject: str
    attempts: int
    detail: str | None
    template_version: int | None
    key: int


def finish_sent(conn: Connection, messages: Sequence[Sent]) -> None:
    """Write that messages are sent."""
    columns = (*Sent.__struct_fields__[:-1], "status", "reason", "updated_at")
    rows = [(*msgspec.structs.astuple(sent)[:-1], "sent", None, sent.sent_at, sent.key) for sent in messages]
    update_rows(conn, t.messages, columns, rows)


def finish(conn: Connection, key: int, now: int, **values: Any) -> None:
    """Write how a message fared (`status` and what goes with it)."""
    conn.execute(_FINISH, {"the_message": key, "updated_at": now, **values})


def put_back(conn: Connection, message_id: int, now: int, detail: str, due_at: int) -> None:
    """Defer a message that an unexpected error stopped; one that had reached DATA is uncertain instead."""
    m = t.messages.c
    conn.execute(
        update(t.messages)
        .where(m.id == message_id, m.status.in_(("claimed", "at_data")))
        .values(
            status=case((m.status == "at_data", "uncertain"), else_="deferred"),
            detail=detail,
            due_at=due_at,
            attempts=m.attempts + 1,
            updated_at=now,
        )
    )


def suppress(conn: Connection, address: str, reason: str, message_id: int | None, now: int) -> None:
    """Never mail this address again."""
    address = address.lower()
    held = conn.execute(
        select(t.suppressions.c.address).where(t.suppressions.c.address == address, t.suppressions.c.topic == "")
    ).first()
    if held is None:
        conn.execute(
            insert(t.suppressions).values(
                address=address, topic="", reason=reason, message_id=message_id, created_at=now
            )
        )


def put_in_inbox(conn: Connection, emails: Sequence[tuple[int | None, OutgoingEmail]], now: int) -> None:
    """Deliver emails, each with its message's id, into the built-in inbox; once for each message."""
    rows = [
        {
            "message_id": message_id,
            "sender": email.sender,
            "recipient": email.recipient,
            "subject": email.subject,
            "raw": email.raw,
            "received_at": now,
        }
        for message_id, email in emails
    ]
    if rows:
        conn.execute(insert(t.inbox), rows)


def next_due(conn: Connection) -> int | None:
    """When the next message is due (ms), or None."""
    return conn.execute(_NEXT_DUE).scalar_one()
