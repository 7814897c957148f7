"""What differs between SQLite and PostgreSQL, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, Connection, Dialect, Integer, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite

Key = TypeVar("Key")

Id = BigInteger().with_variant(Integer(), "sqlite")
"""An ascending key; SQLite gives one only to INTEGER, and reuses deleted ones unless told `sqlite_autoincrement`."""

INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
"""By dialect, its own INSERT, for statements that are made once and kept; others use `insert`."""

_CHUNK = 500

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class Json(TypeDecorator[Any]):
    """JSON as text in both databases; msgspec encodes and decodes, numbers and key order survive."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Encode; None stays NULL."""
        del dialect
        return None if value is None else _encoder.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decode; NULL stays None."""
        del dialect
        return None if value is None else _decoder.decode(value)


def insert(conn: Connection, table: Table) -> Any:
    """The dialect's own INSERT, which knows ON CONFLICT (the same words in both)."""
    return INSERTS[conn.dialect.name](table)


def upsert(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`, or overwrite every column but the primary key where a row is already there."""
    if not rows:
        return
    conn.execute(_upsertion(conn.dialect.name, table, tuple(rows[0])), list(rows))


@lru_cache(maxsize=64)
def _upsertion(dialect: str, table: Table, columns: tuple[str, ...]) -> Any:
    """The statement, made once: to make it takes longer than to run it."""
    statement = INSERTS[dialect](table)
    keys = [c.name for c in table.primary_key]
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Keys a few hundred at a time, as one statement can name them: well below SQLite's limit of bound values."""
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


def as_json(value: Any) -> str:
    """A value as `Json` columns hold it, for `insert_rows` and `upsert_rows`."""
    return _encoder.encode(value).decode()


def insert_rows(conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows of values as the driver takes them: a fifth of the time, since nothing is looked at on the way."""
    if rows:
        _for_each(conn, _insertion(conn, table, columns), rows)


def upsert_rows(conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """The same, overwriting `columns` where a row is already there."""
    if not rows:
        return
    keys = [c.name for c in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    statement = f"{_insertion(conn, table, columns)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
    _for_each(conn, statement, rows)


def insert_new_rows(conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """The same, but for rows that a unique key says are there already."""
    if rows:
        _for_each(conn, f"{_insertion(conn, table, columns)} ON CONFLICT DO NOTHING", rows)


def update_rows(conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Set columns of many rows: each is the new values, then the primary key's values."""
    if rows:
        mark = _mark(conn)
        changes = ", ".join(f"{name} = {mark}" for name in columns)
        where = " AND ".join(f"{key.name} = {mark}" for key in table.primary_key)
        statement = f"UPDATE {table.name} SET {changes} WHERE {where}"  # noqa: S608 - our own names
        _for_each(conn, statement, rows)


def delete_ranges(conn: Connection, table: Table, column: str, ranges: Sequence[tuple[Any, Any]]) -> None:
    """Delete the rows in which a column is in one of many ranges: from, and up to."""
    if ranges:
        mark = _mark(conn)
        _for_each(conn, f"DELETE FROM {table.name} WHERE {column} >= {mark} AND {column} < {mark}", ranges)  # noqa: S608


def _for_each(conn: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement for many rows at once; the driver tells many from one by their being a list."""
    conn.exec_driver_sql(statement, rows if isinstance(rows, list) else list(rows))


def _mark(conn: Connection) -> str:
    return "%s" if conn.dialect.name == "postgresql" else "?"


def _insertion(conn: Connection, table: Table, columns: Sequence[str]) -> str:
    marks = ", ".join(_mark(conn) for _ in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names


def insert_new(conn: Connection, table: Table, row: dict[str, Any]) -> Any | None:
    """Insert `row` unless a unique key says it is there; the new primary key, or None."""
    return conn.execute(_insertion_of_new(conn.dialect.name, table), row).scalar_one_or_none()


@lru_cache(maxsize=64)
def _insertion_of_new(dialect: str, table: Table) -> Any:
    """The statement, made once: to make it takes longer than to run it. Its columns are those of the row."""
    statement = INSERTS[dialect](table)
    return statement.on_conflict_do_nothing().returning(next(iter(table.primary_key)))
