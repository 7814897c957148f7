"""Reads what the product has written, past the product: tables by plain SQL, history by its files."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from deltalake import DeltaTable


class Peek:
    """Read-only looks into one instance's databases and history."""

    def __init__(self, data: Path, database_url: str = "") -> None:
        self._data = data
        self._url = database_url

    def state(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the state database."""
        return self._rows("state.db", sql)

    def log(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the log database."""
        return self._rows("log.db", sql)

    def count(self, sql: str) -> int:
        """The number that a query of the state database gives, 0 for NULL."""
        return int(self.state(sql)[0][0] or 0)

    def head(self) -> int:
        """The offset that the next event will get."""
        rows = self.log("SELECT next_offset FROM log_heads WHERE partition = 0")
        return int(rows[0][0]) if rows else 0

    def cursor(self, name: str) -> int:
        """How far a reader got."""
        rows = self.state(f"SELECT position FROM cursors WHERE name = '{name}'")
        return int(rows[0][0]) if rows else 0

    def pending(self, now: int) -> dict[str, int]:
        """What waits in each queue at `now` (ms); all zero means that everything is done."""
        head = self.head()
        return {
            "log": head - self.cursor("evaluate:0"),
            "history": head - self.cursor("history:0"),
            "signals": self.count(f"SELECT count(*) FROM signals WHERE seq >= {self.cursor('act')}"),
            "emissions": self.count("SELECT count(*) FROM emissions"),
            "enrollments": self.count(
                f"SELECT count(*) FROM enrollments WHERE status = 'active' AND (due_at IS NULL OR due_at <= {now})"
            ),
            "messages": self.count(
                "SELECT count(*) FROM messages WHERE status IN ('queued', 'claimed', 'at_data', 'deferred')"
            ),
        }

    def history(self) -> Counter[str]:
        """How often each event id of a client lies in history."""
        return self._history("source <> 'antiphon'", "event_id")

    def entries(self, rule_id: int) -> Counter[str]:
        """How often history says that each user entered a rule's segment."""
        return self._history(
            f"name = 'segment_entered' AND json_extract(properties, '$.rule_id')::INTEGER = {rule_id}", "user_id"
        )

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with its files; nothing for PostgreSQL."""
        if self._url:
            return []
        found = [row[0] for read in (self.state, self.log) for row in read("PRAGMA integrity_check")]
        return [text for text in found if text != "ok"]

    def _history(self, where: str, column: str) -> Counter[str]:
        files = DeltaTable(self._data / "history" / "events").file_uris()
        if not files:
            return Counter()
        with duckdb.connect() as conn:
            rows = conn.execute(
                f"SELECT {column}, count(*) FROM read_parquet(?, union_by_name = true) WHERE {where} GROUP BY 1",
                [files],
            ).fetchall()
        return Counter(dict(rows))

    def _rows(self, file: str, sql: str) -> list[tuple[Any, ...]]:
        if self._url:
            with psycopg.connect(self._url) as conn:
                return conn.execute(sql).fetchall()  # pyright: ignore[reportArgumentType] - our own texts
        with contextlib.closing(sqlite3.connect(f"file:{self._data / file}?mode=ro", uri=True, timeout=10)) as conn:
            return conn.execute(sql).fetchall()
