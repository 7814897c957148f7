"""Run by alembic for `migrate`, on the connection and the part that it is handed.

It never opens a connection or commits: the caller's transaction holds the whole upgrade, so a process killed at any
statement leaves the old schema. (SQLite's DDL is transactional as long as the driver does not commit by itself; our
engine says BEGIN itself, so it does not.)
"""

from __future__ import annotations

from alembic import context

from antiphon.store.migrate import VERSION_TABLES

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table=VERSION_TABLES[attributes["part"]],
    transactional_ddl=True,
)
context.run_migrations(part=attributes["part"])
