"""The numbers by which the state of subjects knows metrics: never reused, and given anew when a metric is counted anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from antiphon.model.subject import SubjectKind
from antiphon.store.tables import metric_numbers

Numbers = Mapping[SubjectKind, Mapping[str, int]]
"""By subject kind and metric key."""


def numbers(conn: Connection) -> Numbers:
    """Every number that is in use."""
    found: dict[SubjectKind, dict[str, int]] = {"user": {}, "company": {}}
    for row in conn.execute(select(metric_numbers)):
        kind, _, key = row.key.partition(":")
        found["company" if kind == "company" else "user"][key] = row.number
    return found


def give(
    conn: Connection, keys: Mapping[SubjectKind, Iterable[str]], anew: Mapping[SubjectKind, Iterable[str]]
) -> Numbers:
    """Give numbers to those of `keys` that have none, and new ones to those of `anew`: what was kept under the old is lost."""
    for kind, some in anew.items():
        for key in some:
            conn.execute(delete(metric_numbers).where(metric_numbers.c.key == f"{kind}:{key}"))
    known = numbers(conn)
    missing = [f"{kind}:{key}" for kind, some in keys.items() for key in sorted(some) if key not in known[kind]]
    if missing:
        conn.execute(insert(metric_numbers), [{"key": key} for key in missing])
    return numbers(conn)
