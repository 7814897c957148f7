"""Who may do what: every route names the right it needs, anything that names none is refused."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation

from antiphon.errors import Forbidden, Unauthorized
from antiphon.model.clock import MINUTE
from antiphon.store.accounts import Account, get_account
from antiphon.store.tokens import Token, find_token, touch_token
from antiphon.web.context import WebContext

Right = Literal["view", "edit", "own", "send"]

ROLES: dict[str, frozenset[Right]] = {
    "owner": frozenset({"view", "edit", "own"}),
    "editor": frozenset({"view", "edit"}),
    "viewer": frozenset({"view"}),
}
"""What each role may do: look, change rules, emails and workflows, change keys and settings."""

KEYS: dict[str, frozenset[Right]] = {
    "admin": frozenset({"view", "edit", "own", "send"}),
    "server": frozenset({"send"}),
    "write": frozenset(),
}
"""What each kind of API token may do here; a write key only sends events, which is not our business."""

PUBLIC = "public"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOUCH_EVERY = 5 * MINUTE


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a person by a session, or a program by a key."""

    token: Token
    account: Account | None
    rights: frozenset[Right]


Actor = NamedDependency[SkipValidation[Principal]]
"""A handler's parameter `principal`."""


def cookie_name(*, secure: bool) -> str:
    """The session cookie; browsers take the `__Host-` prefix only with Secure, so plain http has another name."""
    return "__Host-antiphon" if secure else "antiphon"


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request through that has the right its route asks for."""
    need = handler.opt.get("access")
    if need != PUBLIC:
        await authenticate(connection, need)


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any], need: Right | None) -> None:
    """Find out who asks and put it into the scope; Unauthorized, or Forbidden without the right that is needed."""
    context: WebContext = connection.app.state.context
    secret, by_cookie = _credentials(connection, cookie_name(secure=context.settings.secure))
    if secret is None:
        raise Unauthorized("Sign in, or send a token as `Authorization: Bearer ...`.")
    if by_cookie and connection.scope.get("method", "") not in SAFE_METHODS:
        check_origin(connection, context.settings.public_url)
    principal = await sync_to_thread(_principal, context, secret, by_cookie)
    if principal is None:
        raise Unauthorized("This session or token is not valid any more. Sign in again.")
    if need not in principal.rights:
        who = "key" if principal.account is None else "role"
        raise Forbidden(f"This {who} may not do that: it needs the right to {need}.")
    connection.scope["auth"] = principal


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """The principal that `guard` found."""
    return request.scope["auth"]


def check_origin(connection: ASGIConnection[Any, Any, Any, Any], public_url: str) -> None:
    """Refuse a write that another site's page made the browser send with our cookie."""
    origin = connection.headers.get("origin", "")
    parts = urlsplit(origin)
    same = bool(parts.netloc) and parts.netloc == connection.headers.get("host", "")
    if not same and origin != public_url.rstrip("/"):
        raise Forbidden("This request came from another site and was not carried out.", origin=origin[:200])


def _credentials(connection: ASGIConnection[Any, Any, Any, Any], cookie: str) -> tuple[str | None, bool]:
    """The secret that came along, and whether the browser sent it by itself."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip(), False
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, False
        return user or password, False
    return connection.cookies.get(cookie), True


def _principal(context: WebContext, secret: str, by_cookie: bool) -> Principal | None:
    now = context.clock()
    with context.store.state.read() as conn:
        token = find_token(conn, secret, now)
        if token is None or by_cookie != (token.kind == "session"):
            return None
        account = get_account(conn, token.account_id) if token.account_id is not None else None
    if token.kind == "session":
        if account is None:
            return None
        rights = ROLES.get(account.role, frozenset())
    elif token.kind in KEYS:
        rights, account = KEYS[token.kind], None
    else:
        return None
    if now - (token.used_at or 0) > TOUCH_EVERY:
        with context.store.state.write() as conn:
            touch_token(conn, token.id, now)
    return Principal(token=token, account=account, rights=rights)
