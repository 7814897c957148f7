"""The schema's history on both databases: it ends at the tables, and survives being stopped anywhere."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import Connection, Inspector, event, inspect, text

from antiphon.errors import ConfigError
from antiphon.store import log_tables, tables
from antiphon.store.engine import Database, Store, StoreSettings, open_store
from antiphon.store.migrate import VERSION_TABLES, SchemaVersion, current, require_current, upgrade


@pytest.fixture
def empty(empty_settings: StoreSettings):
    """A store without any table, on each database."""
    store = open_store(empty_settings)
    yield store
    store.close()


def _databases(store: Store) -> list[Database]:
    return [store.log, store.state] if store.embedded else [store.state]


def _schema(store: Store) -> dict[str, Any]:
    """Everything that the database says of its tables, keyed by table."""
    found: dict[str, Any] = {}
    for database in _databases(store):
        with database.read() as conn:
            inspector = inspect(conn)
            for name in inspector.get_table_names():
                if name not in {*VERSION_TABLES.values(), "sqlite_sequence"}:
                    found[name] = _table(inspector, name)
                    if store.embedded:  # the inspector does not tell whether keys are reused
                        query = text("SELECT sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE name = :name")
                        found[name]["autoincrement"] = conn.execute(query, {"name": name}).scalar_one()
    return found


def _table(inspector: Inspector, name: str) -> dict[str, Any]:
    return {
        "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(name)],
        "key": inspector.get_pk_constraint(name),
        "unique": sorted(inspector.get_unique_constraints(name), key=lambda item: item["name"] or ""),
        "indexes": sorted(map(_comparable, inspector.get_indexes(name)), key=lambda item: item["name"]),
    }


def _comparable(index: Any) -> dict[str, Any]:
    return {**index, "dialect_options": {key: str(value) for key, value in index["dialect_options"].items()}}


def test_migrated_schema_is_the_tables(empty: Store):
    """Migrations and `tables.py` make the same columns, types, defaults, keys and (partial) indexes."""
    upgrade(empty)
    migrated = _schema(empty)
    for database, metadata in [(empty.log, log_tables.log_metadata), (empty.state, tables.metadata)]:
        with database.write() as conn:
            metadata.drop_all(conn)
            metadata.create_all(conn)
    created = _schema(empty)
    assert migrated.keys() == created.keys() == tables.metadata.tables.keys() | log_tables.log_metadata.tables.keys()
    for name, table in created.items():
        assert migrated[name] == table


def test_upgrade_says_what_it_found(empty: Store):
    """An empty store is behind; after an upgrade it is current, and another upgrade changes nothing."""
    wanted = current(empty).wanted
    assert current(empty) == SchemaVersion("behind", None, wanted)
    with pytest.raises(ConfigError, match=f"has schema none; this version needs {wanted}: run `antiphon migrate`"):
        require_current(empty)
    assert upgrade(empty) == SchemaVersion("behind", None, wanted)
    assert current(empty) == upgrade(empty) == SchemaVersion("current", wanted, wanted)
    require_current(empty)


@pytest.mark.parametrize("part", list(VERSION_TABLES))
def test_newer_schema_is_refused(store: Store, part: str):
    """A schema made by a later Antiphon is neither used nor touched, whichever part of it is newer."""
    database = store.log if part == "log" else store.state
    with database.write() as conn:
        conn.execute(text(f"UPDATE {VERSION_TABLES[part]} SET version_num = '9876'"))
    assert current(store).status == "newer"
    for refuse in (upgrade, require_current):
        with pytest.raises(ConfigError, match="made by a newer Antiphon: it has schema 9876"):
            refuse(store)


def test_half_upgraded_store_is_finished(store: Store):
    """When only the log was upgraded (two files, killed in between), the store is behind, and upgrading ends it."""
    with store.state.write() as conn:
        tables.metadata.drop_all(conn)
        conn.execute(text(f"DROP TABLE {VERSION_TABLES['state']}"))
    assert current(store).status == "behind"
    upgrade(store)
    assert current(store).status == "current"


class _Stop(BaseException):
    """Not an Exception: nothing on the way may swallow it."""


def _stop_at(database: Database, number: int) -> list[str]:
    """Raise before the given DDL or write statement of `database`; returns those seen."""
    seen: list[str] = []

    def count(_conn: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().startswith(("CREATE", "INSERT", "ALTER", "UPDATE", "DROP")):
            seen.append(statement)
            if len(seen) == number:
                raise _Stop

    event.listen(database.engine, "before_cursor_execute", count)
    return seen


def test_stopped_at_any_statement(empty_settings: StoreSettings):
    """Stopped before any statement, each database has its old schema or its new one; run again, it is current."""
    number = 0
    while True:
        number += 1
        store = open_store(empty_settings)
        targets = _databases(store)
        seen = [_stop_at(database, number) for database in targets]
        try:
            upgrade(store)
            stopped = False
        except _Stop:
            stopped = True
        store.close()
        if not stopped:
            break
        reopened = open_store(empty_settings)
        names = set(_schema(reopened))
        log = log_tables.log_metadata.tables.keys()
        assert names in (set(), set(log)), f"stopped at {seen}"
        assert current(reopened).status == "behind"
        _drop_everything(reopened)
        reopened.close()
    assert number > len(tables.metadata.tables)


def _drop_everything(store: Store) -> None:
    for database in _databases(store):
        with database.write() as conn:
            for name in inspect(conn).get_table_names():
                if name != "sqlite_sequence":
                    conn.execute(text(f"DROP TABLE {name}"))


KILL_AT = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.migrate import upgrade

store = open_store(StoreSettings(data=Path(sys.argv[1]), database_url=sys.argv[2]))
left = [int(sys.argv[3])]

@event.listens_for(store.state.engine, "before_cursor_execute")
def kill(conn, cursor, statement, *rest):
    if statement.lstrip().startswith(("CREATE", "INSERT")):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

upgrade(store)
"""


def test_killed_by_the_system(empty_settings: StoreSettings):
    """A process killed with SIGKILL in the middle leaves the old schema; the next one brings it up."""
    for number in (1, 8, 30):
        command = [sys.executable, "-c", KILL_AT, str(empty_settings.data), empty_settings.database_url, str(number)]
        assert subprocess.run(command, check=False).returncode == -9
        store = open_store(empty_settings)
        assert not set(_schema(store)) & tables.metadata.tables.keys()
        assert current(store).status == "behind"
        store.close()
    store = open_store(empty_settings)
    upgrade(store)
    require_current(store)
    store.close()


UPGRADE = """
import sys
from pathlib import Path
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.migrate import require_current, upgrade

print("ready", flush=True)
sys.stdin.readline()
store = open_store(StoreSettings(data=Path(sys.argv[1]), database_url=sys.argv[2]))
upgrade(store)
require_current(store)
store.close()
"""


def test_upgraded_by_several_at_once(empty_settings: StoreSettings):
    """Processes that start together on an empty store all find it current when their upgrade returns."""
    command = [sys.executable, "-c", UPGRADE, str(empty_settings.data), empty_settings.database_url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    assert [process.returncode for process in processes] == [0, 0, 0]
