"""The numbers by which blocks of state know metrics: given once, never reused."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from antiphon.store.tables import metric_numbers


def numbers(conn: Connection) -> dict[str, int]:
    """The number of each metric key that ever had one."""
    return {row.key: row.number for row in conn.execute(select(metric_numbers))}


def add(conn: Connection, keys: Iterable[str]) -> dict[str, int]:
    """The same, after giving numbers to those of `keys` that have none."""
    found = numbers(conn)
    missing = [key for key in keys if key not in found]
    if missing:
        conn.execute(insert(metric_numbers), [{"key": key} for key in missing])
        found = numbers(conn)
    return found
