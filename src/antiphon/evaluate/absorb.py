"""Taking events in: links, traits, companies and folds, with a note of whom and what that may have changed."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.evaluate.identity import Identities, id_of, links_of
from antiphon.evaluate.records import Records
from antiphon.model.clock import MINUTE
from antiphon.model.event import INTERNAL, Event
from antiphon.model.subject import SubjectKey
from antiphon.rules.live import Plan, Program, Touch
from antiphon.rules.state import SubjectState, seen, set_trait
from antiphon.store import subjects
from antiphon.store.engine import Connection

PROFILE_STEP = MINUTE
"""How far (ms) the last_seen that a profile shows may lag behind while nothing else of it changes."""

WatchHit = tuple[str, SubjectKey, Event]
"""A watch's key, the user who did it, the event."""


class Changes:
    """Whom a tick's events touched, and which rules may judge them differently now.

    `rules` maps a subject to the rules to judge again; `everything` holds subjects whom every rule must judge
    (new, or merged). `traits` maps a company to the names of its traits that changed (its members may be judged by
    them). `receipt` is when the newest event of a subject was received (ms), for measuring.
    """

    def __init__(self) -> None:
        """Start with nothing changed."""
        self.rules: dict[SubjectKey, set[int]] = {}
        self.everything: set[SubjectKey] = set()
        self.new: set[SubjectKey] = set()
        self.company_traits: dict[str, set[str]] = {}
        self.rebuild: set[str] = set()
        self.moved: set[SubjectKey] = set()
        self.profiles: set[SubjectKey] = set()
        self.links: dict[SubjectKey, tuple[str, int]] = {}
        self.hits: list[WatchHit] = []
        self.receipt: dict[SubjectKey, int] = {}

    def judge(self, key: SubjectKey, rules: Sequence[int] | set[int] | frozenset[int]) -> None:
        """Note that `rules` must judge `key` again."""
        if rules:
            self.rules.setdefault(key, set()).update(rules)


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
    for event in events:
        _fold(conn, program, records, identities, companies, event, changes)
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
        names = _set_traits(conn, records, key, event)
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
                records.change(conn, member).judgements.clear()


def _set_traits(conn: Connection, records: Records, key: SubjectKey, event: Event) -> set[str]:
    """Set the traits that an identify or group call carries; the names of those that changed."""
    state = records.change(conn, key).state
    return {name for name, value in event.properties.items() if set_trait(state, name, value, event.timestamp)}


def _group(
    conn: Connection, program: Program, records: Records, identities: Identities, event: Event, changes: Changes
) -> None:
    """A group call: the company's traits, and the caller's company."""
    company = SubjectKey("company", event.company_id or "")
    if event.properties:
        names = _set_traits(conn, records, company, event)
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


def _fold(
    conn: Connection,
    program: Program,
    records: Records,
    identities: Identities,
    companies: dict[SubjectKey, str],
    event: Event,
    changes: Changes,
) -> None:
    """Fold one event into the one who did it and into their company."""
    key = id_of(event)
    touch = program.touch(event)
    if key is not None:
        record = records.change(conn, key)
        root = identities.root(key)
        if record.profiled_at == 0:
            changes.new.add(root)
            changes.profiles.add(root)
        if _see(record.state, event):
            changes.judge(root, program.rules_for_first_seen("user"))
        if not event.late:
            _count(program, record.state, event, touch.user)
            changes.judge(root, touch.user.rules)
        if event.company_id is None:
            if record.contribution is None:
                record.contribution = SubjectState()
            _see(record.contribution, event)
            if not event.late:
                _count(program, record.contribution, event, touch.company)
        changes.receipt[root] = event.received_at
        changes.hits.extend((watch, root, event) for watch in touch.watches if root.kind == "user")
        if record.state.last_seen is not None and record.state.last_seen - record.profiled_at > PROFILE_STEP:
            changes.profiles.add(root)
    company_id = event.company_id or (companies.get(identities.root(key)) if key is not None else None)
    if company_id is not None:
        _fold_company(conn, program, records, company_id, event, touch, changes)


def _fold_company(
    conn: Connection, program: Program, records: Records, company_id: str, event: Event, touch: Touch, changes: Changes
) -> None:
    key = SubjectKey("company", company_id)
    record = records.change(conn, key)
    if record.profiled_at == 0:
        changes.new.add(key)
        changes.profiles.add(key)
    if _see(record.state, event):
        changes.judge(key, program.rules_for_first_seen("company"))
    if not event.late:
        _count(program, record.state, event, touch.company)
        changes.judge(key, touch.company.rules)
    if event.company_id is not None:
        if record.own is None:
            record.own = SubjectState()
        _see(record.own, event)
        if not event.late:
            _count(program, record.own, event, touch.company)
    changes.receipt[key] = event.received_at
    if record.state.last_seen is not None and record.state.last_seen - record.profiled_at > PROFILE_STEP:
        changes.profiles.add(key)


def _see(state: SubjectState, event: Event) -> bool:
    """Widen the time in which the subject is known; whether it is known for longer now.

    A late event makes it known from its receipt on; what Antiphon itself did to somebody does not make them known.
    """
    if event.flags & INTERNAL:
        return False
    return seen(state, event.received_at if event.late else event.timestamp)


def _count(program: Program, state: SubjectState, event: Event, plan: Plan) -> None:
    """Fold an event; one of our own leaves the time in which the subject is known as it was."""
    if not plan:
        return
    known = state.first_seen, state.last_seen
    program.fold(state, event, plan)
    if event.flags & INTERNAL:
        state.first_seen, state.last_seen = known


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
