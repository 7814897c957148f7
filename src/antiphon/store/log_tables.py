"""The tables of the log: a file of its own when embedded, so that its writer never waits for the worker."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

from antiphon.store.tables import NAMING

log_metadata = MetaData(naming_convention=NAMING)

log_segments = Table(
    "log_segments",
    log_metadata,
    Column("partition", Integer, primary_key=True),
    Column("first_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("codec", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("committed_at", BigInteger, nullable=False),
)

log_heads = Table(
    "log_heads",
    log_metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)
