"""Users and companies as people list, search and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, or_, select

from antiphon.model.subject import Profile, StateKind
from antiphon.store.paging import After, decode, encode
from antiphon.store.rows import to_struct
from antiphon.store.tables import identities, memberships, messages, profiles, rules


class Profiles(msgspec.Struct, kw_only=True, frozen=True):
    """A page of profiles; `total` counts everything that the filter takes."""

    items: list[Profile]
    next_cursor: str | None
    total: int


class Identity(msgspec.Struct, kw_only=True, frozen=True):
    """Another id that means a user since `linked_at` (ms)."""

    kind: str
    id: str
    linked_at: int


class Membership(msgspec.Struct, kw_only=True, frozen=True):
    """A rule that a subject is or was in; `since` (ms) is when that began."""

    rule_id: int
    name: str
    member: bool
    episode: int
    since: int


_COLUMNS = tuple(profiles.c[name] for name in Profile.__struct_fields__)


def list_profiles(
    conn: Connection,
    kind: StateKind,
    *,
    search: str | None = None,
    rule_id: int | None = None,
    company_id: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Profiles:
    """Profiles of a kind, last seen first; `search` is looked for in id, name and email, whatever its case."""
    filtered = _filtered(select(*_COLUMNS), kind, search, rule_id, company_id)
    after = decode(cursor)
    query = filtered
    if after is not None:
        same = and_(profiles.c.last_seen == after.key, profiles.c.id < after.id)
        query = query.where(or_(profiles.c.last_seen < after.key, same))
    query = query.order_by(profiles.c.last_seen.desc(), profiles.c.id.desc()).limit(limit + 1)
    found = [to_struct(row, Profile) for row in conn.execute(query).mappings()]
    items = found[:limit]
    total = conn.execute(_filtered(select(func.count()), kind, search, rule_id, company_id)).scalar_one()
    next_cursor = encode(After(items[-1].last_seen, items[-1].id)) if len(found) > limit else None
    return Profiles(items=items, next_cursor=next_cursor, total=total)


def get_profile(conn: Connection, kind: StateKind, subject_id: str) -> Profile | None:
    """One profile."""
    query = select(*_COLUMNS).where(profiles.c.kind == kind, profiles.c.id == subject_id)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else to_struct(row, Profile)


def get_profiles(conn: Connection, kind: StateKind, subject_ids: Sequence[str]) -> dict[str, Profile]:
    """The profiles of these subjects by id; those without one are left out."""
    query = select(*_COLUMNS).where(profiles.c.kind == kind, profiles.c.id.in_(subject_ids))
    found = [to_struct(row, Profile) for row in conn.execute(query).mappings()]
    return {profile.id: profile for profile in found}


def resolve_user(conn: Connection, user_id: str) -> str | None:
    """The user that an id now means: itself, or the one that a former or anonymous id was linked to."""
    if get_profile(conn, "user", user_id) is not None:
        return user_id
    query = select(identities.c.user_id).where(identities.c.id == user_id).order_by(identities.c.linked_at.desc())
    return conn.execute(query.limit(1)).scalar_one_or_none()


def count_profiles(conn: Connection, kind: StateKind, *, company_id: str | None = None) -> int:
    """How many of a kind there are, in a company if one is given."""
    return conn.execute(_filtered(select(func.count()), kind, None, None, company_id)).scalar_one()


def list_identities(conn: Connection, user_id: str) -> list[Identity]:
    """Other ids that mean this user, oldest first."""
    i = identities
    query = select(i.c.kind, i.c.id, i.c.linked_at).where(i.c.user_id == user_id).order_by(i.c.linked_at, i.c.id)
    return [to_struct(row, Identity) for row in conn.execute(query).mappings()]


def list_memberships(conn: Connection, kind: StateKind, subject_id: str) -> list[Membership]:
    """Rules that a subject is or was in: present ones first, then by name."""
    m = memberships
    query = (
        select(m.c.rule_id, rules.c.name, m.c.member, m.c.episode, m.c.since)
        .select_from(m.join(rules, rules.c.id == m.c.rule_id))
        .where(m.c.subject_kind == kind, m.c.subject_id == subject_id)
        .order_by(m.c.member.desc(), rules.c.name)
    )
    return [to_struct(row, Membership) for row in conn.execute(query).mappings()]


def get_membership(conn: Connection, kind: StateKind, subject_id: str, rule_id: int) -> Membership | None:
    """Where a subject stands with one rule; None when it was never in it."""
    found = [m for m in list_memberships(conn, kind, subject_id) if m.rule_id == rule_id]
    return found[0] if found else None


def count_messages(conn: Connection, user_id: str) -> int:
    """How many messages a user has had, whatever became of them."""
    return conn.execute(select(func.count()).where(messages.c.user_id == user_id)).scalar_one()


def _filtered(
    query: Select[Any], kind: StateKind, search: str | None, rule_id: int | None, company_id: str | None
) -> Select[Any]:
    query = query.where(profiles.c.kind == kind)
    if search and search.strip():
        query = query.where(profiles.c.search.contains(search.strip().lower(), autoescape=True))
    if company_id is not None:
        query = query.where(profiles.c.company_id == company_id)
    if rule_id is not None:
        m = memberships
        members = select(m.c.subject_id).where(m.c.rule_id == rule_id, m.c.subject_kind == kind, m.c.member.is_(True))
        query = query.where(profiles.c.id.in_(members))
    return query
