"""What users and companies have in common on the page: profiles, pages of them, memberships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec

from antiphon.model.subject import Profile, StateKind, SubjectKind
from antiphon.store.engine import Connection
from antiphon.store.people import Membership as StoredMembership
from antiphon.store.people import Profiles, get_profiles, list_memberships


class ProfileOut(msgspec.Struct, kw_only=True):
    """A user or company; `name` and `email` are picked from the traits, times in ms since the epoch."""

    kind: StateKind
    id: str
    name: str | None
    email: str | None
    traits: dict[str, Any]
    company_id: str | None
    first_seen: int
    last_seen: int


class ProfilePage(msgspec.Struct, kw_only=True):
    """Profiles, last seen first; `total` counts everything that the filter takes."""

    items: list[ProfileOut]
    next_cursor: str | None
    total: int


class Membership(msgspec.Struct, kw_only=True):
    """A rule that a subject is or was in; `episode` counts its stays from 1, `since` is when this one began or ended."""

    rule_id: int
    name: str
    member: bool
    episode: int
    since: int


class Person(msgspec.Struct, kw_only=True):
    """Somebody by id, and what to call them; a user or a company."""

    id: str
    name: str | None
    email: str | None


class ReasonedCondition(msgspec.Struct, kw_only=True):
    """One condition of a rule for one subject.

    `path` is its place in the tree, `depth` how deep to indent it; `value` and `needed` are in words, None for a group;
    `words` is all of it in a sentence. `since` is when it last changed (ms), None when that cannot be known.
    """

    path: str
    depth: int
    text: str
    value: str | None
    needed: str | None
    met: bool
    since: int | None
    recheck_at: int | None
    words: str


class MessageReason(msgspec.Struct, kw_only=True):
    """Why a workflow that hangs on the rule did or did not send; `outcome` is in words, from what was stored."""

    workflow_id: int
    workflow_name: str
    outcome: str
    at: int | None
    message_id: int | None


class Explanation(msgspec.Struct, kw_only=True):
    """Why a subject is, or is not, in a rule."""

    rule_id: int
    rule_name: str
    subject_id: str
    member: bool
    episode: int
    since: int | None
    met: bool
    recheck_at: int | None
    as_of: int
    conditions: list[ReasonedCondition]
    messages: list[MessageReason]


def name_of(traits: dict[str, Any]) -> str | None:
    """What to call somebody: `name`, or first and last name, however they are spelt."""
    whole = traits.get("name")
    if isinstance(whole, str) and whole.strip():
        return whole.strip()
    parts = [traits.get("first_name", traits.get("firstName")), traits.get("last_name", traits.get("lastName"))]
    return " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip()) or None


def email_of(traits: dict[str, Any]) -> str | None:
    """The address in the traits, as it is."""
    email = traits.get("email")
    return email if isinstance(email, str) and email else None


class Called(TypedDict):
    """The fields of a `Person`."""

    id: str
    name: str | None
    email: str | None


def called(subject_id: str, traits: dict[str, Any]) -> Called:
    """What to call somebody with these traits; empty ones for who has no profile."""
    return Called(id=subject_id, name=name_of(traits), email=email_of(traits))


def called_by_id(conn: Connection, kind: SubjectKind, subject_ids: Sequence[str]) -> dict[str, Called]:
    """What to call each of these users or companies."""
    known = get_profiles(conn, kind, subject_ids)
    return {one: called(one, known[one].traits if one in known else {}) for one in subject_ids}


def profile_out(profile: Profile) -> ProfileOut:
    """A profile as the page shows it."""
    return ProfileOut(
        kind=profile.kind,
        id=profile.id,
        name=name_of(profile.traits),
        email=email_of(profile.traits),
        traits=profile.traits,
        company_id=profile.company_id,
        first_seen=profile.first_seen,
        last_seen=profile.last_seen,
    )


def page_out(found: Profiles) -> ProfilePage:
    """A page of profiles as the page shows it."""
    return ProfilePage(
        items=[profile_out(profile) for profile in found.items], next_cursor=found.next_cursor, total=found.total
    )


def memberships_out(conn: Connection, kind: StateKind, subject_id: str) -> list[Membership]:
    """The rules that a subject is or was in."""
    return [_membership(stored) for stored in list_memberships(conn, kind, subject_id)]


def _membership(stored: StoredMembership) -> Membership:
    return Membership(
        rule_id=stored.rule_id,
        name=stored.name,
        member=stored.member,
        episode=stored.episode,
        since=stored.since,
    )
