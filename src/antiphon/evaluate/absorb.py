"""Taking events in: links, traits, companies and folds, with a note of whom and what that may have changed."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.evaluate.changes import Changes
from antiphon.evaluate.folding import fold_stream, streams_of
from antiphon.evaluate.identity import Identities, id_of, links_of
from antiphon.evaluate.records import Records
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey
from antiphon.rules.live import Program
from antiphon.rules.state import SubjectState, set_trait
from antiphon.store import subjects
from antiphon.store.computed_traits import refused_counter
from antiphon.store.engine import Connection


def absorb(
    conn: Connection, program: Program, records: Records, identities: Identities, events: Sequence[Event]
) -> Changes:
    """Fold `events` (free of duplicates) into the records; what that touched.

    Who is who and whose company is which is settled first, for the whole batch: folds then go to the right company.
    """
    changes = Changes()
    keys = {key for event in events if (key := id_of(event)) is not None}
    keys.update(SubjectKey("company", event.company_id) for event in events if event.company_id is not None)
    records.prefetch(conn, keys)
    for event in events:
        if event.type != "track":
            _settle(conn, program, records, identities, event, changes)
    roots = {root for key in keys if (root := identities.root(key)) != key}
    records.prefetch(conn, {member for root in roots for member in identities.group(root)})
    companies = _companies(conn, records, identities, events)
    records.prefetch(conn, {SubjectKey("company", c) for c in companies.values()} - keys)
    for stream in streams_of(events):
        fold_stream(conn, program, records, identities, companies, stream, changes)
    for company_id in changes.rebuild:
        _rebuild(conn, program, records, identities, company_id, changes)
    return changes


def _settle(
    conn: Connection, program: Program, records: Records, identities: Identities, event: Event, changes: Changes
) -> None:
    """Links, traits and companies: the calls that say who somebody is, late ones too."""
    for key, user_id in links_of(event):
        _link(conn, records, identities, key, user_id, event.timestamp, changes)
    key = id_of(event)
    if event.type == "identify" and key is not None and event.properties:
        root = identities.root(key)
        names = _set_traits(conn, program, records, key, event, changes)
        changes.judge(root, program.rules_for_traits("user", names))
        changes.profiles.add(root)
    if event.type == "group" and event.company_id is not None:
        _group(conn, program, records, identities, event, changes)


def _link(
    conn: Connection,
    records: Records,
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
    for member in touched:
        root = identities.root(member)
        changes.everything.add(root)
        changes.profiles.update((root, member))
        record = records.find(conn, member)
        if record is not None and record.company is not None:
            changes.rebuild.add(record.company[0])
        if root != member:
            changes.moved.add(member)
            if record is not None:
                former = records.change(conn, member)
                former.judgements.clear()
                former.computed.clear()


def _set_traits(
    conn: Connection, program: Program, records: Records, key: SubjectKey, event: Event, changes: Changes
) -> set[str]:
    """Set the traits that an identify or group call carries; the names of those that changed.

    A computed trait is what its formula says, whatever a call says: that is refused, and counted.
    """
    state = records.change(conn, key).state
    kind = "company" if key.kind == "company" else "user"
    computed = program.computed_names(kind)
    names: set[str] = set()
    for name, value in event.properties.items():
        if name in computed:
            changes.refuse(refused_counter(kind, name))
        elif set_trait(state, name, value, event.timestamp):
            names.add(name)
    return names


def _group(
    conn: Connection, program: Program, records: Records, identities: Identities, event: Event, changes: Changes
) -> None:
    """A group call: the company's traits, and the caller's company."""
    company = SubjectKey("company", event.company_id or "")
    if event.properties:
        names = _set_traits(conn, program, records, company, event, changes)
        changes.judge(company, program.rules_for_traits("company", names))
        changes.company_traits.setdefault(company.id, set()).update(names)
    changes.profiles.add(company)
    key = id_of(event)
    if key is None:
        return
    root = identities.root(key)
    before = company_of(conn, records, identities, root)
    record = records.change(conn, key)
    link = (company.id, event.timestamp)
    if record.company is None or (link[1], link[0]) > (record.company[1], record.company[0]):
        record.company = link
    after = company_of(conn, records, identities, root)
    if before != after:
        changes.rebuild.update(c for c in (before, after) if c is not None)
        changes.judge(root, program.rules_for_company_traits())
        changes.profiles.add(root)


def company_of(conn: Connection, records: Records, identities: Identities, root: SubjectKey) -> str | None:
    """The company of a user: what the latest group call of any of its ids said."""
    links = [
        record.company
        for key in identities.group(root)
        if (record := records.find(conn, key)) is not None and record.company is not None
    ]
    return max(links, key=lambda link: (link[1], link[0]))[0] if links else None


def _companies(
    conn: Connection, records: Records, identities: Identities, events: Sequence[Event]
) -> dict[SubjectKey, str]:
    """The company of each user in the batch who did something without naming one."""
    roots = {identities.root(key) for event in events if event.company_id is None and (key := id_of(event)) is not None}
    found = ((root, company_of(conn, records, identities, root)) for root in roots)
    return {root: company for root, company in found if company is not None}


def _rebuild(
    conn: Connection, program: Program, records: Records, identities: Identities, company_id: str, changes: Changes
) -> None:
    """Put a company's state together anew from its own events and its present members' contributions."""
    key = SubjectKey("company", company_id)
    record = records.change(conn, key)
    state = program.merge(SubjectState(), record.own, "company") if record.own is not None else SubjectState()
    state.traits = record.state.traits
    roots = set(subjects.members_of(conn, company_id))
    roots |= {identities.root(key) for key in changes.profiles if key.kind != "company"}
    for root in {identities.root(key) for key in roots}:
        if company_of(conn, records, identities, root) == company_id:
            for member in identities.group(root):
                part = records.find(conn, member)
                if part is not None and part.contribution is not None:
                    state = program.merge(state, part.contribution, "company")
    record.state = state
    changes.everything.add(key)
    changes.profiles.add(key)
