"""SQL polling on PostgreSQL, well written: rows with a partial covering index, and a process that asks each second.

`python bench/_peers_sql.py URL SMTP_PORT RULES METHOD` is that process. METHOD is `full`, one GROUP BY over the window for
each rule, or `recent`, which counts only for users with an error since the last look: nobody else can have come to match.
(Since 10 s before it, because rows become visible in the order of commits and not of their times.)
Who is told is kept in `notified`; the row is committed before the mail leaves, so nobody is told twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from email.message import EmailMessage

import psycopg

from _peers_play import Notice
from _peers_trace import LEAST, Call, Trace
from faults.smtp_sink import SmtpSink
from postgres_server import PostgresServer

SCHEMA = """
CREATE TABLE accounts (user_id text PRIMARY KEY, email text NOT NULL);
CREATE TABLE events (
    user_id text NOT NULL, ts timestamptz NOT NULL DEFAULT now(), status int NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX errors_by_user ON events (user_id, ts) WHERE status >= 400;
CREATE INDEX errors_by_receipt ON events (received_at) INCLUDE (user_id) WHERE status >= 400;
CREATE TABLE notified (rule int, user_id text, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (rule, user_id));
"""
ASK = """
INSERT INTO notified (rule, user_id)
SELECT %(rule)s, matching.user_id FROM (
    SELECT user_id FROM events WHERE status >= 400 AND ts > now() - %(window)s::interval {candidates}
    GROUP BY user_id HAVING count(*) >= %(least)s
) matching WHERE NOT EXISTS (SELECT FROM notified n WHERE n.rule = %(rule)s AND n.user_id = matching.user_id)
ON CONFLICT DO NOTHING RETURNING user_id, (SELECT email FROM accounts a WHERE a.user_id = notified.user_id)
"""
CANDIDATES = {"full": "", "recent": "AND user_id = ANY(%(users)s)"}
RECENT = """
SELECT clock_timestamp(), array(
    SELECT DISTINCT user_id FROM events WHERE status >= 400 AND received_at > %s::timestamptz - interval '10 s')
"""
EVERY_S = 1.0


class SqlPolling:
    """The database, the process that polls it, and the writer of rows."""

    settle_s = 10.0

    def __init__(self, pids: list[int], conn: psycopg.AsyncConnection, sink: SmtpSink) -> None:
        self._pids = pids
        self._conn = conn
        self._sink = sink
        self._one_at_a_time = asyncio.Lock()

    def roots(self) -> list[int]:
        return self._pids

    def notices(self) -> list[Notice]:
        return [Notice(mail.recipient.partition("@")[0], mail.at) for mail in self._sink.accepted]

    async def deliver(self, calls: Sequence[Call]) -> None:
        async with self._one_at_a_time, self._conn.cursor() as cursor:
            async with cursor.copy("COPY events (user_id, status) FROM STDIN") as copy:
                for call in calls:
                    await copy.write_row((call.user, call.status))
            await self._conn.commit()

    def restart_api(self) -> None:
        """Nothing: rows are not counters."""


@contextlib.asynccontextmanager
async def sql_polling(trace: Trace, rules: int, method: str) -> AsyncIterator[SqlPolling]:
    """Started, with the accounts and the past in its tables."""
    async with contextlib.AsyncExitStack() as stack:
        sink = await stack.enter_async_context(SmtpSink())
        server = PostgresServer()
        stack.callback(server.remove)
        server.start()
        conn = await stack.enter_async_context(await psycopg.AsyncConnection.connect(server.url()))
        await conn.execute(SCHEMA)
        await conn.cursor().executemany(
            "INSERT INTO accounts VALUES (%s, %s)", [(user, f"{user}@example.com") for user in trace.groups]
        )
        await conn.cursor().executemany(
            "INSERT INTO events (user_id, ts, status, received_at)"
            " SELECT %s, now() + t, %s, now() + t FROM (SELECT make_interval(secs => %s) AS t) past",
            [(call.user, call.status, call.at) for call in trace.past],
        )
        await conn.commit()
        await conn.set_autocommit(True)
        await conn.execute("VACUUM ANALYZE")
        await conn.set_autocommit(False)
        command = [sys.executable, __file__, server.url(), str(sink.port), str(rules), method]
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
        stack.push_async_callback(_end, process)
        await asyncio.sleep(2)
        if process.returncode is not None:
            message = f"the poller ended with {process.returncode}"
            raise RuntimeError(message)
        yield SqlPolling([server.pid, process.pid], conn, sink)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def poll(url: str, smtp_port: int, rules: int, method: str) -> None:
    """Ask and tell, for ever."""
    ask = ASK.format(candidates=CANDIDATES[method])
    asked = [{"rule": 0, "window": "24 hours", "least": LEAST}]
    asked += [{"rule": n, "window": f"{1 + n % 24} hours", "least": 100 + n} for n in range(1, rules)]
    with psycopg.connect(url) as conn, smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        looked_at = conn.execute("SELECT clock_timestamp()").fetchall()[0][0]
        while True:
            next_at = time.monotonic() + EVERY_S
            users: list[str] = []
            if method == "recent":
                [(looked_at, users)] = conn.execute(RECENT, [looked_at]).fetchall()
                conn.commit()  # or now() would stand still
            for values in asked if users or method == "full" else []:
                rows = conn.execute(ask, {**values, "users": users}).fetchall()
                conn.commit()
                for user, email in rows:
                    smtp.send_message(_mail(user, email))
            time.sleep(max(0.0, next_at - time.monotonic()))


def _mail(user: str, email: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Acme <news@acme.example>", email, "Fifth error"
    mail.set_content(f"Hello {user}, your calls fail.\n")
    return mail


if __name__ == "__main__":
    poll(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
