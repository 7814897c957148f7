"""What differs between SQLite and PostgreSQL, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Dialect, Integer, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

Id = BigInteger().with_variant(Integer(), "sqlite")
"""An ascending key; SQLite gives one only to INTEGER, and reuses deleted ones unless told `sqlite_autoincrement`."""

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
    return (postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert)(table)


def upsert(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`, or overwrite every column but the primary key where a row is already there."""
    if not rows:
        return
    statement = insert(conn, table)
    keys = [c.name for c in table.primary_key]
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), list(rows))


def insert_new(conn: Connection, table: Table, row: dict[str, Any]) -> Any | None:
    """Insert `row` unless a unique key says it is there; the new primary key, or None."""
    statement: Insert = insert(conn, table).values(row).on_conflict_do_nothing()
    key = next(iter(table.primary_key))
    return conn.execute(statement.returning(key)).scalar_one_or_none()
