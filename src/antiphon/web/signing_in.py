"""Signing in with a password, from the form or the API alike."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.concurrency import sync_to_thread

from antiphon.errors import Unauthorized
from antiphon.store.accounts import Account, find_account
from antiphon.web.context import WebContext
from antiphon.web.passwords import Passwords, SignInLimits
from antiphon.web.sessions import start_session

WRONG = "The address or the password is not right."


class SignedIn(msgspec.Struct, frozen=True):
    """An account and its new session's secret."""

    account: Account
    secret: str


async def sign_in(request: Request[Any, Any, Any], context: WebContext, email: str, password: str) -> SignedIn:
    """Start a session; Unauthorized for a wrong address or password alike, Overloaded for who guesses."""
    limits: SignInLimits = request.app.state.limits
    passwords: Passwords = request.app.state.passwords
    address = request.client.host if request.client else ""
    limits.check(email, address)
    account = await sync_to_thread(_find, context, email)
    limits.failed(email, address)  # counted before the slow check, so that many at once are no way around
    if not await passwords.verify(password, account.password_hash if account else None) or account is None:
        raise Unauthorized(WRONG)
    limits.succeeded(email, address)
    return SignedIn(account, await sync_to_thread(_start, context, account.id))


def _find(context: WebContext, email: str) -> Account | None:
    with context.store.state.read() as conn:
        return find_account(conn, email)


def _start(context: WebContext, account_id: int) -> str:
    with context.store.state.write() as conn:
        return start_session(conn, account_id, context.settings, context.clock())
