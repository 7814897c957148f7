"""A history of API calls as long as wished, made by DuckDB in the product's own table, and the people in it."""

from __future__ import annotations

import time

import duckdb

from antiphon.model.clock import DAY
from antiphon.store.engine import Store
from antiphon.store.history import EVALUATE_CURSOR
from antiphon.store.history_schema import COLUMNS, SCHEMA
from antiphon.store.history_table import FILE_ROWS, SORTED_BY, HistoryTable, location
from antiphon.store.signals import set_cursor

DAYS = 60
"""The events are spread evenly over so many days before `now`."""

# One event by its number `n`: r1..r4 are fractions of independent hashes, so that each run makes the same history.
_EVENTS = """
SELECT n AS log_offset, printf('e%012d', n) AS event_id, 'track' AS type,
  CASE WHEN r1 < 0.9 THEN 'api_call' WHEN r1 < 0.94 THEN 'item_viewed' WHEN r1 < 0.97 THEN 'report_generated'
       WHEN r1 < 0.98 THEN 'signed_up' WHEN r1 < 0.99 THEN 'key_created' ELSE 'invoice_paid' END AS name,
  '1' AS source, 'user-' || (exp(r2 * ln({users})) - 1)::BIGINT AS user_id, NULL AS anonymous_id,
  NULL AS company_id, NULL AS previous_id,
  make_timestamptz((({start} + n * {step}) * 1000)::BIGINT) AS timestamp, timestamp AS received_at,
  1.0 AS weight, false AS late, 0 AS flags,
  CASE WHEN name = 'api_call' THEN
    printf('{{"method":"POST","route":"/v1/resource%d/{{id}}","path":"/v1/resource%d/%d","status":%d,"latency_ms":%.2f,"response_bytes":%d}}',
      (r3 * 20)::INT, (r3 * 20)::INT, n, call_status, r4 * 100, (r4 * 9000)::INT)
  ELSE printf('{{"amount":%d,"plan":"%s"}}', (r4 * 100)::INT, CASE WHEN r3 < 0.5 THEN 'free' ELSE 'pro' END) END AS properties,
  NULL AS context,
  CASE WHEN name = 'api_call' THEN 'POST' END AS method,
  CASE WHEN name = 'api_call' THEN '/v1/resource' || (r3 * 20)::INT || '/{{id}}' END AS route,
  CASE WHEN name = 'api_call' THEN call_status END AS status,
  CASE WHEN name = 'api_call' THEN round(r4 * 100, 2) END AS latency_ms
FROM (
  SELECT range AS n, hash(range * 4 + 1) / 18446744073709551616.0 AS r1, hash(range * 4 + 2) / 18446744073709551616.0 AS r2,
    hash(range * 4 + 3) / 18446744073709551616.0 AS r3, hash(range * 4 + 4) / 18446744073709551616.0 AS r4,
    CASE WHEN r4 < 0.9 THEN 200 WHEN r4 < 0.95 THEN 400 WHEN r4 < 0.98 THEN 404 ELSE 500 END AS call_status
  FROM range({first}, {end})
) ORDER BY {order}, n
"""


def write_history(store: Store, events: int, users: int, now: int) -> float:
    """Fill an empty store's history table with `events` of `users` (a few in a thousand make most); the seconds it took."""
    began = time.monotonic()
    table = HistoryTable(location(store))
    step = DAYS * DAY / events
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for first in range(0, events, FILE_ROWS):
            end = min(events, first + FILE_ROWS)
            query = _EVENTS.format(
                users=users, start=now - DAYS * DAY, step=step, first=first, end=end, order=", ".join(SORTED_BY)
            )
            rows = db.sql(f"SELECT {', '.join(COLUMNS)} FROM ({query})").to_arrow_table()
            table.append(rows.cast(SCHEMA), end)
    with store.state.write() as conn:
        set_cursor(conn, EVALUATE_CURSOR, events)
    return time.monotonic() - began


def write_people(store: Store, users: int, now: int) -> None:
    """A profile for each user, known for the whole time, with a plan and a limit."""
    with store.state.write() as conn:
        rows = (
            ("user", f"user-{n}", f'{{"plan":"{("free", "pro")[n % 2]}","limit":{n % 50}}}', now - DAYS * DAY, now)
            for n in range(users)
        )
        cursor = conn.connection.cursor()
        cursor.executemany(
            "INSERT INTO profiles (kind, id, traits, first_seen, last_seen) VALUES (?, ?, ?, ?, ?)", rows
        )
