"""The built-in inbox."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from antiphon.errors import NotFound
from antiphon.store.paging import After, decode, encode
from antiphon.store.rows import to_struct
from antiphon.store.tables import inbox


class Mail(msgspec.Struct, kw_only=True, frozen=True):
    """A mail as it was "sent": `raw` is the whole MIME message, `message_id` the number of ours that it carries."""

    id: int
    message_id: int | None
    sender: str
    recipient: str
    subject: str
    raw: bytes
    received_at: int


class Mails(msgspec.Struct, kw_only=True, frozen=True):
    """A page of mails."""

    items: list[Mail]
    next_cursor: str | None
    total: int


def list_mails(conn: Connection, *, limit: int, cursor: str | None = None) -> Mails:
    """Mails, the newest first."""
    query = select(inbox).order_by(inbox.c.id.desc()).limit(limit + 1)
    after = decode(cursor)
    if after is not None:
        query = query.where(inbox.c.id < after.key)
    found = [to_struct(row, Mail) for row in conn.execute(query).mappings()]
    items = found[:limit]
    total = conn.execute(select(func.count()).select_from(inbox)).scalar_one()
    return Mails(items=items, next_cursor=encode(After(items[-1].id)) if len(found) > limit else None, total=total)


def get_mail(conn: Connection, mail_id: int) -> Mail:
    """One mail; NotFound."""
    row = conn.execute(select(inbox).where(inbox.c.id == mail_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no mail {mail_id} in the inbox.")
    return to_struct(row, Mail)
