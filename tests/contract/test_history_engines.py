"""Rules over history say the same on PostgreSQL and Spark as on DuckDB: the same expression, over the same random world."""

from __future__ import annotations

import os
import random
from pathlib import Path

import psycopg
import pytest
from pyarrow import parquet

from antiphon.model.clock import DAY, MINUTE
from antiphon.rules.engines import POSTGRES, SPARK, SPARK_SETTINGS, postgres_sql, spark_sql
from antiphon.rules.history import members
from antiphon.rules.history_rows import history_tables
from antiphon.rules.text import parse
from factories import NOW
from rules_world import World, event_of

FORMS = (
    "count of api_call where status = 400 in the last 24 hours >= 1",
    'count of api_call where plan contains "pro" ever >= 2',
    "count of api_call where status missing in the last 30 days = 0",
    "count of api_call this month >= 50% of limit",
    "sum of amount of api_call in the last 30 days > 5",
    "avg of amount of api_call ever >= 2",
    "max of amount of api_call this week > 2",
    "ratio of api_call where status matches 4* to api_call in the last 30 days > 40%",
    "days active of api_call in the last 30 days >= 3",
    "count of api_call in the last 7 days = 0",
    "time since last api_call >= 7 days",
    'time since first "order created" >= 20 days',
    "last status of api_call ever = 400",
    'first plan of api_call in the last 30 days = "pro"',
    "distinct status of api_call ever >= 3",
    "p90 of amount of api_call ever > 2",
    "count of api_call in the last 7 days <= 50% of its average over the previous 4 weeks",
    'did api_call, then "order created", within 2 days',
    'did api_call, then not "order created", for 3 days',
    'plan = "free"',
    'plan in ("free", 5)',
    "signed_up in the last 7 days",
    'at least 2 of (plan exists; limit >= 2; count of "order created" ever >= 2)',
)
COMPANY_FORMS = FORMS[:3]
ALL = "ANTIPHON_EXAMPLES" in os.environ
"""Spark takes seconds to plan a query: every third form is asked, and all of them by `make property`."""

TYPES = {
    "string": 'text COLLATE "C"',
    "double": "double precision",
    "int64": "bigint",
    "int32": "integer",
    "bool": "boolean",
}


def random_world(seed: int) -> World:
    """Events of the last 40 days with properties of any type, people and companies with traits of any type."""
    draw = random.Random(seed)
    names = ["api_call", "api_call", "api_call", "order created", "api_batch"]
    values = {
        "status": [400, 404, "400", 500.5, None, True, [4]],
        "amount": [1, 2.5, 3, 0.1, "3"],
        "plan": ["pro", "é", 1],
    }
    events = [
        event_of(
            number,
            (
                draw.choice(
                    [draw.randrange(40 * DAY), draw.randrange(2 * DAY), draw.choice([1, 7, 30]) * DAY - MINUTE]
                ),
                draw.choice(names),
                draw.choice(["u1", "u2", "u3", "old1", None]),
                draw.choice([None, "d1"]),
                draw.choice([None, None, "c1", "c2"]),
                {key: draw.choice(values[key]) for key in draw.sample(sorted(values), draw.randint(0, 3))},
                draw.choice([1, 1, 2, 0.5]),
                draw.choice([0, 0, 0, 1]),
            ),
        )
        for number in range(60)
    ]
    traits = {
        subject: {
            "plan": draw.choice(["free", "pro", 5, None]),
            "limit": draw.choice([1, 2, 2.5, "5"]),
            "signed_up": draw.choice(
                [NOW - 5 * DAY, (NOW - DAY) // 1000, "2026-09-18", "2026-09-20T10:00:00+02:00", "soon"]
            ),
        }
        for subject in ("u1", "u2", "u3", "c1", "c2")
    }
    homes = {user: draw.choice([None, "c1", "c2"]) for user in ("u1", "u2", "u3")}
    return World({"events": events, "traits": traits, "homes": homes, "links": {("user", "old1"): "u1"}})


def rows_of(text: str, kind: str):
    """The expression of who a rule holds for."""
    bare = history_tables()
    found = members(
        parse(text, kind), kind, bare.events, bare.profiles, bare.identities, now=NOW, time_zone="Europe/Berlin"
    )
    return found.rows.select("subject_id", "matched")


def from_duckdb(world: World, text: str, kind: str) -> dict[str, bool]:
    """What the engine of every day says."""
    return world.history(parse(text, kind), kind, NOW, "Europe/Berlin", {})


def asked() -> list[tuple[str, str]]:
    """Every form of a rule for users, and some for companies."""
    return [*((text, "user") for text in FORMS), *((text, "company") for text in COMPANY_FORMS)]


@pytest.mark.postgres
def test_postgresql_says_the_same_of_each_form(empty_postgres: str) -> None:
    """Every form of a rule for users, and some for companies, over a random world: the same truth for everybody."""
    with psycopg.connect(empty_postgres, autocommit=True) as conn:
        conn.execute("SET TimeZone = 'UTC'")
        for statement in POSTGRES:
            conn.execute(statement)
        world = random_world(seed=1)
        create(conn, world)
        for text, kind in asked():
            rows = dict(conn.execute(postgres_sql(rows_of(text, kind))).fetchall())
            assert rows == from_duckdb(world, text, kind), f"{text} ({kind})"


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


SESSION = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    # each query is asked once, of a few rows: compiling it takes longer than running it
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.mark.spark
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning", "ignore::ResourceWarning")
def test_spark_says_the_same_of_each_form(tmp_path: Path) -> None:
    """The forms over the same world, read by Spark from Parquet files, as the history's are."""
    sessions = pytest.importorskip("pyspark.sql", reason="`make test` installs PySpark")
    builder = sessions.SparkSession.builder.master("local[1]")
    for key, value in {**SPARK_SETTINGS, **SESSION}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        spark.sparkContext.setLogLevel("OFF")
        for statement in SPARK:
            spark.sql(statement)
        world = random_world(seed=1)
        for name, table in world.tables().items():
            file = str(tmp_path / f"{name}.parquet")
            parquet.write_table(table, file)
            spark.read.parquet(file).createOrReplaceTempView(name)
        for text, kind in asked()[:: 1 if ALL else 3]:
            rows = {row.subject_id: row.matched for row in spark.sql(spark_sql(rows_of(text, kind))).collect()}
            assert rows == from_duckdb(world, text, kind), f"{text} ({kind})"
    finally:
        spark.stop()
