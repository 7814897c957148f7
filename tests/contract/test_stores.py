"""One suite that both databases pass: what the rest of the house takes for granted about them."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError

from antiphon.store import engine, log_tables, tables
from antiphon.store.dialect import Id, insert_new, upsert
from antiphon.store.engine import Store, StoreSettings, open_store


def _cursor(store: Store, name: str) -> int | None:
    with store.state.read() as conn:
        return conn.execute(select(tables.cursors.c.position).where(tables.cursors.c.name == name)).scalar_one_or_none()


def _set_cursor(store: Store, name: str, position: int) -> None:
    with store.state.write() as conn:
        upsert(conn, tables.cursors, [{"name": name, "position": position}])


def test_write_commits_when_the_block_ends(store: Store):
    """What was written is there for a new connection."""
    _set_cursor(store, "act", 7)
    assert _cursor(store, "act") == 7


def test_write_is_rolled_back_as_a_whole(store: Store):
    """An exception takes back every statement of the block, and the next write works."""
    with pytest.raises(RuntimeError, match="stop"), store.state.write() as conn:
        conn.execute(insert(tables.cursors).values(name="act", position=1))
        conn.execute(insert(tables.emissions).values(payload=b"x"))
        raise RuntimeError("stop")
    assert _cursor(store, "act") is None
    _set_cursor(store, "act", 2)
    assert _cursor(store, "act") == 2


def test_failed_statement_takes_back_its_transaction(store: Store):
    """A broken unique key leaves nothing of what was written before it."""
    with pytest.raises(IntegrityError), store.state.write() as conn:
        conn.execute(insert(tables.cursors).values(name="act", position=1))
        conn.execute(insert(tables.cursors).values(name="act", position=2))
    assert _cursor(store, "act") is None


def test_read_sees_one_snapshot(store: Store):
    """A commit during a read is not seen by it, neither in the table read before nor in another one."""
    with store.state.read() as conn:
        before = conn.execute(select(func.count()).select_from(tables.cursors)).scalar_one()
        with store.state.write() as other:
            other.execute(insert(tables.cursors).values(name="act", position=1))
            other.execute(insert(tables.emissions).values(payload=b"x"))
        assert conn.execute(select(func.count()).select_from(tables.cursors)).scalar_one() == before == 0
        assert conn.execute(select(func.count()).select_from(tables.emissions)).scalar_one() == 0
    assert _cursor(store, "act") == 1


def test_read_does_not_wait_for_a_writer(store: Store):
    """While a write transaction is open, others read what was committed before."""
    _set_cursor(store, "act", 1)
    with store.state.write() as conn:
        upsert(conn, tables.cursors, [{"name": "act", "position": 2}])
        assert _cursor(store, "act") == 1
    assert _cursor(store, "act") == 2


def test_upsert_inserts_and_overwrites(store: Store):
    """New keys are inserted, known ones overwritten in every given column, others left alone."""
    key = {"kind": "user", "id": "u1"}
    first = {**key, "traits": {"plan": "free"}, "search": "u1", "company_id": "c1", "first_seen": 1, "last_seen": 1}
    with store.state.write() as conn:
        upsert(conn, tables.profiles, [first])
        upsert(conn, tables.profiles, [{**first, "traits": {"plan": "pro"}, "last_seen": 2}, {**first, "id": "u2"}])
        upsert(conn, tables.profiles, [])
    with store.state.read() as conn:
        rows = conn.execute(select(tables.profiles).order_by(tables.profiles.c.id)).all()
    assert [(row.id, row.traits, row.last_seen, row.company_id) for row in rows] == [
        ("u1", {"plan": "pro"}, 2, "c1"),
        ("u2", {"plan": "free"}, 1, "c1"),
    ]


def test_insert_new_gives_the_key_once(store: Store):
    """The first insert gives the new key; one that any unique key refuses gives None and changes nothing."""
    row = {
        "workflow_id": 1, "version": 1, "user_id": "u1", "trigger_key": "1:1", "status": "active", "visit": 0,
        "context": {}, "created_at": 1,
    }  # fmt: skip
    with store.state.write() as conn:
        key = insert_new(conn, tables.enrollments, row)
        assert isinstance(key, int)
        assert insert_new(conn, tables.enrollments, {**row, "status": "failed"}) is None
        assert insert_new(conn, tables.enrollments, {**row, "trigger_key": "1:2"}) > key
        assert conn.execute(select(tables.enrollments.c.status)).scalars().all() == ["active", "active"]


def test_keys_are_never_given_twice(store: Store):
    """A key stays used when its row is gone: a cursor past it must not miss the next row."""
    with store.state.write() as conn:
        first = conn.execute(insert(tables.emissions).values(payload=b"x")).inserted_primary_key[0]
        conn.execute(delete(tables.emissions))
    with store.state.write() as conn:
        assert conn.execute(insert(tables.emissions).values(payload=b"y")).inserted_primary_key[0] > first
    ascending = [table for table in tables.metadata.tables.values() for column in table.c if column.type is Id]
    assert tables.signals in ascending
    assert all(table.dialect_options["sqlite"]["autoincrement"] for table in ascending)


@pytest.mark.parametrize(
    "value",
    [
        {"b": 1, "a": [1, 2.5, True, None, "é\u2028"], "big": 2**63 - 1},
        {"exact": 0.1, "tiny": 5e-324, "nested": {"deep": [{}]}},
        [],
        "text",
        0,
    ],
)
def test_json_survives(store: Store, value: object):
    """JSON comes back as it went in: numbers exact, keys in their order."""
    with store.state.write() as conn:
        upsert(conn, tables.settings, [{"key": "k", "value": value}])
    with store.state.read() as conn:
        found = conn.execute(select(tables.settings.c.value)).scalar_one()
    assert found == value
    assert msgspec.json.encode(found) == msgspec.json.encode(value)


def test_large_numbers_and_blobs_survive(store: Store):
    """64-bit integers and any bytes come back."""
    payload = bytes(range(256)) * 1000
    with store.log.write() as conn:
        conn.execute(
            insert(log_tables.log_segments).values(
                partition=0, first_offset=2**62, count=1, codec="raw", payload=payload, committed_at=2**62
            )
        )
    with store.log.read() as conn:
        row = conn.execute(select(log_tables.log_segments)).one()
    assert (row.first_offset, row.committed_at, row.payload) == (2**62, 2**62, payload)


def test_threads_take_turns(store: Store):
    """Read-then-write by many threads loses no update (the writer's turn begins before its read)."""
    _set_cursor(store, "act", 0)

    def add() -> None:
        for _ in range(10):
            with store.state.write() as conn:
                query = select(tables.cursors.c.position).with_for_update()
                position = conn.execute(query).scalar_one()
                conn.execute(update(tables.cursors).values(position=position + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _cursor(store, "act") == 40


ADD_FROM_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from sqlalchemy import select, update
from antiphon.store import engine, tables
from antiphon.store.engine import StoreSettings, open_store

store = open_store(StoreSettings(data=Path(sys.argv[1]), database_url=sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    with store.state.write() as conn:
        position = conn.execute(select(tables.cursors.c.position).with_for_update()).scalar_one()
        conn.execute(update(tables.cursors).values(position=position + 1))
store.close()
"""


def test_processes_take_turns(store: Store, store_settings: StoreSettings):
    """Two processes that write at the same time lose no update and see no 'database is locked'."""
    _set_cursor(store, "act", 0)
    command = [sys.executable, "-c", ADD_FROM_ANOTHER_PROCESS, str(store_settings.data), store_settings.database_url]
    writers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    answers = [writer.communicate("go\n") for writer in writers if writer.stdin]
    assert [(writer.returncode, answer[1]) for writer, answer in zip(writers, answers, strict=True)] == [(0, "")] * 2
    assert _cursor(store, "act") == 100


def test_killed_writer_leaves_nothing_of_its_transaction(store: Store, store_settings: StoreSettings):
    """A process killed inside its block leaves what was committed before, and the next writer goes on."""
    program = ADD_FROM_ANOTHER_PROCESS.replace("for _ in range(50):", "for _ in range(1):").replace(
        "position + 1))", "position + 1))\n        print('written', flush=True); sys.stdin.readline()"
    )
    _set_cursor(store, "act", 5)
    command = [sys.executable, "-c", program, str(store_settings.data), store_settings.database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
        assert [writer.stdout.readline(), writer.stdout.readline()] == ["ready\n", "written\n"]
        writer.kill()
        writer.wait()
    assert _cursor(store, "act") == 5
    _set_cursor(store, "act", 6)
    assert _cursor(store, "act") == 6


def test_sqlite_commits_are_durable(sqlite_store: Store):
    """Every connection has a write-ahead log and syncs it at each commit."""
    for database in (sqlite_store.state, sqlite_store.log):
        with database.read() as one, database.read() as two:
            for conn in (one, two):
                assert conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
                assert conn.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path):
    """SQLite itself refuses the change to a write-ahead log at once while somebody writes to a new file."""
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    store = open_store(StoreSettings(data=tmp_path))
    end = threading.Timer(0.2, other.rollback)
    end.start()
    with store.state.read() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    end.join()
    other.close()
    store.close()


def test_a_new_file_that_stays_locked_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Not waited for without end."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.1)
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = open_store(StoreSettings(data=tmp_path))
        with pytest.raises(OperationalError, match="database is locked"), store.state.read():
            pass
        store.close()


@pytest.mark.postgres
def test_postgres_commits_are_durable(migrated_postgres: str, tmp_path: Path):
    """Where the database's default gives durability up, our sessions take it back; stronger is left alone."""
    for default, ours in [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")]:
        store = open_store(StoreSettings(data=tmp_path, database_url=migrated_postgres))
        name = migrated_postgres.rsplit("/", 1)[1]
        with store.state.write() as conn:
            conn.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = '{default}'")
        store.close()
        reopened = open_store(StoreSettings(data=tmp_path, database_url=migrated_postgres))
        with reopened.state.write() as conn:
            assert conn.exec_driver_sql("SHOW synchronous_commit").scalar_one() == ours
            assert conn.exec_driver_sql("SHOW fsync").scalar_one() == "on"
        reopened.close()


def test_read_never_changes_anything(store: Store):
    """PostgreSQL refuses a write in a read; SQLite takes it back, for nothing commits it."""
    refused = contextlib.nullcontext() if store.embedded else pytest.raises(InternalError, match="read-only")
    with refused, store.state.read() as conn:
        conn.execute(insert(tables.cursors).values(name="act", position=1))
    assert _cursor(store, "act") is None
