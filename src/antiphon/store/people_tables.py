"""Everybody, as columns to join events with: who there is, with which traits, and which ids mean whom."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from antiphon.model.identity import root_of
from antiphon.model.subject import SubjectKey
from antiphon.store.engine import Database

MANY = 50_000
"""From so many profiles on, a copy is kept."""

KEPT_S = 30.0
"""How old (s) the copy may be."""

_TEXT, _NUMBER = pa.string(), pa.int64()
_PROFILES: dict[str, pa.DataType] = {
    "kind": _TEXT,
    "id": _TEXT,
    "traits": _TEXT,
    "company_id": _TEXT,
    "first_seen": _NUMBER,
    "last_seen": _NUMBER,
}
_IDENTITIES: dict[str, pa.DataType] = {"kind": _TEXT, "id": _TEXT, "user_id": _TEXT}


class PeopleTables:
    """Reads everybody; from any thread.

    Reading a million profiles takes a second or two, and a person who writes a rule asks again with each word: of many profiles
    a copy is kept for `KEPT_S`, so that traits may be as old as that; few are read each time.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._lock = threading.Lock()
        self._kept: dict[str, pa.Table] | None = None
        self._read_at = 0.0

    def read(self, conn: Connection) -> dict[str, pa.Table]:
        """The tables `profiles` and `identities`.

        Profiles have kind, id, traits as JSON text, company_id, first_seen and last_seen in ms; identities have kind, id and
        user_id: who it is in the end.
        """
        with self._lock:
            if self._kept is None or time.monotonic() - self._read_at > KEPT_S:
                read_at = time.monotonic()
                found = _read(conn)
                self._kept = found if found["profiles"].num_rows >= MANY else None
                self._read_at = read_at
                return found
            return self._kept


class HeldPeople:
    """Everybody as they were stored when this was made; to be read once, by any thread, or closed."""

    def __init__(self, database: Database) -> None:
        """Hold a snapshot of the state's database."""
        self._held = ExitStack()
        self._conn = self._held.enter_context(database.read())
        self._conn.exec_driver_sql("SELECT id FROM profiles LIMIT 1").fetchall()  # the first look takes the snapshot

    def read(self) -> dict[str, pa.Table]:
        """The tables that `PeopleTables.read` gives; what was held is closed by it."""
        try:
            return _read(self._conn)
        finally:
            self.close()

    def close(self) -> None:
        """Hold it no longer."""
        self._held.close()


def _read(conn: Connection) -> dict[str, pa.Table]:
    traits = "traits" if conn.dialect.name == "sqlite" else "CAST(traits AS text)"
    profiles = _rows(conn, f"SELECT kind, id, {traits}, company_id, first_seen, last_seen FROM profiles")  # noqa: S608
    targets = {
        SubjectKey(kind, id_): user for kind, id_, user in _rows(conn, "SELECT kind, id, user_id FROM identities")
    }
    roots = ((key, root_of(key, targets.get)) for key in targets)
    identities = [(key.kind, key.id, root.id) for key, root in roots if root != key]
    return {"profiles": _table(profiles, _PROFILES), "identities": _table(identities, _IDENTITIES)}


def _rows(conn: Connection, query: str) -> Sequence[Sequence[Any]]:
    """Rows as the driver makes them: a million of SQLAlchemy's take twice as long."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(query)
        return cursor.fetchall()
    finally:
        cursor.close()


def _table(rows: Sequence[Sequence[Any]], columns: dict[str, pa.DataType]) -> pa.Table:
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [pa.array(column, kind) for column, kind in zip(values, columns.values(), strict=True)]
    return pa.table(arrays, names=list(columns))
