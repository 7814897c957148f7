"""Why a rule holds, or does not, for one subject: the very state that evaluation goes by, or history for a draft.

State is stored behind, so what is stored of somebody is brought up to date by the few events that came since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from antiphon.evaluate.computed import specs
from antiphon.evaluate.identity import Identities, id_of
from antiphon.evaluate.program import InForce
from antiphon.evaluate.record import Extra, Stored, block_of, decode, decode_extra, instant
from antiphon.model.event import INTERNAL, LATE, Event
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules.explain import ConditionReport
from antiphon.rules.kernel.layout import judgements_in, metrics_in, names_of
from antiphon.rules.live import Program
from antiphon.rules.pieces import Pieces
from antiphon.rules.state import SubjectState, SubjectView, seen
from antiphon.rules.zones import local_days
from antiphon.store import computed_traits, metric_numbers, states, subjects
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow
from antiphon.store.subjects import Membership

Since = Callable[[int], Iterable[tuple[int, Event]]]
"""`since(offset)`: a subject's own events from a log offset on, under all its ids, each with its offset."""


class Explanation(msgspec.Struct, frozen=True):
    """Each condition's sides and truth, and the membership that is stored (None: the subject was never a member)."""

    conditions: list[ConditionReport]
    stored: Membership | None


class Part:
    """What is stored of one id, as Python works on it."""

    def __init__(self, program: Program, numbers: Mapping[str, int], kind: SubjectKind, stored: Stored | None) -> None:
        """`stored` is None for an id of which nothing is stored yet."""
        self.position = 0 if stored is None else stored.position
        self.extra = Extra() if stored is None else decode_extra(stored.extra)
        self.state = SubjectState(traits=self.extra.traits)
        self.judged: dict[int, tuple[bool, int, int | None]] = {}
        if stored is not None:
            self.state.first_seen, self.state.last_seen = instant(stored.first_seen), instant(stored.last_seen)
            if stored.block:
                words = block_of(stored.block)
                names = names_of(program.compilers[kind].metrics, numbers, program.days)
                self.state.metrics = metrics_in(words, 0, names)
                self.judged = judgements_in(words, 0)
            keys = {number: key for key, number in numbers.items()}
            self.state.metrics |= {keys[n]: value for n, value in self.extra.metrics.items() if n in keys}


def explain(
    conn: Connection,
    rule: RuleRow,
    segments: list[RuleRow],
    key: SubjectKey,
    time_zone: str,
    since: Since,
    now: int,
    *,
    kept: bool,
) -> Explanation | None:
    """Each condition of `rule` for a subject at `now` (ms); None when there is no such subject.

    `segments` are the active rules, whose segments the rule may read. `kept` says that evaluation keeps state for the rule; for one
    that it does not (a draft) everything is counted from the subject's events.
    """
    traits = specs(computed_traits.list_computed_traits(conn))
    current = InForce([rule], [], now, Pieces(local_days(time_zone)), traits)
    program, kind = current.program, "company" if key.kind == "company" else "user"
    identities = Identities(subjects.identities_of(conn, key.id) if key.kind == "user" else {})
    numbers = metric_numbers.numbers(conn)[kind]
    group = identities.group(key) if key.kind == "user" else [key]
    parts = {one: Part(program, numbers, kind, _stored(conn, one)) for one in group}
    profile = subjects.company_and_known(conn, key)
    if profile is None and all(part.position == 0 for part in parts.values()):
        return None
    if not kept:
        for part in parts.values():
            part.position, part.state.metrics = 0, {}
    for offset, event in since(min(part.position for part in parts.values())):
        part = parts.get(key if kind == "company" else id_of(event) or key)
        if part is not None and offset >= part.position:
            _fold(program, part.state, event, kind)
    state = parts[key].state
    for other in group[1:]:
        state = program.merge(state, parts[other].state)
    company = None if profile is None or profile.company_id is None else SubjectKey("company", profile.company_id)
    company_traits = None if company is None else _company_traits(conn, current, company)
    names = {row.id: row.name for row in (*segments, rule)}
    inside = {names[r]: member for r, (member, _, _) in parts[key].judged.items() if r in names}
    own_traits = current.traits(kind, parts[key].extra.computed, state)
    view = SubjectView(state=state, traits=own_traits, company_traits=company_traits, segments=inside)
    return Explanation(program.explain(rule.id, view, now), subjects.membership_of(conn, rule.id, key))


def _stored(conn: Connection, key: SubjectKey) -> Stored | None:
    for content in map(decode, states.contents_for(conn, key)):
        index = content.find(key)
        if index is not None:
            return content.member(index)
    return None


def _company_traits(conn: Connection, current: InForce, key: SubjectKey) -> dict[str, object]:
    stored = _stored(conn, key)
    extra = Extra() if stored is None else decode_extra(stored.extra)
    return current.traits("company", extra.computed, SubjectState(traits=extra.traits))


def _fold(program: Program, state: SubjectState, event: Event, kind: SubjectKind) -> None:
    """Fold an event as evaluation does: a late one only makes the subject known, one of our own does not."""
    if event.flags & LATE:
        seen(state, event.received_at)
        return
    touch = program.touch(event)
    known = state.first_seen, state.last_seen
    program.fold(state, event, touch.company if kind == "company" else touch.user)
    if event.flags & INTERNAL:
        state.first_seen, state.last_seen = known
