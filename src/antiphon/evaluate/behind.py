"""Storing behind: what of a tick must be stored with it, and what may be stored later.

What led to a consequence is stored with it, so a replay of the log draws none twice; so is what a call changed (links, traits,
companies) and who was judged for another reason than an event of theirs, since the log alone does not tell of it. The rest is
stored a few subjects at a time, those first that are behind for longest.
"""

from __future__ import annotations

from antiphon.evaluate.changes import Changes
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Outcome
from antiphon.evaluate.profiles import lagging, save_profiles
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.store import signals
from antiphon.store.engine import Connection

AT_REST = 2_000
"""Subjects that a tick without events stores, while there are any that are behind."""

SHARE = 10
"""Of so many events of a tick, one subject is stored: hot ones are stored once for many events of theirs."""

A_FEW = 50
"""Subjects that every tick stores beside, so that a quiet instance is never far behind."""


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
    """Store after a tick from log offset `position` to `end`; a start replays at most about `replay_events`."""
    chosen = {*outcome.moved, *(residents.slot(conn, key) for key in changes.stored)}
    busy = end != position
    before = position if busy else end + 1  # at rest, all that is left
    chosen.update(residents.overdue(max(before - replay_events, 0) + 1, residents.count))
    chosen.update(residents.overdue(before, (end - position) // SHARE + A_FEW if busy else AT_REST))
    _store(conn, current, residents, identities, chosen, end, now)


def store_all(
    conn: Connection, current: Running, residents: Residents, identities: Identities, position: int, now: int
) -> None:
    """Store everybody, between ticks."""
    _store(conn, current, residents, identities, set(residents.overdue(position + 1, residents.count)), position, now)


def _store(
    conn: Connection,
    current: Running,
    residents: Residents,
    identities: Identities,
    chosen: set[int],
    end: int,
    now: int,
) -> None:
    if not chosen:
        return
    behind = lagging(residents, identities, chosen)
    if behind:
        save_profiles(conn, current, residents, identities, behind)
    residents.flush(conn, list(chosen), end, now)
    signals.set_cursor(conn, signals.STORED, residents.stored_from(end))
