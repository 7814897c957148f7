"""Profiles, identities and memberships: what evaluation reads and writes in a tick beside states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from antiphon.model.subject import StateKind, SubjectKey, SubjectKind
from antiphon.store import tables as t
from antiphon.store.dialect import as_json, chunks, upsert, upsert_rows


class Membership(msgspec.Struct, frozen=True):
    """Whether a subject is in a rule's segment, since when (ms), and for the how-many-th time (from 1)."""

    rule_id: int
    subject_kind: SubjectKind
    subject_id: str
    episode: int
    member: bool
    since: int


class ProfileRow(msgspec.Struct, frozen=True):
    """One row of `profiles`; times in ms."""

    kind: StateKind
    id: str
    traits: dict[str, Any]
    company_id: str | None
    first_seen: int
    last_seen: int


def load_identities(conn: Connection) -> dict[SubjectKey, tuple[str, int]]:
    """Every id that means a user: who, and since when (the clock of the link, ms)."""
    rows = conn.execute(select(t.identities))
    return {SubjectKey(row.kind, row.id): (row.user_id, row.linked_at) for row in rows}


def identities_of(conn: Connection, user_id: str) -> dict[SubjectKey, tuple[str, int]]:
    """The links that lead to a user, directly or through other ids."""
    found: dict[SubjectKey, tuple[str, int]] = {}
    wanted = [user_id]
    while wanted:
        rows = conn.execute(select(t.identities).where(t.identities.c.user_id.in_(wanted))).all()
        new = {SubjectKey(row.kind, row.id): (row.user_id, row.linked_at) for row in rows}
        wanted = [key.id for key in new.keys() - found.keys() if key.kind == "user"]
        found.update(new)
    return found


def save_identities(conn: Connection, links: dict[SubjectKey, tuple[str, int]]) -> None:
    """Write links over what was there."""
    upsert(
        conn,
        t.identities,
        [{"kind": k.kind, "id": k.id, "user_id": u, "linked_at": at} for k, (u, at) in links.items()],
    )


def save_profiles(conn: Connection, profiles: Sequence[ProfileRow]) -> None:
    """Write profiles over what was there."""
    columns = (*ProfileRow.__struct_fields__, "search")
    rows = [
        (p.kind, p.id, as_json(p.traits), p.company_id, p.first_seen, p.last_seen, _search_text(p)) for p in profiles
    ]
    upsert_rows(conn, t.profiles, columns, rows)


def drop_profiles(conn: Connection, keys: Iterable[SubjectKey]) -> None:
    """Forget the profiles of ids that turned out to be somebody else."""
    for key in keys:
        conn.execute(delete(t.profiles).where(t.profiles.c.kind == key.kind, t.profiles.c.id == key.id))


def _search_text(profile: ProfileRow) -> str:
    words = [profile.id, *(profile.traits.get(name) for name in ("name", "first_name", "last_name", "email"))]
    return " ".join(w for w in words if isinstance(w, str)).lower()


class Known(msgspec.Struct, frozen=True):
    """What a profile says of whom a subject belongs to."""

    company_id: str | None


def company_and_known(conn: Connection, key: SubjectKey) -> Known | None:
    """A subject's company, as its profile shows it; None when there is no profile."""
    p = t.profiles.c
    row = conn.execute(select(p.company_id).where(p.kind == key.kind, p.id == key.id)).first()
    return None if row is None else Known(row.company_id)


def members_of(conn: Connection, company_id: str) -> list[SubjectKey]:
    """The people whose company this is."""
    p = t.profiles.c
    rows = conn.execute(select(p.kind, p.id).where(p.company_id == company_id, p.kind != "company"))
    return [SubjectKey(row.kind, row.id) for row in rows]


def save_memberships(conn: Connection, rows: Sequence[Membership]) -> None:
    """Write memberships over what was there."""
    upsert_rows(conn, t.memberships, Membership.__struct_fields__, [msgspec.structs.astuple(row) for row in rows])


def memberships_of(conn: Connection, rule_id: int, kind: SubjectKind, ids: Sequence[str]) -> dict[str, Membership]:
    """The memberships that a rule ever gave to these subjects, by subject id."""
    m = t.memberships.c
    found: dict[str, Membership] = {}
    for some in chunks(ids):
        rows = conn.execute(
            select(t.memberships).where(m.rule_id == rule_id, m.subject_kind == kind, m.subject_id.in_(some))
        )
        found.update((row["subject_id"], Membership(**row)) for row in rows.mappings())
    return found


def membership_of(conn: Connection, rule_id: int, key: SubjectKey) -> Membership | None:
    """A subject's membership of a rule, past or present."""
    m = t.memberships.c
    where = m.rule_id == rule_id, m.subject_kind == key.kind, m.subject_id == key.id
    row = conn.execute(select(t.memberships).where(*where)).mappings().first()
    return None if row is None else Membership(**row)


def end_memberships(conn: Connection, rule_ids: Iterable[int], now: int) -> None:
    """Let everybody leave rules that are no longer evaluated; episodes go on counting from where they stopped."""
    for rule_id in rule_ids:
        conn.execute(
            update(t.memberships)
            .where(t.memberships.c.rule_id == rule_id, t.memberships.c.member)
            .values(member=False, since=now)
        )


def end_subject(conn: Connection, key: SubjectKey, now: int) -> None:
    """Let a subject that turned out to be somebody else leave every segment."""
    conn.execute(
        update(t.memberships)
        .where(
            t.memberships.c.subject_kind == key.kind,
            t.memberships.c.subject_id == key.id,
            t.memberships.c.member,
        )
        .values(member=False, since=now)
    )
