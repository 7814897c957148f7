"""Opening the two databases and the transactions on them.

Embedded, the state lives in `state.db` and the log in `log.db` of the data folder; with a PostgreSQL URL both live
in that database. Every write transaction is durable when `write()` returns (`synchronous=FULL`,
`synchronous_commit=on`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from antiphon.store.turns import Turns

BUSY_TIMEOUT_S = 10.0
_BUSY_PAUSE_S = 0.01


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is kept.

    `data` is the folder of the embedded stores and of history. `database_url` (a `postgresql://` URL) moves state
    and log into PostgreSQL; empty keeps them in the folder. `history_url` moves history to object storage.
    """

    data: Path = Path("data")
    database_url: str = ""
    history_url: str = ""


class Database:
    """One database with a serialised writer.

    SQLite takes one writer at a time and makes others poll; in front of it threads of this process take turns,
    without polling and in the order of asking; other processes wait at most `BUSY_TIMEOUT_S`.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        """Wrap `engine`; `url` is the libpq URL for those who LISTEN, empty for SQLite."""
        self.engine = engine
        self.url = url
        self.embedded = engine.dialect.name == "sqlite"
        self._turns = Turns()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection that sees one snapshot."""
        with self.engine.connect() as conn:
            if self.embedded:
                conn.exec_driver_sql("BEGIN")
            else:  # what the next BEGIN says; costs no round trip
                conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield conn

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A write transaction: committed and on disk when the block ends, rolled back when it raises."""
        if self.embedded:
            with self._turns, self.engine.connect() as conn:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
                yield conn
                conn.commit()
        else:
            with self.engine.begin() as conn:
                yield conn

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class Store(msgspec.Struct, frozen=True):
    """The state database, the log database (the same one in PostgreSQL) and the folder."""

    state: Database
    log: Database
    settings: StoreSettings

    @property
    def embedded(self) -> bool:
        """Whether the stores are files of this machine."""
        return self.state.embedded

    def close(self) -> None:
        """Close every connection."""
        self.state.dispose()
        self.log.dispose()


def open_store(settings: StoreSettings, *, durable: bool = True) -> Store:
    """Open (and for SQLite create) the databases; the schema is `migrate`'s business.

    A store of files that nobody needs after a crash (a backtest's) may be opened without `durable`: nothing is synced.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    if settings.database_url:
        url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        database = _postgres(url, plain)
        return Store(database, database, settings)
    synchronous = "FULL" if durable else "OFF"
    state, log = (_sqlite(settings.data / name, synchronous) for name in ("state.db", "log.db"))
    return Store(state, log, settings)


def _postgres(url: URL, plain: str) -> Database:
    engine = create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: psycopg.Connection, _record: object) -> None:  # pyright: ignore[reportUnusedFunction]
        # A server or role may have turned durability off; anything stronger than `on` is left as it is.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        connection.commit()

    return Database(engine, plain)


def _sqlite(path: Path, synchronous: str) -> Database:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = None  # we say BEGIN ourselves
        _write_ahead(connection)
        for pragma in (
            f"synchronous={synchronous}",
            "cache_size=-65536",
            "temp_store=MEMORY",
            "wal_autocheckpoint=16384",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return Database(engine, "")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have the file keep a write-ahead log; it remembers that.

    While another process does the same to a new file, or writes its first rows, SQLite refuses at once instead of
    waiting for its timeout (it cannot rule out that the two wait for each other), so we wait here.
    """
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            kind = error.sqlite_errorcode & 0xFF  # of which there are finer ones: busy with recovery, and so on
            if kind != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return
