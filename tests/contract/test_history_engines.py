"""Rules over history say the same on PostgreSQL as on DuckDB: the same expression, over the same random worlds."""

from __future__ import annotations

import ibis
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.rules.engines import POSTGRES
from antiphon.rules.history import members
from antiphon.rules.history_rows import history_tables
from factories import NOW
from rules_world import ZONES, World, plain_rules, worlds

TYPES = {
    "string": 'text COLLATE "C"',
    "double": "double precision",
    "int64": "bigint",
    "int32": "integer",
    "bool": "boolean",
}


def create(conn: psycopg.Connection, world: World) -> None:
    """The world's tables, temporary."""
    for name, table in world.tables().items():
        columns = ", ".join(f'"{field.name}" {TYPES.get(str(field.type), "timestamptz")}' for field in table.schema)
        conn.execute(f'DROP TABLE IF EXISTS "{name}"')
        conn.execute(f'CREATE TEMP TABLE "{name}" ({columns})')
        with conn.cursor() as cursor:
            marks = ", ".join(["%s"] * table.num_columns)
            cursor.executemany(
                f'INSERT INTO "{name}" VALUES ({marks})', [tuple(row.values()) for row in table.to_pylist()]
            )


def test_postgresql_agrees_with_duckdb(empty_postgres: str) -> None:
    """For every subject, the truth of a rule; a few random worlds, as each costs tables."""
    with psycopg.connect(empty_postgres, autocommit=True) as conn:
        conn.execute("SET TimeZone = 'UTC'")
        for statement in POSTGRES:
            conn.execute(statement)

        @settings(
            max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
        )
        @given(worlds, st.sampled_from(["user", "company"]), plain_rules, st.sampled_from(ZONES))
        def agree(drawn, kind, rule, zone):
            world = World(drawn)
            create(conn, world)
            bare = history_tables()
            found = members(rule, kind, bare.events, bare.profiles, bare.identities, now=NOW, time_zone=zone)
            query = str(ibis.to_sql(found.rows.select("subject_id", "matched"), dialect="postgres"))
            rows = dict(conn.execute(query.replace("%", "%%"), ()).fetchall())
            assert rows == world.history(rule, kind, NOW, zone, {})

        agree()
