"""Accounts: the people who use the page."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from antiphon.errors import Conflict, NotFound
from antiphon.store.rows import to_struct
from antiphon.store.tables import accounts


class Account(msgspec.Struct, kw_only=True, frozen=True):
    """A person; `password_hash` is Argon2id, None until a password is set."""

    id: int
    email: str
    name: str
    password_hash: str | None
    role: str
    created_at: int


def create_account(conn: Connection, *, email: str, name: str, role: str, now: int) -> Account:
    """Add a person without a password; Conflict when the address is taken."""
    address = email.strip().lower()
    row = {"email": address, "name": name, "role": role, "password_hash": None, "created_at": now}
    try:
        with conn.begin_nested():
            key: int = conn.execute(insert(accounts).values(row).returning(accounts.c.id)).scalar_one()
    except IntegrityError as error:
        raise Conflict(f"There is an account for {address} already.", field="email") from error
    return Account(id=key, email=address, name=name, password_hash=None, role=role, created_at=now)


def get_account(conn: Connection, account_id: int) -> Account | None:
    """The account with this id."""
    row = conn.execute(select(accounts).where(accounts.c.id == account_id)).mappings().one_or_none()
    return None if row is None else to_struct(row, Account)


def find_account(conn: Connection, email: str) -> Account | None:
    """The account with this address, case aside."""
    row = conn.execute(select(accounts).where(accounts.c.email == email.strip().lower())).mappings().one_or_none()
    return None if row is None else to_struct(row, Account)


def first_account(conn: Connection) -> Account | None:
    """The workspace's oldest account."""
    row = conn.execute(select(accounts).order_by(accounts.c.id).limit(1)).mappings().one_or_none()
    return None if row is None else to_struct(row, Account)


def count_with_password(conn: Connection) -> int:
    """How many accounts can sign in by themselves."""
    return conn.execute(select(func.count()).where(accounts.c.password_hash.is_not(None))).scalar_one()


def change_account(
    conn: Connection,
    account_id: int,
    *,
    name: str | None = None,
    email: str | None = None,
    password_hash: str | None = None,
) -> Account:
    """Change what is given; Conflict when the address is another's."""
    given = {"name": name, "email": email and email.strip().lower(), "password_hash": password_hash}
    changes = {key: value for key, value in given.items() if value is not None}
    if changes:
        try:
            with conn.begin_nested():
                conn.execute(update(accounts).where(accounts.c.id == account_id).values(changes))
        except IntegrityError as error:
            raise Conflict(f"There is an account for {email} already.", field="email") from error
    account = get_account(conn, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    return account
