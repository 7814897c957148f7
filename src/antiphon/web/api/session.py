"""Who is signed in, signing in with a password, signing out, and one's own account."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from email_validator import EmailNotValidError, validate_email
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from antiphon.errors import Forbidden, InvalidInput
from antiphon.store.accounts import Account, change_account
from antiphon.store.settings import read_workspace
from antiphon.store.tokens import revoke_all, revoke_token
from antiphon.web import signing_in
from antiphon.web.access import PUBLIC, Actor, check_origin
from antiphon.web.context import Context, WebContext
from antiphon.web.passwords import Passwords, SignInLimits
from antiphon.web.sessions import session_cookie, start_session

OPEN_SESSION = "an open session"
"""Where guesses at the current password come from: limited like any other, whatever the network address."""

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class AccountOut(msgspec.Struct, kw_only=True):
    """A person who uses the page."""

    id: int
    email: str
    name: str
    role: str
    has_password: bool


class WorkspaceOut(msgspec.Struct, kw_only=True):
    """What the page says about where it is; `sandbox`: mail goes to the built-in inbox only."""

    name: str
    time_zone: str
    sandbox: bool


class SessionOut(msgspec.Struct, kw_only=True):
    """Who is signed in; `account` is None for an API token."""

    account: AccountOut | None
    workspace: WorkspaceOut
    public_url: str


class SignIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An address and a password."""

    email: Email
    password: Password


class AccountChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change of one's own account; a changed password ends every other session."""

    name: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    email: Email | None = None
    password: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None
    current_password: Password | None = None


class SessionController(Controller):
    """The session and the account behind it."""

    path = "/api"
    tags = ("Session",)

    @get("/session", access="view", sync_to_thread=True)
    def get_session(self, context: Context, principal: Actor) -> SessionOut:
        """Who is signed in, and to what."""
        return _session_out(context, principal.account)

    @post("/session", access=PUBLIC, status_code=HTTP_200_OK)
    async def sign_in(
        self, request: Request[Any, Any, Any], context: Context, data: JSONBody[SignIn]
    ) -> Response[SessionOut]:
        """Sign in with a password; sets the session cookie."""
        if "origin" in request.headers:
            check_origin(request, context.settings.public_url)
        signed_in = await signing_in.sign_in(request, context, data.email, data.password)
        body = await sync_to_thread(_session_out, context, signed_in.account)
        return Response(body, status_code=HTTP_200_OK, cookies=[session_cookie(signed_in.secret, context.settings)])

    @delete("/session", access="view", sync_to_thread=True)
    def sign_out(self, context: Context, principal: Actor) -> Response[None]:
        """End this session."""
        if principal.token.kind == "session":
            with context.store.state.write() as conn:
                revoke_token(conn, principal.token.id, ("session",), context.clock())
        return Response(None, status_code=HTTP_204_NO_CONTENT, cookies=[session_cookie("", context.settings)])

    @put("/account", access="view")
    async def update_account(
        self, request: Request[Any, Any, Any], context: Context, principal: Actor, data: JSONBody[AccountChange]
    ) -> Response[AccountOut]:
        """Change one's own name, address or password."""
        account = principal.account
        if account is None:
            raise Forbidden("A token has no account of its own: sign in as the person.")
        passwords: Passwords = request.app.state.passwords
        if data.password is not None or data.email is not None:
            limits: SignInLimits = request.app.state.limits
            await _confirm(passwords, limits, account, data.current_password)
        hashed = await passwords.hash(data.password) if data.password is not None else None
        changed, secret = await sync_to_thread(_change, context, account, data, hashed)
        cookies = [session_cookie(secret, context.settings)] if secret is not None else []
        return Response(_account_out(changed), cookies=cookies)


async def _confirm(passwords: Passwords, limits: SignInLimits, account: Account, given: str | None) -> None:
    """Whoever changes how one signs in must know how one signs in now, where there is a password already."""
    if account.password_hash is None:
        return
    if given is None:
        raise InvalidInput("Enter your current password as well.", field="current_password")
    limits.check(account.email, OPEN_SESSION)
    limits.failed(account.email, OPEN_SESSION)
    if not await passwords.verify(given, account.password_hash):
        raise Forbidden("The current password is not right.", field="current_password")
    limits.succeeded(account.email, OPEN_SESSION)


def _change(
    context: WebContext, account: Account, data: JSONBody[AccountChange], hashed: str | None
) -> tuple[Account, str | None]:
    """Change the account; with a new password every session and link ends and this person gets a fresh session."""
    now = context.clock()
    with context.store.state.write() as conn:
        name = data.name.strip() if data.name is not None else None
        email = _address(data.email) if data.email is not None else None
        changed = change_account(conn, account.id, name=name, email=email, password_hash=hashed)
        if hashed is None:
            return changed, None
        revoke_all(conn, account.id, ("session", "link"), now)
        return changed, start_session(conn, account.id, context.settings, now)


def _address(email: str) -> str:
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise InvalidInput(f"“{email}” is no email address: {error}", field="email") from error


def _session_out(context: WebContext, account: Account | None) -> SessionOut:
    with context.store.state.read() as conn:
        stored = read_workspace(conn)
    return SessionOut(
        account=_account_out(account) if account is not None else None,
        workspace=WorkspaceOut(
            name=stored.workspace_name, time_zone=stored.time_zone, sandbox=context.channel.provider == "inbox"
        ),
        public_url=context.settings.public_url,
    )


def _account_out(account: Account) -> AccountOut:
    return AccountOut(
        id=account.id,
        email=account.email,
        name=account.name,
        role=account.role,
        has_password=account.password_hash is not None,
    )
