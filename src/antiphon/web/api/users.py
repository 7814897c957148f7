"""Users: list, profile, timeline, messages, why."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, FromQuery, QueryParameter

from antiphon.errors import NotFound
from antiphon.model.subject import Profile
from antiphon.store.messages import list_messages
from antiphon.store.people import count_messages, get_profile, list_identities, list_profiles, resolve_user
from antiphon.web.api.events import EventPage, event_page
from antiphon.web.api.explaining import explain
from antiphon.web.api.messages import MessagePage, messages_out
from antiphon.web.api.people import (
    Explanation,
    Membership,
    ProfileOut,
    ProfilePage,
    memberships_out,
    page_out,
    profile_out,
)
from antiphon.web.context import Context, WebContext


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
        context: Context,
        search: FromQuery[str | None] = None,
        rule_id: FromQuery[int | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> ProfilePage:
        """Users, last seen first; `search` looks in id, name and email, `rule_id` keeps the rule's members."""
        with context.store.state.read() as conn:
            found = list_profiles(conn, "user", search=search, rule_id=rule_id, limit=limit, cursor=cursor)
        return page_out(found)

    @get("/{user_id:str}", access="view", sync_to_thread=True)
    def get_user(self, context: Context, user_id: FromPath[str]) -> UserOut:
        """A user's profile, identities and memberships."""
        profile = find_user(context, user_id)
        with context.store.state.read() as conn:
            company = get_profile(conn, "company", profile.company_id) if profile.company_id else None
            identities = list_identities(conn, profile.id)
            memberships = memberships_out(conn, "user", profile.id)
            messages = count_messages(conn, profile.id)
        return UserOut(
            profile=profile_out(profile),
            company=profile_out(company) if company else None,
            identities=[Identity(kind=i.kind, id=i.id, linked_at=i.linked_at) for i in identities],
            memberships=memberships,
            events=context.events.count("user", profile.id),
            messages=messages,
        )

    @get("/{user_id:str}/events", access="view", sync_to_thread=True)
    def list_user_events(
        self,
        context: Context,
        user_id: FromPath[str],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        before_offset: Annotated[int | None, QueryParameter(ge=0)] = None,
    ) -> EventPage:
        """A user's events, newest first, under all its ids."""
        profile = find_user(context, user_id)
        found = context.events.timeline("user", profile.id, limit=limit, before_offset=before_offset)
        return event_page(found, limit)

    @get("/{user_id:str}/messages", access="view", sync_to_thread=True)
    def list_user_messages(
        self,
        context: Context,
        user_id: FromPath[str],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> MessagePage:
        """A user's messages, newest first."""
        profile = find_user(context, user_id)
        with context.store.state.read() as conn:
            return messages_out(list_messages(conn, user_id=profile.id, limit=limit, cursor=cursor))

    @get("/{user_id:str}/explain", access="view", sync_to_thread=True)
    def explain_user(self, context: Context, user_id: FromPath[str], rule_id: FromQuery[int]) -> Explanation:
        """Why this user is, or is not, in a rule, and what came of it."""
        return explain(context, "user", find_user(context, user_id).id, rule_id)


def find_user(context: WebContext, encoded: str) -> Profile:
    """The user that an id of the address means, also a former or anonymous one; NotFound."""
    user_id = unquote(encoded)
    with context.store.state.read() as conn:
        known = resolve_user(conn, user_id)
        profile = get_profile(conn, "user", known) if known is not None else None
    if profile is None:
        raise NotFound(f"There is no user {user_id}.")
    return profile
