"""Taking in who is who, whose company is which, and what traits they have, with a note of whom and what that may have changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from antiphon.evaluate.changes import Changes
from antiphon.evaluate.identity import Identities, id_of, links_of
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.roster import UNKNOWN_HOME
from antiphon.model.event import Event
from antiphon.model.event_batch import UNKNOWN, EventBatch, Slots
from antiphon.model.subject import SubjectKey
from antiphon.rules.kernel.blocks import ANONYMOUS, MERGED, STALE, USER
from antiphon.rules.live import Program
from antiphon.rules.state import SubjectState, set_trait
from antiphon.store import subjects
from antiphon.store.computed_traits import refused_counter
from antiphon.store.engine import Connection


def bring(conn: Connection, residents: Residents, identities: Identities, events: EventBatch) -> Slots:
    """Have everybody in memory whom `events` are about; where."""
    places = residents.places
    found = events.slots(places["user"], places["anonymous"], places["company"])
    if found.unknown:
        missing = np.flatnonzero((found.slot == UNKNOWN) | (found.company == UNKNOWN))
        _bring_new(conn, residents, [events[index] for index in missing.tolist()])
        found = events.slots(places["user"], places["anonymous"], places["company"])
    if identities.any:
        keys = list(map(residents.key, np.unique(found.slot[found.slot >= 0]).tolist()))
        for root in {root for key in keys if (root := identities.root(key)) != key or identities.has_others(key)}:
            for member in identities.group(root):
                residents.find(conn, member)
            residents.slot(conn, root)
            mark(residents, identities, root)
    return found


def _bring_new(conn: Connection, residents: Residents, events: Sequence[Event]) -> None:
    users = {event.user_id for event in events if event.user_id is not None}
    devices = {event.anonymous_id for event in events if event.user_id is None and event.anonymous_id is not None}
    companies = {event.company_id for event in events if event.company_id is not None}
    residents.bring(conn, "user", users)
    residents.bring(conn, "anonymous", devices)
    residents.bring(conn, "company", companies)


def mark(residents: Residents, identities: Identities, root: SubjectKey) -> None:
    """Tell the kernel who is judged, and whose ids must be put together for it."""
    group = identities.group(root)
    for member in group:
        slot = residents.places[member.kind].get(member.id)
        if slot is None:
            continue
        if member == root and root.kind == "user":
            residents.slots.kind[slot] = USER
            if len(group) > 1:
                residents.slots.flags[slot] |= MERGED
            else:
                residents.slots.flags[slot] &= ~MERGED & 0xFF
        else:
            residents.slots.kind[slot] = ANONYMOUS


def settle(
    conn: Connection,
    program: Program,
    residents: Residents,
    identities: Identities,
    events: Iterable[Event],
    position: int,
) -> Changes:
    """Take in what identify, group and alias calls say, late ones too; `position` is the log offset after them."""
    changes = Changes()
    for event in events:
        for key, user_id in links_of(event):
            _link(conn, residents, identities, key, user_id, event.timestamp, changes)
        key = id_of(event)
        if event.type == "identify" and key is not None and event.properties:
            root = identities.root(key)
            several = root != key or identities.has_others(root)
            names = _set_traits(conn, program, residents, key, event, changes, several=several)
            changes.judge(root, program.rules_for_traits("user", names))
            changes.profiles.add(root)
            _stale(conn, residents, root)
        if event.type == "group" and event.company_id is not None:
            _group(conn, program, residents, identities, event, changes)
    for company_id in changes.rebuild:
        _rebuild(conn, program, residents, identities, company_id, changes)
    for key in changes.stored:
        residents.soil(residents.slot(conn, key), position)
    return changes


def _link(
    conn: Connection,
    residents: Residents,
    identities: Identities,
    key: SubjectKey,
    user_id: str,
    clock: int,
    changes: Changes,
) -> None:
    """Take in that `key` means a user; those whom it joins, and those whom it leaves, must be looked at anew."""
    touched = set(identities.group(identities.root(key)))
    if not identities.link(key, user_id, clock):
        return
    changes.links[key] = (user_id, clock)
    touched.update(identities.group(identities.root(key)))
    for root in {identities.root(member) for member in touched}:
        residents.slot(conn, root)
        mark(residents, identities, root)
    for member in touched:
        root = identities.root(member)
        changes.everything.add(root)
        changes.profiles.update((root, member))
        slot = residents.find(conn, member)
        if slot is None:
            continue
        residents.home[slot] = UNKNOWN_HOME
        company = residents.extra(slot).company
        if company is not None:
            changes.rebuild.add(company[0])
        if root != member:
            changes.moved.add(member)
            residents.memory.forget_judgements([slot])
            if residents.has_extra(slot):
                residents.change(slot).computed.clear()
            changes.stored.add(member)


def _set_traits(
    conn: Connection,
    program: Program,
    residents: Residents,
    key: SubjectKey,
    event: Event,
    changes: Changes,
    *,
    several: bool = False,
) -> set[str]:
    """Set the traits that an identify or group call carries; the names of those that changed.

    Of one of `several` ids a value that only became newer counts too: now it may be the newest of them. A computed trait is what its
    formula says, whatever a call says: that is refused, and counted.
    """
    slot = residents.slot(conn, key)
    state = SubjectState(traits=residents.change(slot).traits)
    residents.slots.flags[slot] |= STALE
    changes.stored.add(key)
    kind = "company" if key.kind == "company" else "user"
    computed = program.computed_names(kind)
    names: set[str] = set()
    for name, value in event.properties.items():
        if name in computed:
            changes.refuse(refused_counter(kind, name))
            continue
        before = state.traits.get(name)
        if set_trait(state, name, value, event.timestamp) or (several and state.traits.get(name) is not before):
            names.add(name)
    return names


def _stale(conn: Connection, residents: Residents, key: SubjectKey) -> None:
    slot = residents.find(conn, key)
    if slot is not None:
        residents.slots.flags[slot] |= STALE


def _group(
    conn: Connection, program: Program, residents: Residents, identities: Identities, event: Event, changes: Changes
) -> None:
    """A group call: the company's traits, and the caller's company."""
    company = SubjectKey("company", event.company_id or "")
    if event.properties:
        names = _set_traits(conn, program, residents, company, event, changes)
        changes.judge(company, program.rules_for_traits("company", names))
        changes.company_traits.setdefault(company.id, set()).update(names)
    changes.profiles.add(company)
    key = id_of(event)
    if key is None:
        return
    root = identities.root(key)
    before = company_of(conn, residents, identities, root)
    extra = residents.change(residents.slot(conn, key))
    changes.stored.add(key)
    link = (company.id, event.timestamp)
    if extra.company is None or (link[1], link[0]) > (extra.company[1], extra.company[0]):
        extra.company = link
    after = company_of(conn, residents, identities, root)
    if before != after:
        for member in identities.group(root):
            slot = residents.find(conn, member)
            if slot is not None:
                residents.home[slot] = UNKNOWN_HOME
        changes.rebuild.update(c for c in (before, after) if c is not None)
        changes.judge(root, program.rules_for_company_traits())
        changes.profiles.add(root)
        _stale(conn, residents, root)


def company_of(conn: Connection, residents: Residents, identities: Identities, root: SubjectKey) -> str | None:
    """The company of a user: what the latest group call of any of its ids said."""
    links = [
        company
        for key in identities.group(root)
        if (slot := residents.find(conn, key)) is not None
        and residents.has_extra(slot)
        and (company := residents.extra(slot).company) is not None
    ]
    return max(links, key=lambda link: (link[1], link[0]))[0] if links else None


def _rebuild(
    conn: Connection, program: Program, residents: Residents, identities: Identities, company_id: str, changes: Changes
) -> None:
    """Put a company's state together anew from its own events and its present members' parts."""
    key = SubjectKey("company", company_id)
    slot = residents.slot(conn, key)
    own = residents.part_state(slot)
    state = program.merge(SubjectState(), own, "company") if own is not None else SubjectState()
    roots = set(subjects.members_of(conn, company_id))
    roots |= {identities.root(key) for key in changes.profiles if key.kind != "company"}
    for root in {identities.root(key) for key in roots}:
        if company_of(conn, residents, identities, root) == company_id:
            for member in identities.group(root):
                place = residents.find(conn, member)
                part = None if place is None else residents.part_state(place)
                if part is not None:
                    state = program.merge(state, part, "company")
    residents.put(slot, state, "company", program.metric_keys["company"])
    residents.see(slot, state)
    changes.everything.add(key)
    changes.profiles.add(key)
    changes.stored.add(key)
