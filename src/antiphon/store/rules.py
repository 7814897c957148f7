"""Rules as people keep them: text, tree, versions, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from antiphon.errors import NotFound
from antiphon.model.subject import SubjectKind
from antiphon.store.paging import After, decode, encode
from antiphon.store.program import RULES_CHANGED
from antiphon.store.revisions import at_revision, name_taken, same_meaning
from antiphon.store.rows import to_struct
from antiphon.store.signals import count_up
from antiphon.store.tables import memberships, profiles, rules

RuleStatus = Literal["draft", "active", "archived"]


class Rule(msgspec.Struct, kw_only=True, frozen=True):
    """A row of rules; times in ms since the epoch."""

    id: int
    name: str
    description: str
    subject_kind: SubjectKind
    status: RuleStatus
    version: int
    revision: int
    text: str
    tree: dict[str, Any]
    filled_version: int
    created_at: int
    updated_at: int


class Member(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody who is in a rule; `traits` are empty for a subject without a profile."""

    id: str
    traits: dict[str, Any]
    episode: int
    since: int


class Members(msgspec.Struct, kw_only=True, frozen=True):
    """A page of members."""

    items: list[Member]
    next_cursor: str | None


def list_rules(conn: Connection, *, archived: bool = False) -> list[Rule]:
    """All rules by name; archived ones only when asked for."""
    query = select(rules).order_by(rules.c.name)
    if not archived:
        query = query.where(rules.c.status != "archived")
    return [_rule(row) for row in conn.execute(query).mappings()]


def get_rule(conn: Connection, rule_id: int) -> Rule:
    """One rule; NotFound."""
    row = conn.execute(select(rules).where(rules.c.id == rule_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no rule {rule_id}.")
    return _rule(row)


def find_rule(conn: Connection, name: str) -> Rule | None:
    """The rule of this name, archived or not; None when there is none."""
    row = conn.execute(select(rules).where(rules.c.name == name)).mappings().one_or_none()
    return None if row is None else _rule(row)


def create_rule(
    conn: Connection,
    *,
    name: str,
    description: str,
    subject_kind: SubjectKind,
    text: str,
    tree: dict[str, Any],
    status: RuleStatus,
    now: int,
) -> Rule:
    """Add a rule at version 1; Conflict when the name is taken."""
    values = {
        "name": name,
        "description": description,
        "subject_kind": subject_kind,
        "status": status,
        "version": 1,
        "revision": 1,
        "text": text,
        "tree": tree,
        "filled_version": 0,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with conn.begin_nested():
            key = conn.execute(insert(rules).values(values).returning(rules.c.id)).scalar_one()
    except IntegrityError as error:
        raise name_taken("a rule", name) from error
    count_up(conn, {RULES_CHANGED: 1})
    return get_rule(conn, key)


def save_rule(
    conn: Connection,
    rule_id: int,
    *,
    revision: int,
    name: str,
    description: str,
    text: str,
    tree: dict[str, Any],
    now: int,
) -> Rule:
    """Overwrite a rule read at `revision`; a changed tree starts a new version."""
    stored = at_revision(get_rule(conn, rule_id), revision)
    changes = {"name": name, "description": description, "text": text, "tree": tree, "updated_at": now}
    version = stored.version + (not same_meaning(stored.tree, tree))
    statement = update(rules).where(rules.c.id == rule_id).values(**changes, version=version, revision=revision + 1)
    try:
        with conn.begin_nested():
            conn.execute(statement)
    except IntegrityError as error:
        raise name_taken("a rule", name) from error
    count_up(conn, {RULES_CHANGED: 1})
    return get_rule(conn, rule_id)


def set_rule_status(
    conn: Connection, rule_id: int, *, revision: int, status: RuleStatus, now: int, greets: bool = False
) -> Rule:
    """Switch a rule read at `revision` on, back to draft, or archive it.

    `greets` says whether those who match already when it is switched on are messaged. What is off keeps no state, so it is
    filled anew when it is switched on again.
    """
    at_revision(get_rule(conn, rule_id), revision)
    changes = {"status": status, "revision": revision + 1, "updated_at": now, "greets": greets}
    if status != "active":
        changes["filled_version"] = 0
    conn.execute(update(rules).where(rules.c.id == rule_id).values(changes))
    count_up(conn, {RULES_CHANGED: 1})
    return get_rule(conn, rule_id)


def delete_rule(conn: Connection, rule_id: int) -> None:
    """Remove a rule and its memberships; who may be deleted is the caller's business."""
    get_rule(conn, rule_id)
    conn.execute(delete(memberships).where(memberships.c.rule_id == rule_id))
    conn.execute(delete(rules).where(rules.c.id == rule_id))
    count_up(conn, {RULES_CHANGED: 1})


def count_members(conn: Connection, rule_ids: Sequence[int]) -> dict[int, int]:
    """How many are in each rule now; rules without members are left out."""
    query = (
        select(memberships.c.rule_id, func.count())
        .where(memberships.c.rule_id.in_(rule_ids), memberships.c.member.is_(True))
        .group_by(memberships.c.rule_id)
    )
    return {rule_id: count for rule_id, count in conn.execute(query)}  # noqa: C416 - rows are no tuples to pyright


def list_members(conn: Connection, rule_id: int, *, limit: int, cursor: str | None) -> Members:
    """Who is in a rule, the newest first."""
    m = memberships
    same = and_(profiles.c.kind == m.c.subject_kind, profiles.c.id == m.c.subject_id)
    query = (
        select(m.c.subject_id, m.c.episode, m.c.since, profiles.c.traits)
        .select_from(m.outerjoin(profiles, same))
        .where(m.c.rule_id == rule_id, m.c.member.is_(True))
        .order_by(m.c.since.desc(), m.c.subject_id.desc())
        .limit(limit + 1)
    )
    after = decode(cursor)
    if after is not None:
        query = query.where(or_(m.c.since < after.key, and_(m.c.since == after.key, m.c.subject_id < after.id)))
    found = [
        Member(id=row.subject_id, traits=row.traits or {}, episode=row.episode, since=row.since)
        for row in conn.execute(query)
    ]
    items = found[:limit]
    more = len(found) > limit
    return Members(items=items, next_cursor=encode(After(items[-1].since, items[-1].id)) if more else None)


def _rule(row: RowMapping) -> Rule:
    return to_struct(row, Rule)
