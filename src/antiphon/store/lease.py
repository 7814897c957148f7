"""One worker at a time: who starts later takes over, and who was before may write nothing more.

The lease is a number that grows with each taking (a fencing token). Every transaction of a stage looks at it first; in
PostgreSQL the look locks the row, so a transaction under way is finished before the lease changes hands, and SQLite has
one writer anyway. A worker that was frozen and wakes up beside its successor finds a higher number and ends.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from antiphon.errors import Superseded
from antiphon.store.dialect import insert
from antiphon.store.engine import Database
from antiphon.store.tables import cursors

NAME = "lease:0"

_HELD = select(cursors.c.position).where(cursors.c.name == NAME).with_for_update()

Guard = Callable[[Connection], None]
"""Looks at the lease within a transaction; raises Superseded when it is no longer ours."""


def take(database: Database) -> Guard:
    """Take the lease over from whoever had it; the guard that its holder's transactions call first."""
    with database.write() as conn:
        statement = insert(conn, cursors).values(name=NAME, position=1)
        statement = statement.on_conflict_do_update(
            index_elements=[cursors.c.name], set_={"position": cursors.c.position + 1}
        ).returning(cursors.c.position)
        token: int = conn.execute(statement).scalar_one()

    def guard(conn: Connection) -> None:
        held = conn.execute(_HELD).scalar_one()
        if held != token:
            raise Superseded("Another worker has taken over; this one ends.")

    return guard
