"""The workspace's settings: one row of JSON for what people set on the page, and secrets made at the first start."""

from __future__ import annotations

import secrets

import msgspec
from sqlalchemy import Connection, select

from antiphon.errors import Conflict
from antiphon.store.dialect import insert_new, upsert
from antiphon.store.tables import settings

WORKSPACE = "workspace"
SIGNING_SECRET = "signing_secret"  # noqa: S105 - the name of the row, not the secret

REDACT_BY_DEFAULT = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "password",
    "secret",
    "card_number",
    "cvv",
)


class Workspace(msgspec.Struct, kw_only=True, frozen=True):
    """What people set on the page; `sender` is a From header, `redact_keys` are never stored (case aside)."""

    workspace_name: str = "My workspace"
    time_zone: str = "UTC"
    sender: str = "Antiphon <antiphon@localhost>"
    redact_keys: tuple[str, ...] = REDACT_BY_DEFAULT
    revision: int = 0
    updated_at: int = 0


def read_workspace(conn: Connection) -> Workspace:
    """The settings, the defaults where nothing was ever saved."""
    value = conn.execute(select(settings.c.value).where(settings.c.key == WORKSPACE)).scalar_one_or_none()
    return Workspace() if value is None else msgspec.convert(value, Workspace)


def save_workspace(conn: Connection, changed: Workspace, now: int) -> Workspace:
    """Store `changed`, whose `revision` must be the stored one; the answer carries the next."""
    stored = read_workspace(conn)
    if stored.revision != changed.revision:
        raise Conflict(
            "Someone changed the settings since you opened them. Reload to see theirs.",
            revision=stored.revision,
            updated_at=stored.updated_at,
        )
    saved = msgspec.structs.replace(changed, revision=stored.revision + 1, updated_at=now)
    upsert(conn, settings, [{"key": WORKSPACE, "value": msgspec.to_builtins(saved)}])
    return saved


def signing_secret(conn: Connection) -> bytes:
    """The 32 random bytes that sign the links in mails; made on first use, in a write transaction."""
    insert_new(conn, settings, {"key": SIGNING_SECRET, "value": secrets.token_hex(32)})
    stored: str = conn.execute(select(settings.c.value).where(settings.c.key == SIGNING_SECRET)).scalar_one()
    return bytes.fromhex(stored)
