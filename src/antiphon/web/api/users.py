"""Users: list, profile, timeline, messages, why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import Parameter

from antiphon.web.api.events import EventPage
from antiphon.web.api.messages import MessagePage
from antiphon.web.api.people import Explanation, Membership, ProfileOut, ProfilePage


class Identity(msgspec.Struct, kw_only=True):
    """Another id that means this user: an anonymous one, or a former user id."""

    kind: str
    id: str
    linked_at: int


class UserOut(msgspec.Struct, kw_only=True):
    """A user with everything around it."""

    profile: ProfileOut
    company: ProfileOut | None
    identities: list[Identity]
    memberships: list[Membership]
    events: int
    messages: int


class UserController(Controller):
    """Users."""

    path = "/api/users"
    tags = ("Users",)

    @get(access="view", sync_to_thread=True)
    def list_users(
        self,
        search: str | None = None,
        rule_id: int | None = None,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> ProfilePage:
        """Users, last seen first; `search` looks in id, name and email, `rule_id` keeps the rule's members."""
        raise NotImplementedError

    @get("/{user_id:str}", access="view", sync_to_thread=True)
    def get_user(self, user_id: str) -> UserOut:
        """A user's profile, identities and memberships."""
        raise NotImplementedError

    @get("/{user_id:str}/events", access="view", sync_to_thread=True)
    def list_user_events(
        self,
        user_id: str,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
        before_offset: Annotated[int, Parameter(ge=0)] | None = None,
    ) -> EventPage:
        """A user's events, newest first, under all its ids."""
        raise NotImplementedError

    @get("/{user_id:str}/messages", access="view", sync_to_thread=True)
    def list_user_messages(
        self,
        user_id: str,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> MessagePage:
        """A user's messages, newest first."""
        raise NotImplementedError

    @get("/{user_id:str}/explain", access="view", sync_to_thread=True)
    def explain_user(self, user_id: str, rule_id: int) -> Explanation:
        """Why this user is, or is not, in a rule, and what came of it."""
        raise NotImplementedError
