"""Sessions: begun by a password or a one-time link, carried by a cookie."""

from __future__ import annotations

from litestar.datastructures import Cookie

from antiphon.model.clock import DAY
from antiphon.store.engine import Connection
from antiphon.store.tokens import add_token, find_token, new_secret, revoke_token
from antiphon.web.access import cookie_name
from antiphon.web.settings import WebSettings


def start_session(conn: Connection, account_id: int, settings: WebSettings, now: int) -> str:
    """A new session's secret; a session is never taken over from before the sign-in."""
    secret = new_secret("session")
    expires_at = now + settings.session_days * DAY
    add_token(conn, "session", secret, name="", now=now, account_id=account_id, expires_at=expires_at)
    return secret


def consume_link(conn: Connection, secret: str, settings: WebSettings, now: int) -> str | None:
    """A new session's secret for a link's, once; None when the link is not in force."""
    token = find_token(conn, secret, now)
    if token is None or token.kind != "link" or token.account_id is None:
        return None
    if not revoke_token(conn, token.id, ("link",), now):
        return None
    return start_session(conn, token.account_id, settings, now)


def session_cookie(secret: str, settings: WebSettings) -> Cookie:
    """The cookie that carries a session; an empty secret takes it away."""
    return Cookie(
        key=cookie_name(secure=settings.secure),
        value=secret,
        path="/",
        max_age=settings.session_days * DAY // 1_000 if secret else 0,
        httponly=True,
        secure=settings.secure,
        samesite="lax",
    )
