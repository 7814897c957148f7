"""The numbers by which the state of subjects knows metrics: never reused, and given anew when a metric is counted anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from antiphon.model.subject import SubjectKind
from antiphon.store.dialect import chunks
from antiphon.store.tables import metric_numbers

Numbers = Mapping[SubjectKind, Mapping[str, int]]
"""By subject kind and metric key."""


def numbers(conn: Connection) -> Numbers:
    """Every number that is in use."""
    found: dict[SubjectKind, dict[str, int]] = {"user": {}, "company": {}}
    _read(found, conn, select(metric_numbers))
    return found


def _read(found: dict[SubjectKind, dict[str, int]], conn: Connection, query: Select[Any]) -> None:
    for name, number in conn.execute(query.with_only_columns(metric_numbers.c.key, metric_numbers.c.number)).all():
        kind, _, key = name.partition(":")
        found["company" if kind == "company" else "user"][key] = number


def give(
    conn: Connection,
    keys: Mapping[SubjectKind, Collection[str]],
    anew: Mapping[SubjectKind, Collection[str]],
    known: Numbers | None = None,
) -> Numbers:
    """Give numbers to those of `keys` that have none, and new ones to those of `anew`: what was kept under the old is lost.

    `known` are all numbers, as this gave them before.
    """
    known = numbers(conn) if known is None else known
    missing: dict[SubjectKind, set[str]] = {
        kind: {*(key for key in some if key not in known[kind]), *anew.get(kind, ())} for kind, some in keys.items()
    }
    names = sorted(f"{kind}:{key}" for kind, some in missing.items() for key in some)
    for some in chunks(names):
        conn.execute(delete(metric_numbers).where(metric_numbers.c.key.in_(some)))
    if names:
        conn.execute(insert(metric_numbers), [{"key": key} for key in names])
    found: dict[SubjectKind, dict[str, int]] = {kind: dict(some) for kind, some in known.items()}
    for some in chunks(names):
        _read(found, conn, select(metric_numbers).where(metric_numbers.c.key.in_(some)))
    return found
