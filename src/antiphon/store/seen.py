"""What has been seen: samples of events and traits from which completion draws names and values."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from antiphon.model.subject import SubjectKind
from antiphon.store.history import HistoryReader
from antiphon.store.tables import profiles, rules

MOST_NAMES = 10_000
ROWS_EACH = 40
"""Newest events looked at of each name, among the newest `RECENT`: a rare event is as well known as a frequent one."""

RECENT = 500_000
MOST_ROWS = 40_000
MOST_PROFILES = 5_000

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def event_names(reader: HistoryReader) -> list[str]:
    """The names of all events, the most frequent first."""
    query = "SELECT name FROM events WHERE type = 'track' GROUP BY name ORDER BY count(*) DESC, name LIMIT ?"
    with reader.connect() as db:
        return [name for (name,) in db.execute(query, [MOST_NAMES]).fetchall()]


def event_samples(reader: HistoryReader) -> list[tuple[str, dict[str, Any]]]:
    """(name, properties) of some events of each name, newest first."""
    query = """
        WITH recent AS (
            SELECT name, log_offset, properties FROM events
            WHERE type = 'track' AND log_offset >= (SELECT max(log_offset) FROM events) - ?
            QUALIFY row_number() OVER (PARTITION BY name ORDER BY log_offset DESC) <= ?
        )
        SELECT name, properties FROM recent ORDER BY log_offset DESC LIMIT ?
    """
    with reader.connect() as db:
        rows = db.execute(query, [RECENT, ROWS_EACH, MOST_ROWS]).fetchall()
    return [(name, _decode(properties)) for name, properties in rows]


def trait_samples(conn: Connection, kind: SubjectKind) -> list[dict[str, Any]]:
    """The traits of those who were seen last."""
    p = profiles.c
    query = select(p.traits).where(p.kind == kind).order_by(p.last_seen.desc()).limit(MOST_PROFILES)
    return list(conn.execute(query).scalars())


def segment_names(conn: Connection, kind: SubjectKind) -> list[str]:
    """The rules in force about a kind, by name."""
    query = select(rules.c.name).where(rules.c.status == "active", rules.c.subject_kind == kind).order_by(rules.c.name)
    return list(conn.execute(query).scalars())
