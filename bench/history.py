"""Seconds for a preview, a funnel, retention and a fill over a long history, beside plain DuckDB SQL on the same files.

`python bench/history.py` makes 5 million events of 200,000 users first, in the product's own table; as many as are wished with
`--events 50000000 --users 1000000`. It is deleted afterwards unless `--keep FOLDER` names where it may stay (and is found
again). Time and disk: see what it prints first.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis

from _history_data import DAYS, write_history, write_people
from _rig import keep
from antiphon.model.clock import DAY
from antiphon.rules import tree
from antiphon.rules.funnel import funnel, retention
from antiphon.rules.history_metrics import filled
from antiphon.rules.history_rows import history_tables
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.text import parse
from antiphon.runtime.events import Events
from antiphon.runtime.rule_engine import RuleEngine
from antiphon.store import migrate
from antiphon.store.engine import Store, StoreSettings, open_store
from antiphon.store.history import HistoryReader
from antiphon.store.history_table import location

NOW = 1_790_000_000_000
COUNTS = "SELECT user_id, sum(weight) AS n FROM events WHERE {where} GROUP BY user_id"

RULES: dict[str, str] = {
    "count of api_call where status = 400 in the last 24 hours >= 5": (
        f"SELECT count(*) FROM ({COUNTS}) WHERE n >= 5".replace(
            "{where}",
            "name = 'api_call' AND status = 400 AND timestamp >= epoch_ms({day})::TIMESTAMP AT TIME ZONE 'UTC'",
        )
    ),
    "count of signed_up in the last 7 days >= 1": (
        f"SELECT count(*) FROM ({COUNTS}) WHERE n >= 1".replace(
            "{where}", "name = 'signed_up' AND timestamp >= epoch_ms({week})::TIMESTAMP AT TIME ZONE 'UTC'"
        )
    ),
    "count of api_call in the last 30 days >= 100": (
        f"SELECT count(*) FROM ({COUNTS}) WHERE n >= 100".replace(
            "{where}", "name = 'api_call' AND timestamp >= epoch_ms({month})::TIMESTAMP AT TIME ZONE 'UTC'"
        )
    ),
    "time since last api_call >= 7 days": (
        "SELECT count(*) FROM (SELECT user_id, max(timestamp) AS latest FROM events WHERE name = 'api_call' GROUP BY user_id)"
        " WHERE latest <= epoch_ms({exact_week})::TIMESTAMP AT TIME ZONE 'UTC'"
    ),
}
STEPS = ("signed_up", "key_created", "invoice_paid")
WITHIN = 14 * DAY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the history is kept for the next run")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="antiphon-history-"))
    try:
        store = open_store(StoreSettings(data=folder))
        migrate.upgrade(store)
        reader = HistoryReader(store)
        if reader.count_ids(user_ids=["user-0"]) == 0:
            seconds = write_history(store, asked.events, asked.users, NOW)
            write_people(store, asked.users, NOW)
            keep("history", {"what": "made", "events": asked.events, "seconds": round(seconds, 1)})
        measure(store, reader, asked.runs)
        store.close()
    finally:
        if asked.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def measure(store: Store, reader: HistoryReader, runs: int) -> None:
    engine = RuleEngine(store, reader, Events(store, reader), lambda: NOW)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{location(store)}/*.parquet')")
        began = time.monotonic()
        engine.preview(tree.encode(parse("count of nothing ever >= 1", "user")), "user")
        keep("history", {"what": "first preview: everybody is read", "seconds": round(time.monotonic() - began, 3)})
        for text, query in RULES.items():
            encoded = tree.encode(parse(text, "user"))
            ours = lambda encoded=encoded: engine.preview(encoded, "user").total  # noqa: E731
            compare("preview", text, ours, plain(db, query), runs)
        compare("funnel", " > ".join(STEPS), lambda: run_funnel(reader), plain(db, FUNNEL), runs)
        compare("retention", "signed_up, then api_call", lambda: run_retention(reader), plain(db, RETENTION), runs)
        for text, query in FILLS.items():
            compare("fill", text, lambda text=text: run_fill(reader, text), plain(db, query), runs)


def plain(db: duckdb.DuckDBPyConnection, query: str) -> Callable[[], Any]:
    """The hand-written query's only value."""
    minute = 60_000  # windows move in steps of a sixtieth of their length
    filled_in = query.format(
        day=(NOW - DAY) // (24 * minute) * 24 * minute, week=(NOW - 7 * DAY) // (168 * minute) * 168 * minute,
        month=(NOW - 30 * DAY) // (720 * minute) * 720 * minute, exact_week=NOW - 7 * DAY,
        fill=(NOW // (24 * minute) - 61) * 24 * minute,  # the buckets that a day's window may still need
        start=NOW - DAYS * DAY, end=NOW, within=WITHIN,
    )  # fmt: skip
    return lambda: db.execute(filled_in).fetchall()[0][0]


FUNNEL = """
WITH one AS (SELECT user_id, min(timestamp) AS began FROM events WHERE name = 'signed_up' GROUP BY user_id),
two AS (SELECT e.user_id, began, min(e.timestamp) AS at FROM events e JOIN one USING (user_id)
  WHERE name = 'key_created' AND e.timestamp > began AND e.timestamp <= began + INTERVAL 14 DAY GROUP BY ALL),
three AS (SELECT e.user_id, min(e.timestamp) AS at FROM events e JOIN two USING (user_id)
  WHERE name = 'invoice_paid' AND e.timestamp > two.at AND e.timestamp <= began + INTERVAL 14 DAY GROUP BY ALL)
SELECT [(SELECT count(*) FROM one), (SELECT count(*) FROM two), (SELECT count(*) FROM three)]
"""
RETENTION = """
WITH one AS (SELECT user_id, min(timestamp) AS began FROM events WHERE name = 'signed_up' GROUP BY user_id)
SELECT sum(people) FROM (SELECT date_trunc('week', began) AS cohort, epoch_ms(e.timestamp - began) // 604800000 AS week,
  count(DISTINCT e.user_id) AS people FROM events e JOIN one USING (user_id)
  WHERE name = 'api_call' AND e.timestamp >= began GROUP BY ALL)
"""
FILLS = {
    "count of api_call where status = 400 in the last 24 hours >= 5": """
SELECT count(*) FROM (SELECT user_id, epoch_ms(timestamp) // 1440000 AS bucket, sum(weight) FROM events
  WHERE name = 'api_call' AND status = 400 AND timestamp >= epoch_ms({fill})::TIMESTAMP AT TIME ZONE 'UTC' GROUP BY ALL)
""",
    "count of api_call ever >= 1000": """
SELECT count(*) FROM (SELECT user_id, sum(weight) FROM events WHERE name = 'api_call' GROUP BY ALL)
""",
}


def run_funnel(reader: HistoryReader) -> list[int]:
    steps = [tree.Selector(name) for name in STEPS]
    asked = funnel(steps, "user", history_tables(), start=NOW - DAYS * DAY, end=NOW, within=WITHIN)
    with reader.connect(people=True) as db:
        return [row[1] for row in sorted(db.sql(str(ibis.to_sql(asked, dialect="duckdb"))).fetchall())]


def run_retention(reader: HistoryReader) -> int:
    first, back = tree.Selector("signed_up"), tree.Selector("api_call")
    asked = retention(first, back, "user", history_tables(), start=NOW - DAYS * DAY, end=NOW)
    with reader.connect(people=True) as db:
        return sum(row[2] for row in db.sql(str(ibis.to_sql(asked, dialect="duckdb"))).fetchall())


def run_fill(reader: HistoryReader, text: str) -> int:
    """Each id's state, made and counted: buckets for windows, one value for all time."""
    spec = RuleSpec(id=1, version=1, subject_kind="user", tree=parse(text, "user"), name="1")
    program = compile_program([spec], [], time_zone="UTC")
    (key,) = program.metric_keys["user"]
    metric, selector = program.metric("user", key)
    with reader.connect() as db:
        values = filled(db, metric, selector, "user", history_tables().events, now=NOW) or ()
        return sum(1 if metric.ever else len(value[0]) for _, value in values)


def compare(what: str, which: str, ours: Callable[[], Any], theirs: Callable[[], Any], runs: int) -> None:
    """Run both in turn; print medians of wall and CPU seconds, their ratio, and whether they say the same."""
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
    said: dict[str, Any] = {}
    for _ in range(runs):
        for name, run in (("ours", ours), ("plain", theirs)):
            wall, cpu = time.monotonic(), time.process_time()
            said[name] = run()
            found[name].append((time.monotonic() - wall, time.process_time() - cpu))
    wall, cpu = ({name: statistics.median(times[i] for times in of) for name, of in found.items()} for i in (0, 1))
    keep(
        "history",
        {
            "what": what,
            "which": which,
            "seconds": round(wall["ours"], 3),
            "plain_seconds": round(wall["plain"], 3),
            "cpu_seconds": round(cpu["ours"], 3),
            "plain_cpu_seconds": round(cpu["plain"], 3),
            "ratio": round(wall["ours"] / wall["plain"], 2),
            "same": said["ours"] == said["plain"],
            "found": said["ours"],
        },
    )


if __name__ == "__main__":
    main()
