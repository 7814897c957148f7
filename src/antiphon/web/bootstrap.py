"""What the first start makes, so that somebody can sign in and send a first event."""

from __future__ import annotations

import msgspec

from antiphon.errors import ConfigError
from antiphon.model.clock import DAY, Clock
from antiphon.store.accounts import count_with_password, create_account, first_account
from antiphon.store.engine import Connection
from antiphon.store.tokens import (
    Token,
    TokenKind,
    add_token,
    find_token,
    list_tokens,
    new_secret,
    restore_token,
    revoke_all,
    revoke_token,
)

LINK_DAYS = 7
SHORTEST_TOKEN = 16
GIVEN_ADMIN = "ANTIPHON_ADMIN_TOKEN"
GIVEN_WRITE = "ANTIPHON_WRITE_KEY"
FIRST_WRITE = "First write key"


class Bootstrapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a start has to tell: the token of a sign-in link while nobody has a password, and a write key just made."""

    link: str | None
    write_key: str | None


def bootstrap(conn: Connection, clock: Clock, admin_token: str, write_key: str) -> Bootstrapped:
    """Make what a workspace needs to be used; safe to repeat at every start, in a write transaction.

    The first start makes the account `owner` and a write key. `admin_token` and `write_key` (empty: none given) are
    put in force; an admin token that was given before and is not any more ends. As long as no account has a password
    each start gives a fresh one-time link, good for 7 days, and ends the one before.
    """
    now = clock()
    owner = first_account(conn)
    fresh = owner is None
    if owner is None:
        owner = create_account(conn, email="owner@localhost", name="Owner", role="owner", now=now)
    _put_in_force(conn, "admin", GIVEN_ADMIN, admin_token, now)
    _put_in_force(conn, "write", GIVEN_WRITE, write_key, now)
    made: str | None = None
    if fresh and not write_key:
        made = new_secret("write")
        add_token(conn, "write", made, name=FIRST_WRITE, now=now)
    link = None if count_with_password(conn) else new_link(conn, clock, owner.id)
    return Bootstrapped(link=link, write_key=made)


def new_link(conn: Connection, clock: Clock, account_id: int | None = None) -> str:
    """The token of a fresh one-time link (/signin?token=...), for the owner unless another account is named.

    Links given out before for the account end. ConfigError when there is no account yet.
    """
    now = clock()
    if account_id is None:
        owner = first_account(conn)
        if owner is None:
            raise ConfigError("Nobody can sign in yet: start `antiphon serve` once first.")
        account_id = owner.id
    revoke_all(conn, account_id, ("link",), now)
    secret = new_secret("link")
    add_token(conn, "link", secret, name="", now=now, account_id=account_id, expires_at=now + LINK_DAYS * DAY)
    return secret


def _put_in_force(conn: Connection, kind: TokenKind, name: str, given: str, now: int) -> None:
    """Make `given` the only token of this name; an empty one ends an admin token, and leaves write keys alone."""
    if given and len(given) < SHORTEST_TOKEN:
        raise ConfigError(f"{name} is too short: use at least {SHORTEST_TOKEN} characters that nobody can guess.")
    stored = find_token(conn, given, now) if given else None
    if stored is not None and stored.kind != kind:
        raise ConfigError(f"{name} is in use as a {stored.kind} key already: choose another.")
    if kind == "admin":
        _end_others(conn, [t for t in list_tokens(conn, (kind,), now) if t.name == name], stored, now)
    if given and stored is None and not restore_token(conn, given, kind):
        add_token(conn, kind, given, name=name, now=now)


def _end_others(conn: Connection, tokens: list[Token], kept: Token | None, now: int) -> None:
    for token in tokens:
        if kept is None or token.id != kept.id:
            revoke_token(conn, token.id, (token.kind,), now)
