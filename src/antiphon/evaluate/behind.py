"""Storing behind: what of a tick must be stored with it, and what may be stored later.

What led to a consequence is stored with it, so a replay of the log draws none twice; so is what a call changed (links, traits,
companies) and who was judged for another reason than an event of theirs, since the log alone does not tell of it. The rest is
stored a few buckets at a time, in rounds through all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.evaluate import storing
from antiphon.evaluate.buckets import Bucket
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Outcome
from antiphon.evaluate.profiles import lagging, save_profiles
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.store import signals
from antiphon.store.engine import Connection

AT_REST = 4_000
"""Subjects that a tick without events looks at."""

SHARE = 20
"""For so many events of a tick at least one subject is looked at: hot ones are stored once for many events of theirs."""

A_FEW = 50
"""Subjects that every tick looks at beside, so that a quiet instance is never far behind."""


def store_behind(
    conn: Connection,
    current: Running,
    residents: Residents,
    identities: Identities,
    changes: Changes,
    outcome: Outcome,
    position: int,
    end: int,
    replay_events: int,
    now: int,
) -> None:
    """Store after a tick from log offset `position` to `end`; a start replays at most about `replay_events`.

    A round through all subjects takes at most so many events: what has happened since it was last here is replayed.
    """
    chosen = {*outcome.moved, *(residents.slot(conn, key) for key in changes.stored)}
    share = max(1 / SHARE, (residents.count + residents.buckets.count) / replay_events)
    looked_at = A_FEW + round((end - position) * share) if end != position else AT_REST
    rounds = residents.rounds
    before = rounds.stored_from
    passed, place = residents.buckets.stretch(rounds.passed, looked_at)
    _store(conn, current, residents, identities, chosen, passed, end, now)
    residents.overdue.clear()
    rounds.go_on(place, end)
    if rounds.stored_from is not None and rounds.stored_from != before:
        signals.set_cursor(conn, signals.STORED, rounds.stored_from)


def store_all(
    conn: Connection, current: Running, residents: Residents, identities: Identities, position: int, now: int
) -> None:
    """Store everybody, between ticks."""
    _store(conn, current, residents, identities, set(), list(residents.buckets), position, now)
    signals.set_cursor(conn, signals.STORED, position)


def _store(
    conn: Connection,
    current: Running,
    residents: Residents,
    identities: Identities,
    chosen: set[int],
    buckets: Sequence[Bucket],
    end: int,
    now: int,
) -> None:
    """Store subjects, and who is behind in some buckets, as they are after the events before log offset `end`."""
    behind, slots = storing.behind(residents, buckets)
    lag = lagging(residents, identities, [*chosen, *slots])
    if lag:
        save_profiles(conn, current, residents, identities, lag)
    behind = list(dict.fromkeys([*behind, *residents.overdue]))
    written = set(behind)
    storing.flush(conn, residents, [slot for slot in chosen if residents.bucket_of(slot) not in written], end, now)
    storing.write(conn, residents, behind, end, now)
