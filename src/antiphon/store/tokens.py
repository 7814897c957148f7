"""Tokens: sessions, sign-in links, admin tokens, write and server keys; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from antiphon.store.rows import to_struct
from antiphon.store.tables import tokens

TokenKind = Literal["session", "link", "admin", "write", "server"]

PREFIXES: dict[TokenKind, str] = {
    "session": "ase_",
    "link": "asl_",
    "admin": "aat_",
    "write": "awk_",
    "server": "ask_",
}
SHOWN = 12
"""Characters of a secret that are kept to recognise it by."""


class Token(msgspec.Struct, kw_only=True, frozen=True):
    """A token without its secret; times in ms since the epoch."""

    id: int
    kind: TokenKind
    prefix: str
    name: str
    account_id: int | None
    created_at: int
    expires_at: int | None
    used_at: int | None


_COLUMNS = tuple(tokens.c[name] for name in Token.__struct_fields__)


def new_secret(kind: TokenKind) -> str:
    """A fresh secret of 256 random bits that says what it is for."""
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def add_token(
    conn: Connection,
    kind: TokenKind,
    secret: str,
    *,
    name: str,
    now: int,
    account_id: int | None = None,
    expires_at: int | None = None,
) -> Token:
    """Store a token for `secret`."""
    values = {
        "kind": kind,
        "prefix": secret[:SHOWN],
        "name": name,
        "account_id": account_id,
        "created_at": now,
        "expires_at": expires_at,
        "used_at": None,
    }
    row = {**values, "digest": digest(secret), "revoked_at": None}
    key = conn.execute(insert(tokens).values(row).returning(tokens.c.id)).scalar_one()
    return msgspec.convert({"id": key, **values}, Token)


def find_token(conn: Connection, secret: str, now: int) -> Token | None:
    """The token of this secret while it is in force."""
    in_force = tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    query = select(*_COLUMNS).where(tokens.c.digest == digest(secret), *in_force)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else to_struct(row, Token)


def list_tokens(conn: Connection, kinds: Sequence[TokenKind], now: int) -> list[Token]:
    """Tokens of these kinds that are in force, the newest first."""
    in_force = tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    query = select(*_COLUMNS).where(tokens.c.kind.in_(kinds), *in_force).order_by(tokens.c.id.desc())
    return [to_struct(row, Token) for row in conn.execute(query).mappings()]


def touch_token(conn: Connection, token_id: int, now: int) -> None:
    """Note that a token was used."""
    conn.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=now))


def revoke_token(conn: Connection, token_id: int, kinds: Sequence[TokenKind], now: int) -> bool:
    """End a token of one of `kinds`; False when there is none in force."""
    where = tokens.c.id == token_id, tokens.c.kind.in_(kinds), tokens.c.revoked_at.is_(None)
    return conn.execute(update(tokens).where(*where).values(revoked_at=now)).rowcount > 0


def restore_token(conn: Connection, secret: str, kind: TokenKind) -> bool:
    """Put a token that was ended in force again; False when there never was one of this kind."""
    where = tokens.c.digest == digest(secret), tokens.c.kind == kind
    return conn.execute(update(tokens).where(*where).values(revoked_at=None, expires_at=None)).rowcount > 0


def revoke_all(conn: Connection, account_id: int, kinds: Sequence[TokenKind], now: int) -> int:
    """End every token of these kinds that an account has; how many there were."""
    where = tokens.c.account_id == account_id, tokens.c.kind.in_(kinds), tokens.c.revoked_at.is_(None)
    return conn.execute(update(tokens).where(*where).values(revoked_at=now)).rowcount
