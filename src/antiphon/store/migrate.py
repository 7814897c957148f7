"""Bringing the schema up to this version, or saying why not.

One history of migrations in `migrations/versions`; each has a step for the state database and one for the log.
Embedded these are two files, in PostgreSQL one database; either way each part keeps its own version row, and the
upgrade of a database is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from antiphon.errors import ConfigError
from antiphon.store.engine import Database, Store

Part = Literal["log", "state"]

VERSION_TABLES: dict[Part, str] = {"log": "log_schema_version", "state": "schema_version"}
"""The table that holds each part's version, in the order in which the parts are upgraded."""

_UPGRADE_LOCK = 0x616E7469  # any number will do, as long as every version of Antiphon uses the same


class SchemaVersion(msgspec.Struct, frozen=True):
    """Where a schema stands against the one that this version of Antiphon needs.

    `found` is the revision in the database: the one furthest from `wanted` where its parts differ, None when it is
    empty. `wanted` is the newest that this version knows.
    """

    status: Literal["behind", "current", "newer"]
    found: str | None
    wanted: str


def current(store: Store) -> SchemaVersion:
    """Compare the store's schema with ours; changes nothing."""
    found: list[str | None] = []
    for part in VERSION_TABLES:
        with _database(store, part).read() as conn:
            found.append(_revision(conn, part))
    return _compare(found)


def upgrade(store: Store) -> SchemaVersion:
    """Bring the schema up to this version; returns how it was found.

    Several processes may call it at once (threads may not: alembic has globals), and again after one was killed:
    what was upgraded stays, the rest follows. Raises ConfigError when the schema was made by a newer Antiphon.
    """
    before = current(store)
    _refuse_newer(before)
    if before.status == "current":
        return before
    if store.embedded:
        for part in VERSION_TABLES:
            with _database(store, part).write() as conn:
                _upgrade(conn, part)
    else:
        with store.state.write() as conn:
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            for part in VERSION_TABLES:
                _upgrade(conn, part)
    return before


def require_current(store: Store) -> None:
    """Raise ConfigError unless the schema is the one that this version needs."""
    version = current(store)
    _refuse_newer(version)
    if version.status == "behind":
        raise ConfigError(
            f"The database has schema {version.found or 'none'}; this version needs {version.wanted}: "
            "run `antiphon migrate`."
        )


def _database(store: Store, part: Part) -> Database:
    return store.log if part == "log" else store.state


def _upgrade(conn: Connection, part: Part) -> None:
    """Run what is missing in the caller's transaction; another process may have been here since we looked."""
    _refuse_newer(_compare([_revision(conn, part)]))
    config = _config()
    config.attributes.update(connection=conn, part=part)
    command.upgrade(config, "head")


def _revision(conn: Connection, part: Part) -> str | None:
    return MigrationContext.configure(conn, opts={"version_table": VERSION_TABLES[part]}).get_current_revision()


def _compare(found: Iterable[str | None]) -> SchemaVersion:
    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]  # newest first
    wanted = known[0]
    for revision in found:
        if revision is not None and revision not in known:
            return SchemaVersion("newer", revision, wanted)
    for revision in (None, *reversed(known[1:])):
        if revision in found:
            return SchemaVersion("behind", revision, wanted)
    return SchemaVersion("current", wanted, wanted)


def _refuse_newer(version: SchemaVersion) -> None:
    if version.status == "newer":
        raise ConfigError(
            f"The database was made by a newer Antiphon: it has schema {version.found}, this version knows up to "
            f"{version.wanted}. Install the newer version, or restore a backup from before its upgrade."
        )


def _config() -> Config:
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
