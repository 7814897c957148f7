"""Folding events into the one who did them and into their company, a stream at a time.

A stream is what one id did in a batch, naming the same company (or none): what is the same for all of its events is
looked up once, so that the cost of an event is that of its metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from antiphon.evaluate.changes import Changes
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.record import Record
from antiphon.evaluate.records import Records
from antiphon.model.clock import MINUTE
from antiphon.model.event import INTERNAL, LATE, Event
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules.live import Plan, Program, Touch
from antiphon.rules.state import SubjectState, seen
from antiphon.store.engine import Connection

PROFILE_STEP = MINUTE
"""How far (ms) the last_seen that a profile shows may lag behind while nothing else of it changes."""


class Stream(msgspec.Struct, frozen=True):
    """Events of one id (None: of a company alone) that name one company (or none)."""

    key: SubjectKey | None
    company_id: str | None
    events: list[Event]


def streams_of(events: Iterable[Event]) -> list[Stream]:
    """The streams of a batch, in order of their first events."""
    found: dict[tuple[str | None, str | None, str | None], Stream] = {}
    for event in events:
        user_id = event.user_id
        anonymous_id = event.anonymous_id if user_id is None else None
        name = (user_id, anonymous_id, event.company_id)
        stream = found.get(name)
        if stream is None:
            key = None
            if user_id is not None:
                key = SubjectKey("user", user_id)
            elif anonymous_id is not None:
                key = SubjectKey("anonymous", anonymous_id)
            stream = found[name] = Stream(key, event.company_id, [])
        stream.events.append(event)
    return list(found.values())


def fold_stream(
    conn: Connection,
    program: Program,
    records: Records,
    identities: Identities,
    companies: dict[SubjectKey, str],
    stream: Stream,
    changes: Changes,
) -> None:
    """Fold a stream into its person and its company; `companies` maps people (roots) to theirs."""
    events, key, company_id = stream.events, stream.key, stream.company_id
    touches = [program.touch(event) for event in events]
    times = _times(events)
    if key is not None:
        record = records.change(conn, key)
        root = identities.root(key)
        _meet(program, record, root, "user", times, changes)
        user_plans = [(event, touch.user) for event, touch in zip(events, touches, strict=True) if touch.user.rules]
        changes.judge(root, _fold(program, record.state, user_plans))
        if company_id is None:
            company_id = companies.get(root)
            if record.contribution is None:
                record.contribution = SubjectState()
            _see(record.contribution, times)
            _fold(program, record.contribution, _company_plans(events, touches))
        changes.receipt[root] = events[-1].received_at
        _note_watches(root, events, touches, changes)
        _show(record, root, changes)
    if company_id is not None:
        company = SubjectKey("company", company_id)
        record = records.change(conn, company)
        _meet(program, record, company, "company", times, changes)
        plans = _company_plans(events, touches)
        changes.judge(company, _fold(program, record.state, plans))
        if stream.company_id is not None:
            if record.own is None:
                record.own = SubjectState()
            _see(record.own, times)
            _fold(program, record.own, plans)
        changes.receipt[company] = events[-1].received_at
        _show(record, company, changes)


def _fold(program: Program, state: SubjectState, plans: list[tuple[Event, Plan]]) -> set[int]:
    """Fold events by their plans; the rules that they touch.

    Late events are left out; one of our own leaves the time in which the subject is known as it was.
    """
    fold = program.fold
    rules: set[int] = set()
    for event, plan in plans:
        flags = event.flags
        if not flags:
            fold(state, event, plan)
        elif flags & LATE:
            continue
        else:
            known = state.first_seen, state.last_seen
            fold(state, event, plan)
            if flags & INTERNAL:
                state.first_seen, state.last_seen = known
        rules.update(plan.rules)
    return rules


def _company_plans(events: Sequence[Event], touches: Sequence[Touch]) -> list[tuple[Event, Plan]]:
    return [(event, touch.company) for event, touch in zip(events, touches, strict=True) if touch.company.rules]


def _times(events: Sequence[Event]) -> tuple[int, int] | None:
    """From when to when (ms) a stream's events make their subject known; None when they do not.

    A late event makes it known from its receipt on; what Antiphon itself did to somebody does not make them known.
    """
    times = [e.received_at if e.flags & LATE else e.timestamp for e in events if not e.flags & INTERNAL]
    return (min(times), max(times)) if times else None


def _see(state: SubjectState, times: tuple[int, int] | None) -> bool:
    """Widen the time in which the subject is known; whether it is known for longer now."""
    if times is None:
        return False
    earlier = seen(state, times[0])
    seen(state, times[1])
    return earlier


def _meet(
    program: Program,
    record: Record,
    key: SubjectKey,
    kind: SubjectKind,
    times: tuple[int, int] | None,
    changes: Changes,
) -> None:
    if record.profiled_at == 0:
        changes.new.add(key)
        changes.profiles.add(key)
    if _see(record.state, times):
        changes.judge(key, program.rules_for_first_seen(kind))


def _show(record: Record, key: SubjectKey, changes: Changes) -> None:
    """Have the profile written again when the last_seen that it shows lags behind."""
    last = record.state.last_seen
    if last is not None and last - record.profiled_at > PROFILE_STEP:
        changes.profiles.add(key)


def _note_watches(root: SubjectKey, events: Sequence[Event], touches: Sequence[Touch], changes: Changes) -> None:
    if root.kind == "user":
        for event, touch in zip(events, touches, strict=True):
            if touch.watches:
                changes.hits.extend((watch, root, event) for watch in touch.watches)
