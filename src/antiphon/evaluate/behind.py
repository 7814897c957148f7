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

AT_LEAST = 2_000
"""Subjects that a tick stores at least, while there are any that are behind."""

SHARE = 20
"""Of so many events of a tick, one subject more is stored."""


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
) -> None:
    """Store after a tick from log offset `position` to `end`; a start replays at most about `replay_events`."""
    chosen = {*outcome.moved, *(residents.slot(conn, key) for key in changes.stored)}
    before = position if end != position else end + 1  # at rest, all that is left
    chosen.update(residents.overdue(max(before - replay_events, 0) + 1, residents.count))
    chosen.update(residents.overdue(before, max((end - position) // SHARE, AT_LEAST)))
    _store(conn, current, residents, identities, chosen, end)


def store_all(conn: Connection, current: Running, residents: Residents, identities: Identities, position: int) -> None:
    """Store everybody, between ticks."""
    _store(conn, current, residents, identities, set(residents.overdue(position + 1, residents.count)), position)


def _store(
    conn: Connection, current: Running, residents: Residents, identities: Identities, chosen: set[int], end: int
) -> None:
    if not chosen:
        return
    behind = lagging(residents, identities, chosen)
    if behind:
        save_profiles(conn, current, residents, identities, behind)
    residents.flush(conn, list(chosen), end)
    signals.set_cursor(conn, signals.STORED, residents.stored_from(end))
