"""Signing in: a one-time link, or a form for address and password."""

from __future__ import annotations

from html import escape
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from antiphon.errors import AntiphonError, Unauthorized
from antiphon.web.access import PUBLIC, authenticate, check_origin
from antiphon.web.context import Context, WebContext
from antiphon.web.pages.layout import page
from antiphon.web.sessions import consume_link, session_cookie
from antiphon.web.signing_in import sign_in

Form = URLEncodedBody[dict[str, Any]]


class SigninController(Controller):
    """The sign-in page."""

    path = "/signin"
    include_in_schema = False

    @get(access=PUBLIC)
    async def show_signin(
        self, request: Request[Any, Any, Any], context: Context, token: FromQuery[str] = ""
    ) -> Response[Any]:
        """Take a one-time link, or show the form."""
        if token:
            secret = await sync_to_thread(_consume, context, token)
            if secret is not None:
                return _to_page(context, secret)
            return _form("", "This link was used already or is too old. Ask for a new one, or sign in below.", 401)
        try:
            await authenticate(request, "view")
        except AntiphonError:
            return _form("", "", 200)
        return Redirect("/", status_code=HTTP_303_SEE_OTHER)

    @post(access=PUBLIC)
    async def submit_signin(self, request: Request[Any, Any, Any], context: Context, data: Form) -> Response[Any]:
        """Sign in with address and password."""
        email, password = str(data.get("email", "")), str(data.get("password", ""))
        try:
            check_origin(request, context.settings.public_url)
            account = await sign_in(request, context, email, password)
        except AntiphonError as error:
            return _form(email, error.message, error.status)
        return _to_page(context, account.secret)


def _consume(context: WebContext, token: str) -> str | None:
    with context.store.state.write() as conn:
        return consume_link(conn, token, context.settings, context.clock())


def _to_page(context: WebContext, secret: str) -> Response[Any]:
    return Redirect("/", status_code=HTTP_303_SEE_OTHER, cookies=[session_cookie(secret, context.settings)])


def _form(email: str, error: str, status: int) -> Response[str]:
    said = f'<p class="error" role="alert" id="error">{escape(error)}</p>' if error else ""
    described = ' aria-describedby="error" aria-invalid="true"' if status == Unauthorized.status and email else ""
    body = (
        "<h1>Sign in</h1>"
        "<p>First time here? Open the one-time link that <code>antiphon serve</code> printed when it started.</p>"
        f'{said}<form method="post" action="/signin">'
        '<label for="email">Email address</label>'
        f'<input id="email" name="email" type="email" autocomplete="username" required value="{escape(email)}">'
        '<label for="password">Password</label>'
        f'<input id="password" name="password" type="password" autocomplete="current-password" required{described}>'
        '<button type="submit">Sign in</button></form>'
    )
    return page("Sign in", body, status=status)
