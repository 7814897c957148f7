"""Messages as the page shows them, and transactional ones on their way into the outbox."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, and_, select

from antiphon.errors import NotFound
from antiphon.model.message import Channel, DeliveryStatus, Lane
from antiphon.store.dialect import insert_new
from antiphon.store.paging import After, decode, encode
from antiphon.store.rows import to_struct
from antiphon.store.tables import inbox, messages, profiles, rules, templates, workflows


class Message(msgspec.Struct, kw_only=True, frozen=True):
    """A message with the names around it and the user's traits; times in ms since the epoch."""

    id: int
    lane: Lane
    channel: Channel
    user_id: str
    traits: dict[str, Any]
    recipient: str | None
    template_id: int
    template_name: str | None
    template_version: int | None
    workflow_id: int | None
    workflow_name: str | None
    enrollment_id: int | None
    step_id: str | None
    rule_id: int | None
    rule_name: str | None
    variables: dict[str, Any]
    status: DeliveryStatus
    reason: str | None
    detail: str | None
    provider: str | None
    message_id: str | None
    subject: str | None
    inbox_id: int | None
    attempts: int
    due_at: int
    created_at: int
    caused_at: int | None
    sent_at: int | None
    updated_at: int


class Messages(msgspec.Struct, kw_only=True, frozen=True):
    """A page of messages."""

    items: list[Message]
    next_cursor: str | None


class Recipient(msgspec.Struct, frozen=True):
    """Whom a message was for, and the template and workflow that it came of."""

    user_id: str
    template_id: int
    workflow_id: int | None


class Queued(msgspec.Struct, kw_only=True, frozen=True):
    """A message in the outbox; `fresh` is False when its idempotency key was there before."""

    id: int
    status: DeliveryStatus
    fresh: bool


def list_messages(
    conn: Connection,
    *,
    status: DeliveryStatus | None = None,
    user_id: str | None = None,
    workflow_id: int | None = None,
    rule_id: int | None = None,
    limit: int,
    cursor: str | None = None,
) -> Messages:
    """Messages, the newest first."""
    query = _joined().order_by(messages.c.id.desc()).limit(limit + 1)
    wanted = {"status": status, "user_id": user_id, "workflow_id": workflow_id, "rule_id": rule_id}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(messages.c[name] == value)
    after = decode(cursor)
    if after is not None:
        query = query.where(messages.c.id < after.key)
    found = [_message(row) for row in conn.execute(query).mappings()]
    items = found[:limit]
    return Messages(items=items, next_cursor=encode(After(items[-1].id)) if len(found) > limit else None)


def get_message(conn: Connection, message_id: int) -> Message:
    """One message; NotFound."""
    row = conn.execute(_joined().where(messages.c.id == message_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no message {message_id}.")
    return _message(row)


def find_recipient(conn: Connection, message_id: int) -> Recipient | None:
    """Whom a message was for and what it came of."""
    m = messages
    query = select(m.c.user_id, m.c.template_id, m.c.workflow_id).where(m.c.id == message_id)
    row = conn.execute(query).one_or_none()
    return None if row is None else Recipient(*row)


def queue_transactional(
    conn: Connection,
    *,
    idempotency_key: str,
    channel: Channel,
    user_id: str,
    recipient: str,
    template_id: int,
    template_version: int,
    variables: dict[str, Any],
    now: int,
) -> Queued:
    """Put a transactional message into the outbox, or find the one that this key already made."""
    row = {
        "idempotency_key": idempotency_key,
        "lane": "transactional",
        "channel": channel,
        "user_id": user_id,
        "recipient": recipient,
        "template_id": template_id,
        "template_version": template_version,
        "variables": variables,
        "status": "queued",
        "attempts": 0,
        "due_at": now,
        "created_at": now,
        "caused_at": now,
        "updated_at": now,
    }
    key = insert_new(conn, messages, row)
    if key is not None:
        return Queued(id=key, status="queued", fresh=True)
    query = select(messages.c.id, messages.c.status).where(messages.c.idempotency_key == idempotency_key)
    stored = conn.execute(query).one()
    return Queued(id=stored.id, status=stored.status, fresh=False)


def _joined() -> Any:
    m = messages
    computed = {"traits", "template_name", "workflow_name", "rule_name", "inbox_id"}
    return select(
        *(m.c[name] for name in Message.__struct_fields__ if name not in computed),
        profiles.c.traits,
        templates.c.name.label("template_name"),
        workflows.c.name.label("workflow_name"),
        rules.c.name.label("rule_name"),
        inbox.c.id.label("inbox_id"),
    ).select_from(
        m.outerjoin(profiles, and_(profiles.c.kind == "user", profiles.c.id == m.c.user_id))
        .outerjoin(templates, templates.c.id == m.c.template_id)
        .outerjoin(workflows, workflows.c.id == m.c.workflow_id)
        .outerjoin(rules, rules.c.id == m.c.rule_id)
        .outerjoin(inbox, inbox.c.message_id == m.c.id)
    )


def _message(row: RowMapping) -> Message:
    return to_struct(row, Message, traits=row["traits"] or {})
