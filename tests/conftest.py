"""Fixtures that every test may use: a migrated store on both databases, PostgreSQL, a clock, ports."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.store.engine import Store, StoreSettings, open_store
from antiphon.store.migrate import upgrade
from factories import ManualClock
from postgres_server import PostgresServer, free_port

_TEMPLATE = "antiphon_template"
_numbers = itertools.count(1)

LONGEST = ("faults/", "contract/test_history_engines", "property/", "e2e/")
"""What takes longest begins first, so that no worker is left alone with it at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files by how long they take; within a file nothing changes."""

    def place(item: pytest.Item) -> int:
        return next((n for n, part in enumerate(LONGEST) if f"tests/{part}" in item.nodeid), len(LONGEST))

    items.sort(key=place)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only the test moves."""
    return ManualClock()


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    """Gives TCP ports on loopback that nobody listens on."""
    return free_port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL, one for each test process."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database that others are copied from."""
    with postgres_server.connect() as admin:
        admin.execute(f"CREATE DATABASE {_TEMPLATE}")
    settings = StoreSettings(data=tmp_path_factory.mktemp("template"), database_url=postgres_server.url(_TEMPLATE))
    store = open_store(settings)
    upgrade(store)
    store.close()
    return _TEMPLATE


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with migrated databases that others are copied from."""
    folder = tmp_path_factory.mktemp("template")
    store = open_store(StoreSettings(data=folder))
    upgrade(store)
    store.close()
    return folder


@pytest.fixture
def empty_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    yield from _database(postgres_server, "template0")


@pytest.fixture
def migrated_postgres(postgres_server: PostgresServer, _postgres_template: str) -> Iterator[str]:
    """The URL of a fresh database with the newest schema, dropped afterwards."""
    yield from _database(postgres_server, _postgres_template)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> str:
    """Runs a test once on each database."""
    return str(request.param)


@pytest.fixture
def empty_settings(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> StoreSettings:
    """Settings of a store without any table, on each database."""
    url = request.getfixturevalue("empty_postgres") if dialect == "postgres" else ""
    return StoreSettings(data=tmp_path / "data", database_url=url)


@pytest.fixture
def store_settings(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> StoreSettings:
    """Settings of a fresh migrated store, on each database; for tests that start processes."""
    data = tmp_path / "data"
    if dialect == "postgres":
        return StoreSettings(data=data, database_url=request.getfixturevalue("migrated_postgres"))
    shutil.copytree(request.getfixturevalue("_sqlite_template"), data)
    return StoreSettings(data=data)


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[Store]:
    """A fresh migrated store, on each database."""
    opened = open_store(store_settings)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(_sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """A fresh migrated store in files, for what does not depend on the database."""
    shutil.copytree(_sqlite_template, tmp_path / "data")
    opened = open_store(StoreSettings(data=tmp_path / "data"))
    yield opened
    opened.close()


def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    with server.connect() as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
