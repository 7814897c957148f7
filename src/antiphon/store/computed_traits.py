"""Computed traits as people keep them, and as evaluation reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from antiphon.errors import NotFound
from antiphon.model.subject import SubjectKind
from antiphon.store.revisions import at_revision, name_taken, same_meaning
from antiphon.store.rows import to_struct
from antiphon.store.tables import computed_traits, counters

REFUSED = "computed_trait_refused:"
"""How the counters of refused overrides begin; the trait's kind and name follow."""

# made once: to make a statement takes longer than to run it
_CHANGED = select(
    func.count(), func.coalesce(func.sum(computed_traits.c.revision), 0),
    func.coalesce(func.sum(computed_traits.c.id), 0), func.coalesce(func.max(computed_traits.c.updated_at), 0),
).where(computed_traits.c.removed_at.is_(None))  # fmt: skip


class ComputedTrait(msgspec.Struct, kw_only=True, frozen=True):
    """A row of computed_traits; times in ms since the epoch."""

    id: int
    subject_kind: SubjectKind
    name: str
    description: str
    version: int
    revision: int
    text: str
    formula: dict[str, Any]
    filled_version: int
    removed_at: int | None
    created_at: int
    updated_at: int


def list_computed_traits(conn: Connection) -> list[ComputedTrait]:
    """All computed traits by name; deleted ones are not among them."""
    c = computed_traits.c
    query = select(computed_traits).where(c.removed_at.is_(None)).order_by(c.name, c.subject_kind)
    return [_trait(row) for row in conn.execute(query).mappings()]


def removed_computed_traits(conn: Connection) -> list[ComputedTrait]:
    """Those that were deleted and are still to be taken off the profiles."""
    query = select(computed_traits).where(computed_traits.c.removed_at.is_not(None))
    return [_trait(row) for row in conn.execute(query).mappings()]


def get_computed_trait(conn: Connection, trait_id: int) -> ComputedTrait:
    """One computed trait; NotFound."""
    query = select(computed_traits).where(computed_traits.c.id == trait_id, computed_traits.c.removed_at.is_(None))
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no computed trait {trait_id}.")
    return _trait(row)


def create_computed_trait(
    conn: Connection,
    *,
    subject_kind: SubjectKind,
    name: str,
    description: str,
    text: str,
    formula: dict[str, Any],
    now: int,
) -> ComputedTrait:
    """Add a computed trait at version 1; Conflict when the kind has one of that name."""
    values = {
        "subject_kind": subject_kind,
        "name": name,
        "description": description,
        "version": 1,
        "revision": 1,
        "text": text,
        "formula": formula,
        "filled_version": 0,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with conn.begin_nested():
            key = conn.execute(insert(computed_traits).values(values).returning(computed_traits.c.id)).scalar_one()
    except IntegrityError as error:
        raise name_taken("a computed trait", name) from error
    return get_computed_trait(conn, key)


def save_computed_trait(
    conn: Connection,
    trait_id: int,
    *,
    revision: int,
    description: str,
    text: str,
    formula: dict[str, Any],
    now: int,
) -> ComputedTrait:
    """Overwrite a computed trait read at `revision`; a changed formula starts a new version. Conflict."""
    stored = at_revision(get_computed_trait(conn, trait_id), revision)
    values = {
        "description": description,
        "text": text,
        "formula": formula,
        "version": stored.version + (not same_meaning(stored.formula, formula)),
        "revision": revision + 1,
        "updated_at": now,
    }
    conn.execute(update(computed_traits).where(computed_traits.c.id == trait_id).values(values))
    return get_computed_trait(conn, trait_id)


def remove_computed_trait(conn: Connection, trait_id: int, now: int) -> None:
    """Delete a computed trait: its name is free at once, evaluation takes its values off the profiles."""
    stored = get_computed_trait(conn, trait_id)
    values = {
        "name": f"{stored.name} (deleted, {stored.id})",
        "revision": stored.revision + 1,
        "removed_at": now,
        "updated_at": now,
    }
    conn.execute(update(computed_traits).where(computed_traits.c.id == trait_id).values(values))
    conn.execute(delete(counters).where(counters.c.name == refused_counter(stored.subject_kind, stored.name)))


# -- evaluation ----------------------------------------------------------------------------------------------------


def mark_filled(conn: Connection, trait_id: int, version: int) -> None:
    """Remember that everybody has this version's value."""
    conn.execute(update(computed_traits).where(computed_traits.c.id == trait_id).values(filled_version=version))


def forget_removed(conn: Connection, trait_ids: Sequence[int]) -> None:
    """Drop deleted computed traits that nobody has a value of any more."""
    conn.execute(delete(computed_traits).where(computed_traits.c.id.in_(trait_ids)))


def fingerprint(conn: Connection) -> tuple[int, ...]:
    """Changes whenever a computed trait does; what evaluation itself notes leaves it as it is."""
    row = conn.execute(_CHANGED).one()
    return (row[0], int(row[1]), int(row[2]), row[3])


def refused_counter(kind: SubjectKind, name: str) -> str:
    """The counter of identify and group calls that tried to set a computed trait."""
    return f"{REFUSED}{kind}.{name}"


def refused_counts(conn: Connection) -> dict[str, int]:
    """How often calls tried to set each computed trait, by counter."""
    rows = conn.execute(select(counters.c.name, counters.c.value).where(counters.c.name.startswith(REFUSED)))
    return {row.name: row.value for row in rows}


def _trait(row: RowMapping) -> ComputedTrait:
    return to_struct(row, ComputedTrait)
