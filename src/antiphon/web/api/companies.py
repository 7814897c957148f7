"""Companies: list, profile, events, users, why."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, FromQuery, QueryParameter

from antiphon.errors import NotFound
from antiphon.model.subject import Profile
from antiphon.store.people import count_profiles, get_profile, list_profiles
from antiphon.web.api.events import EventPage, event_page
from antiphon.web.api.explaining import explain
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


class CompanyOut(msgspec.Struct, kw_only=True):
    """A company with everything around it."""

    profile: ProfileOut
    memberships: list[Membership]
    users: int
    events: int


class CompanyController(Controller):
    """Companies."""

    path = "/api/companies"
    tags = ("Companies",)

    @get(access="view", sync_to_thread=True)
    def list_companies(
        self,
        context: Context,
        search: FromQuery[str | None] = None,
        rule_id: FromQuery[int | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> ProfilePage:
        """Companies, last seen first; `search` looks in id and name, `rule_id` keeps the rule's members."""
        with context.store.state.read() as conn:
            found = list_profiles(conn, "company", search=search, rule_id=rule_id, limit=limit, cursor=cursor)
        return page_out(found)

    @get("/{company_id:str}", access="view", sync_to_thread=True)
    def get_company(self, context: Context, company_id: FromPath[str]) -> CompanyOut:
        """A company's profile and memberships."""
        profile = _find(context, company_id)
        with context.store.state.read() as conn:
            memberships = memberships_out(conn, "company", profile.id)
            users = count_profiles(conn, "user", company_id=profile.id)
        events = context.events.count("company", profile.id)
        return CompanyOut(profile=profile_out(profile), memberships=memberships, users=users, events=events)

    @get("/{company_id:str}/events", access="view", sync_to_thread=True)
    def list_company_events(
        self,
        context: Context,
        company_id: FromPath[str],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        before_offset: Annotated[int | None, QueryParameter(ge=0)] = None,
    ) -> EventPage:
        """A company's events, newest first."""
        profile = _find(context, company_id)
        found = context.events.timeline("company", profile.id, limit=limit, before_offset=before_offset)
        return event_page(found, limit)

    @get("/{company_id:str}/users", access="view", sync_to_thread=True)
    def list_company_users(
        self,
        context: Context,
        company_id: FromPath[str],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> ProfilePage:
        """A company's users, last seen first."""
        profile = _find(context, company_id)
        with context.store.state.read() as conn:
            found = list_profiles(conn, "user", company_id=profile.id, limit=limit, cursor=cursor)
        return page_out(found)

    @get("/{company_id:str}/explain", access="view", sync_to_thread=True)
    def explain_company(self, context: Context, company_id: FromPath[str], rule_id: FromQuery[int]) -> Explanation:
        """Why this company is, or is not, in a rule."""
        return explain(context, "company", _find(context, company_id).id, rule_id)


def _find(context: WebContext, encoded: str) -> Profile:
    company_id = unquote(encoded)
    with context.store.state.read() as conn:
        profile = get_profile(conn, "company", company_id)
    if profile is None:
        raise NotFound(f"There is no company {company_id}.")
    return profile
