"""History: every accepted event, once, in a Delta Lake table that any engine can read; what is not yet there, from the log."""

from __future__ import annotations

import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb
import msgspec
import pyarrow as pa
from deltalake import DeltaTable

from antiphon.model.event import Event
from antiphon.store import log, log_duplicates
from antiphon.store.engine import Connection, Store
from antiphon.store.history_packed import packed_table
from antiphon.store.history_schema import COLUMNS, SCHEMA, to_events
from antiphon.store.history_table import APP_ID, location
from antiphon.store.people_tables import HeldPeople, PeopleTables
from antiphon.store.signals import cursor

EVALUATE_CURSOR = "evaluate:0"
_EVENT_COLUMNS = ", ".join(COLUMNS[:16])  # those that make up an event again
_READ = 50_000
_FIRST_WINDOW = 20_000  # offsets looked at first for the newest events; each further look goes 16 times as far back


class StoredEvent(msgspec.Struct, frozen=True):
    """An event and its place in the log."""

    offset: int
    event: Event


class HistoryReader:
    """Reads the table together with what the log holds beyond it; from any thread, in any process."""

    def __init__(self, store: Store) -> None:
        """Nothing is opened yet; the table may not exist yet either."""
        self._store = store
        self._where = location(store)
        self._lock = threading.Lock()
        self._table: DeltaTable | None = None
        self._people = PeopleTables()
        self._db: duckdb.DuckDBPyConnection | None = None

    def _snapshot(self) -> tuple[list[str], int]:
        """The table's files now, and the log offset up to which they go."""
        with self._lock:
            if self._table is None:
                if not DeltaTable.is_deltatable(self._where):
                    return [], 0
                self._table = DeltaTable(self._where)
            self._table.update_incremental()
            return self._table.file_uris(), self._table.transaction_version(APP_ID) or 0

    def _connection(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to one engine, which remembers the footers of the files that it has read."""
        with self._lock:
            if self._db is None:
                self._db = duckdb.connect()
                self._db.execute("SET GLOBAL parquet_metadata_cache = true")
            return self._db.cursor()

    @contextmanager
    def connect(
        self, *, before: int | None = None, people: bool | Mapping[str, pa.Table] = False
    ) -> Generator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with the view `events` (see `history_schema.SCHEMA`): history and the log's tail.

        Only events that evaluation has seen are there, duplicates left out; `before` (a log offset) cuts it short.
        With `people` there are also the tables `profiles` (kind, id, traits as JSON text, company_id, first_seen and
        last_seen in ms) and `identities` (kind, id, user_id: who it is in the end); see `people_tables` for their age.
        They may also be given.
        """
        with self._store.state.read() as conn:
            limit = cursor(conn, EVALUATE_CURSOR) if before is None else before
            files, position = self._snapshot() if limit else ([], 0)
            tail = self._tail(conn, position, limit)
            given = people if isinstance(people, Mapping) else self._people.read(conn) if people else {}
            registered = {"tail": tail, **given}
        with self._connection() as db:
            db.execute("SET TimeZone = 'UTC'")
            for name, table in registered.items():
                db.register(name, table)
            source = "SELECT * FROM tail"
            if files:
                listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
                columns = ", ".join(COLUMNS)
                source = (
                    f"SELECT {columns} FROM read_parquet([{listed}]) WHERE log_offset < {limit:d} UNION ALL {source}"  # noqa: S608 - our own names
                )
            db.execute(f"CREATE TEMP VIEW events AS {source}")
            yield db

    def hold_people(self) -> HeldPeople:
        """Everybody as they are stored now, for `connect` later."""
        return HeldPeople(self._store.state)

    def _tail(self, conn: Connection, position: int, limit: int) -> pa.Table:
        """What lies in the log from `position` on, before `limit`."""
        parts = [SCHEMA.empty_table()]
        with self._store.log.read() as log_conn:
            while position < limit:
                rows, reached = read_unique(conn, log_conn, position, min(limit, position + _READ))
                if reached == position:
                    break
                parts.append(rows)
                position = reached
        return pa.concat_tables(parts)

    def past(self, before: int, names: Collection[str] | None = None, regexes: Collection[str] = ()) -> Iterator[Event]:
        """Every unique event before a log offset, in no particular order.

        With `names`, only events so named, and those in whose name one of the RE2 expressions `regexes` is found.
        """
        where, values = "true", list[object]()
        if names is not None:
            where = " OR ".join(
                ["list_contains(?, name)" if names else "false", *["regexp_matches(name, ?)"] * len(regexes)]
            )
            values = [sorted(names)] * bool(names) + list(regexes)
        with self.connect(before=before) as db:
            rows = db.sql(f"SELECT {_EVENT_COLUMNS} FROM events WHERE {where}", params=values)  # noqa: S608 - our own names
            for _, event in to_events(rows.to_arrow_reader(_READ)):
                yield event

    def newest(
        self,
        *,
        limit: int,
        before_offset: int | None = None,
        name: str | None = None,
        user_id: str | None = None,
        search: str | None = None,
    ) -> list[StoredEvent]:
        """The newest events that the filters take, newest first; `search` looks into names, ids and properties."""
        where, values = ["true"], list[object]()
        for condition, value in (
            ("name = ?", name),
            ("(user_id = ? OR anonymous_id = ?)", user_id),
            (
                "contains(lower(concat_ws(' ', name, user_id, anonymous_id, company_id, properties)), ?)",
                search and search.lower(),
            ),
        ):
            if value is not None:
                where.append(condition)
                values += [value] * condition.count("?")
        return self._select(where, values, limit, before_offset)

    def of_ids(
        self,
        *,
        user_ids: Iterable[str] = (),
        anonymous_ids: Iterable[str] = (),
        company_id: str | None = None,
        limit: int,
        before_offset: int | None = None,
    ) -> list[StoredEvent]:
        """The newest events of these people, newest first; with a company, its own and those of theirs that name none."""
        condition, values = _ids_condition(list(user_ids), list(anonymous_ids), company_id)
        return self._select([condition], values, limit, before_offset)

    def of_ids_since(
        self,
        offset: int,
        *,
        user_ids: Iterable[str] = (),
        anonymous_ids: Iterable[str] = (),
        company_id: str | None = None,
    ) -> list[StoredEvent]:
        """All events of these people from a log offset on, see `of_ids`."""
        condition, values = _ids_condition(list(user_ids), list(anonymous_ids), company_id)
        query = f"SELECT {_EVENT_COLUMNS} FROM events WHERE log_offset >= ? AND {condition}"  # noqa: S608 - our own names
        with self.connect() as db:
            rows = db.sql(query, params=[offset, *values])
            return [StoredEvent(*pair) for pair in to_events(rows.to_arrow_reader(_READ))]

    def count_ids(
        self, *, user_ids: Iterable[str] = (), anonymous_ids: Iterable[str] = (), company_id: str | None = None
    ) -> int:
        """How many events `of_ids` would find in all."""
        condition, values = _ids_condition(list(user_ids), list(anonymous_ids), company_id)
        with self.connect() as db:
            row = db.execute(f"SELECT count(*) FROM events WHERE {condition}", values).fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def _select(
        self, where: list[str], values: list[object], limit: int, before_offset: int | None
    ) -> list[StoredEvent]:
        """The newest rows that `where` takes; looks further and further back, as files say which offsets they hold."""
        query = (
            f"SELECT {_EVENT_COLUMNS} FROM events WHERE log_offset >= ? AND log_offset < ? AND {' AND '.join(where)}"  # noqa: S608
            f" ORDER BY log_offset DESC LIMIT ?"
        )
        found: list[StoredEvent] = []
        with self.connect() as db:
            ((end,),) = db.sql("SELECT coalesce(max(log_offset) + 1, 0) FROM events").fetchall()
            end = end if before_offset is None else min(end, before_offset)
            window = _FIRST_WINDOW
            while end > 0 and len(found) < limit:
                start = max(0, end - window)
                rows = db.sql(query, params=[start, end, *values, limit - len(found)])
                found += [StoredEvent(*pair) for pair in to_events(rows.to_arrow_reader(_READ))]
                end, window = start, window * 16
        return found


def read_unique(conn: Connection, log_conn: Connection, start: int, end: int) -> tuple[pa.Table, int]:
    """The rows of the events in [start, end) without duplicates, and the offset read up to."""
    segments = log.read_raw(log_conn, start, end - start)
    if not segments:
        return SCHEMA.empty_table(), start
    reached = min(segments[-1].first_offset + segments[-1].count, end)
    return packed_table(segments, start, reached, log_duplicates.between(conn, start, reached)), reached


def _ids_condition(user_ids: list[str], anonymous_ids: list[str], company_id: str | None) -> tuple[str, list[object]]:
    """A condition for the events of these people, or, with a company, its own and those of theirs that name none."""
    conditions: list[str] = []
    values: list[object] = []
    for condition, ids in (("user_id IN ({})", user_ids), ("user_id IS NULL AND anonymous_id IN ({})", anonymous_ids)):
        if ids:
            conditions.append(f"({condition.format(', '.join('?' * len(ids)))})")
            values += ids
    people = " OR ".join(conditions) or "false"
    if company_id is None:
        return f"({people})", values
    return f"(company_id = ? OR (company_id IS NULL AND ({people})))", [company_id, *values]
