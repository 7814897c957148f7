"""Who is signed in, signing in with a password, signing out, and one's own account."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.status_codes import HTTP_200_OK

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
    def get_session(self) -> SessionOut:
        """Who is signed in, and to what."""
        raise NotImplementedError

    @post("/session", access="public", status_code=HTTP_200_OK, sync_to_thread=True)
    def sign_in(self, data: SignIn) -> SessionOut:
        """Sign in with a password; sets the session cookie."""
        raise NotImplementedError

    @delete("/session", access="view", sync_to_thread=True)
    def sign_out(self) -> None:
        """End this session."""
        raise NotImplementedError

    @put("/account", access="view", sync_to_thread=True)
    def update_account(self, data: AccountChange) -> AccountOut:
        """Change one's own name, address or password."""
        raise NotImplementedError
