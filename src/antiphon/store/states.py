"""The states of subjects, in buckets by a hash of their ids, and of those who changed since their bucket was written.

A bucket holds everybody whose place lies from its lowest up to the next bucket's, so a state is found without an index of ids. What
the contents are is evaluation's business.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Integer, bindparam, func, select

from antiphon.model.subject import SubjectKey
from antiphon.store import tables as t
from antiphon.store.dialect import chunks, delete_ranges, update_rows, upsert_rows

PLACES = 1 << 32
"""Places are below this."""

_SPREAD = 2_654_435_761
"""Knuth's multiplier (TAOCP 6.4): spreads a checksum's bits, of which the highest say the bucket."""

# made once: to make a statement takes longer than to run it
_DUE = (
    select(t.states.c.lowest, t.states.c.content)
    .where(t.states.c.recheck_at.is_not(None), t.states.c.recheck_at <= bindparam("now"))
    .order_by(t.states.c.recheck_at)
    .limit(bindparam("most", type_=Integer))
)
_NEXT_DUE = select(func.min(t.states.c.recheck_at)).where(t.states.c.recheck_at.is_not(None))


def place_of(id_: str) -> int:
    """The place of an id, from 0 up to `PLACES`; the same in every process and version."""
    return zlib.crc32(id_.encode()) * _SPREAD % PLACES


def all_lowest(conn: Connection) -> list[int]:
    """The lowest place of each bucket, ascending; empty when nothing is stored, else the first is 0."""
    return list(conn.execute(select(t.states.c.lowest).order_by(t.states.c.lowest)).scalars())


def read(conn: Connection, lowest: Sequence[int]) -> dict[int, bytes]:
    """The contents of buckets by their lowest places, of those that are stored."""
    found: dict[int, bytes] = {}
    for some in chunks(lowest):
        rows = conn.execute(select(t.states.c.lowest, t.states.c.content).where(t.states.c.lowest.in_(some)))
        found.update((row.lowest, row.content) for row in rows)
    return found


def save(conn: Connection, rows: Sequence[tuple[int, bytes, int | None]]) -> None:
    """Write buckets (lowest place, content, when somebody in it must be looked at again in ms or None) over what was there."""
    upsert_rows(conn, t.states, ("lowest", "content", "recheck_at"), rows)


def save_contents(conn: Connection, rows: Sequence[tuple[int, bytes]]) -> None:
    """Write (lowest place, content) over buckets that are there; when they must be looked at stays as it was."""
    update_rows(conn, t.states, ("content",), [(content, lowest) for lowest, content in rows])


def due(conn: Connection, now: int, limit: int) -> list[tuple[int, bytes]]:
    """Buckets (lowest place, content) with somebody whose time to be looked at has come, the longest overdue first."""
    return [(row.lowest, row.content) for row in conn.execute(_DUE, {"now": now, "most": limit})]


def next_due(conn: Connection) -> int | None:
    """When the next bucket must be looked at (ms), or None."""
    return conn.execute(_NEXT_DUE).scalar_one()


# -- those who changed since -------------------------------------------------------------------------------------


def save_changed(conn: Connection, rows: Sequence[tuple[int, SubjectKey, bytes]]) -> None:
    """Write (place, who, content) of single subjects, who are newer there than in their bucket."""
    values = [(place, key.kind, key.id, content) for place, key, content in rows]
    upsert_rows(conn, t.changed_states, ("place", "kind", "id", "content"), values)


def all_changed(conn: Connection) -> Iterator[bytes]:
    """The content of each subject that is newer than its bucket."""
    yield from conn.execute(select(t.changed_states.c.content)).scalars()


def drop_changed(conn: Connection, ranges: Sequence[tuple[int, int]]) -> None:
    """Forget those whose bucket was written: places from, and up to."""
    delete_ranges(conn, t.changed_states, "place", ranges)


def contents_for(conn: Connection, key: SubjectKey) -> list[bytes]:
    """What may hold a subject's state, the newest first: its own content, if it is newer, and its bucket's."""
    c, b, place = t.changed_states.c, t.states.c, place_of(key.id)
    own = select(c.content).where(c.place == place, c.kind == key.kind, c.id == key.id)
    bucket = select(b.content).where(b.lowest <= place).order_by(b.lowest.desc()).limit(1)
    return [content for query in (own, bucket) for content in conn.execute(query).scalars()]
