"""Companies: list, profile, events, users, why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import Parameter

from antiphon.web.api.events import EventPage
from antiphon.web.api.people import Explanation, Membership, ProfileOut, ProfilePage


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
        search: str | None = None,
        rule_id: int | None = None,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> ProfilePage:
        """Companies, last seen first; `search` looks in id and name, `rule_id` keeps the rule's members."""
        raise NotImplementedError

    @get("/{company_id:str}", access="view", sync_to_thread=True)
    def get_company(self, company_id: str) -> CompanyOut:
        """A company's profile and memberships."""
        raise NotImplementedError

    @get("/{company_id:str}/events", access="view", sync_to_thread=True)
    def list_company_events(
        self,
        company_id: str,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
        before_offset: Annotated[int, Parameter(ge=0)] | None = None,
    ) -> EventPage:
        """A company's events, newest first."""
        raise NotImplementedError

    @get("/{company_id:str}/users", access="view", sync_to_thread=True)
    def list_company_users(
        self,
        company_id: str,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> ProfilePage:
        """A company's users, last seen first."""
        raise NotImplementedError

    @get("/{company_id:str}/explain", access="view", sync_to_thread=True)
    def explain_company(self, company_id: str, rule_id: int) -> Explanation:
        """Why this company is, or is not, in a rule."""
        raise NotImplementedError
