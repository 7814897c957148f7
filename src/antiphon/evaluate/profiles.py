"""Profiles: what people list and search, kept up to date by the tick."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.deeds import kind_of
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.program import InForce
from antiphon.evaluate.residents import Residents
from antiphon.model.clock import MINUTE
from antiphon.model.subject import SubjectKey
from antiphon.rules.kernel.blocks import NEVER
from antiphon.rules.state import SubjectState
from antiphon.store import subjects
from antiphon.store.engine import Connection
from antiphon.store.subjects import ProfileRow

PROFILE_STEP = MINUTE
"""How far (ms) the last_seen that a profile shows may lag behind what is stored of a subject, when there are few subjects."""

PROFILES_A_SECOND = 1_000
"""Profiles rewritten for their last_seen alone: with more subjects in memory than that takes a minute for, it lags longer."""


def save_profiles(
    conn: Connection, current: InForce, residents: Residents, identities: Identities, keys: Iterable[SubjectKey]
) -> None:
    """Write the profiles of `keys`; ids that turned out to be somebody else lose theirs."""
    wanted = set(keys)
    gone = {key for key in wanted if key.kind != "company" and identities.root(key) != key}
    subjects.drop_profiles(conn, gone)
    rows = [row for key in wanted - gone if (row := _row(conn, current, residents, identities, key)) is not None]
    subjects.save_profiles(conn, rows)


def lagging(residents: Residents, identities: Identities, slots: Iterable[int]) -> set[SubjectKey]:
    """Whose profiles among these slots' show too old a last_seen."""
    some = np.fromiter(slots, dtype=np.int64)
    step = max(PROFILE_STEP, residents.count * 1000 // PROFILES_A_SECOND)
    late = some[residents.slots.last_seen[some] - residents.profiled_at[some] > step]
    return {identities.root(residents.key(slot)) for slot in late.tolist()}


def _row(
    conn: Connection, current: InForce, residents: Residents, identities: Identities, key: SubjectKey
) -> ProfileRow | None:
    slot = residents.slot(conn, key)
    group = identities.group(key) if key.kind != "company" else [key]
    plain = len(group) == 1 and not residents.has_extra(slot)
    if plain:  # what most are
        first, last = int(residents.slots.first_seen[slot]), int(residents.slots.last_seen[slot])
        if first == NEVER:
            return None
        residents.profiled_at[slot] = last
        return ProfileRow(key.kind, key.id, {}, None, first, last)
    state, program = SubjectState(), current.program
    for other in group:
        place = residents.find(conn, other)
        if place is not None:
            part = residents.state(place, kind_of(key))
            state = program.merge(state, SubjectState(part.first_seen, part.last_seen, {}, part.traits), kind_of(key))
            residents.profiled_at[place] = part.last_seen or 1
    if state.first_seen is None or state.last_seen is None:
        return None
    residents.profiled_at[slot] = state.last_seen
    company = company_of(conn, residents, identities, key) if key.kind != "company" else None
    traits = current.traits(kind_of(key), residents.extra(slot).computed, state)
    return ProfileRow(key.kind, key.id, traits, company, state.first_seen, state.last_seen)
