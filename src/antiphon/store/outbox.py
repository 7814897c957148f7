"""The outbox: messages from queued to their end, each change of state one conditional update.

queued -> claimed -> at_data -> sent | deferred | failed | suppressed | uncertain; deferred -> claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, case, func, insert, literal, or_, select, update

from antiphon.model.clock import MINUTE
from antiphon.model.message import Lane
from antiphon.store import tables as t

RESEND_AFTER = 15 * MINUTE
"""How long (ms) an uncertain transactional message waits for news from the provider before its one resend."""


# Made once: to make a statement takes longer than to run it, and these are run for every message.
_SUPPRESSION = (
    select(t.suppressions.c.reason)
    .where(
        t.suppressions.c.address == bindparam("the_address"),
        or_(t.suppressions.c.topic == "", t.suppressions.c.topic == bindparam("the_topic")),
    )
    .limit(1)
)
_FINISH = update(t.messages).where(t.messages.c.id == bindparam("the_message"))
_ENTER_DATA = _FINISH.where(t.messages.c.status == literal("claimed"))


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
    m = t.messages
    due = (
        select(m)
        .where(m.c.status.in_(("queued", "deferred")), m.c.due_at <= now, m.c.lane.in_(lanes))
        .order_by(case((m.c.lane == "transactional", 0), else_=1), m.c.due_at)
        .limit(limit)
    )
    if conn.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    rows = conn.execute(due).all()
    if not rows:
        return []
    conn.execute(update(m).where(m.c.id.in_([row.id for row in rows])).values(status="claimed", updated_at=now))
    claimed = [QueuedMessage(**{name: getattr(row, name) for name in _FROM_ROW}) for row in rows]
    _add_content(conn, claimed)
    _add_people(conn, claimed)
    return claimed


_FROM_ROW = (
    "id", "idempotency_key", "lane", "user_id", "recipient", "template_id", "template_version", "workflow_id",
    "enrollment_id", "variables", "attempts", "created_at", "caused_at",
)  # fmt: skip


def _add_content(conn: Connection, messages: list[QueuedMessage]) -> None:
    """Content by template: the version named, else the published one."""
    wanted = {message.template_id for message in messages}
    topics = {
        row.id: (row.topic, row.published_version)
        for row in conn.execute(select(t.templates).where(t.templates.c.id.in_(wanted)))
    }
    versions: dict[tuple[int, int], dict[str, Any]] = {}
    for message in messages:
        topic, published = topics.get(message.template_id, ("", None))
        version = message.template_version or published
        if version is None:
            continue
        key = (message.template_id, version)
        if key not in versions:
            v = t.template_versions.c
            found = conn.execute(select(v.content).where(v.template_id == key[0], v.version == key[1]))
            versions[key] = found.scalar_one()
        message.template_version, message.content, message.topic = version, versions[key], topic


def _add_people(conn: Connection, messages: list[QueuedMessage]) -> None:
    p = t.profiles.c
    ids = {message.user_id for message in messages}
    people = {
        row.id: row for row in conn.execute(select(p.id, p.traits, p.company_id).where(p.kind == "user", p.id.in_(ids)))
    }
    company_ids = {row.company_id for row in people.values() if row.company_id is not None}
    companies = {
        row.id: row.traits
        for row in conn.execute(select(p.id, p.traits).where(p.kind == "company", p.id.in_(company_ids)))
    }
    for message in messages:
        person = people.get(message.user_id)
        if person is not None:
            message.traits = person.traits
            message.company = {"id": person.company_id, **companies.get(person.company_id, {})}


def suppression(conn: Connection, address: str, topic: str) -> str | None:
    """Why nothing (of this topic) may be sent to an address, or None."""
    return conn.execute(_SUPPRESSION, {"the_address": address.lower(), "the_topic": topic}).scalar_one_or_none()


def enter_data(conn: Connection, message_id: int, recipient: str, topic: str, now: int) -> str | None:
    """The last look before a message is handed over: `claimed` becomes `at_data`, or the reason why not.

    Reads suppression in the same transaction: what was committed earlier wins.
    """
    why = suppression(conn, recipient, topic)
    if why is not None:
        return "unsubscribed" if why == "unsubscribed" else "suppressed"
    moved = conn.execute(_ENTER_DATA, {"the_message": message_id, "status": "at_data", "updated_at": now})
    return None if moved.rowcount else "not_claimed"


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


def put_in_inbox(conn: Connection, message_id: int | None, mail: dict[str, Any], now: int) -> None:
    """Deliver into the built-in inbox; once for each message."""
    conn.execute(insert(t.inbox).values(message_id=message_id, received_at=now, **mail))


def next_due(conn: Connection) -> int | None:
    """When the next message is due (ms), or None."""
    return conn.execute(
        select(func.min(t.messages.c.due_at)).where(t.messages.c.status.in_(("queued", "deferred")))
    ).scalar_one()
