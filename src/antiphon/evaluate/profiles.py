"""Profiles: what people list and search, kept up to date by the tick."""

from __future__ import annotations

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.program import InForce
from antiphon.evaluate.records import Records
from antiphon.model.subject import SubjectKey
from antiphon.store import subjects
from antiphon.store.engine import Connection
from antiphon.store.subjects import ProfileRow


def save_profiles(
    conn: Connection, current: InForce, records: Records, identities: Identities, changes: Changes
) -> None:
    """Write the profiles that changed; ids that turned out to be somebody else lose theirs."""
    gone = {key for key in changes.profiles if key.kind != "company" and identities.root(key) != key}
    subjects.drop_profiles(conn, gone)
    rows = [
        row for key in changes.profiles - gone if (row := _row(conn, current, records, identities, key)) is not None
    ]
    subjects.save_profiles(conn, rows)


def _row(
    conn: Connection, current: InForce, records: Records, identities: Identities, key: SubjectKey
) -> ProfileRow | None:
    record = records.change(conn, key)
    state = record.state
    for other in identities.group(key)[1:] if key.kind != "company" else ():
        part = records.find(conn, other)
        if part is not None:
            state = current.program.merge(state, part.state)
            part.profiled_at = part.state.last_seen or 1
    if state.first_seen is None or state.last_seen is None:
        return None
    record.profiled_at = state.last_seen
    company = company_of(conn, records, identities, key) if key.kind != "company" else None
    return ProfileRow(
        key.kind, key.id, current.traits(key.kind, record, state), company, state.first_seen, state.last_seen
    )
