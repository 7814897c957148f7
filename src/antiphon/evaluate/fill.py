"""Filling a new rule: its state from the events of the past, then a first, quiet judgement of everybody.

Runs inside the tick's transaction, at the tick's log position: what lies before it comes from the past, what lies
after it is folded live, so nothing is missed and nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import structlog

from antiphon.evaluate.absorb import company_of, mark
from antiphon.evaluate.deeds import Rows, kind_of
from antiphon.evaluate.identity import Identities, id_of
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules.live import Program
from antiphon.rules.state import SubjectState
from antiphon.store import program as store
from antiphon.store import subjects
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow

log = structlog.get_logger(__name__)

Past = Callable[[int], Iterable[Event]]
"""`past(position)`: every unique event before that log offset."""

CHUNK = 10_000
"""Subjects judged at a time."""


class Part:
    """What the past adds to one id's state and to its part."""

    def __init__(self) -> None:
        """Start empty."""
        self.state = SubjectState()
        self.part = SubjectState()


def fill_metrics(
    conn: Connection,
    program: Program,
    keys: Mapping[SubjectKind, frozenset[str]],
    residents: Residents,
    identities: Identities,
    past: Iterable[Event],
    position: int,
) -> int:
    """Give every subject the metrics `keys` of `program`, counted over `past`; how many subjects got one."""
    parts: dict[SubjectKey, Part] = {}
    companies: dict[SubjectKey, str | None] = {}
    for event in past:
        touch = program.touch(event)
        if event.late or not (touch.user or touch.company):
            continue
        key = id_of(event)
        company_id = event.company_id
        if key is not None:
            part = parts.setdefault(key, Part())
            program.fold(part.state, event, touch.user)
            if company_id is None:
                program.fold(part.part, event, touch.company)
                root = identities.root(key)
                if root not in companies:
                    companies[root] = company_of(conn, residents, identities, root)
                company_id = companies[root]
        if company_id is not None:
            part = parts.setdefault(SubjectKey("company", company_id), Part())
            program.fold(part.state, event, touch.company)
            if event.company_id is not None:
                program.fold(part.part, event, touch.company)
    for key, part in parts.items():
        slot, kind = residents.slot(conn, key), kind_of(key)
        residents.put(slot, part.state, kind, keys[kind])
        residents.put(slot, part.part, "company", keys["company"], part=True)
        residents.soil(slot, position)
    residents.flush(conn, [residents.slot(conn, key) for key in parts], position)
    return len(parts)


def judge_everybody(
    conn: Connection,
    current: Running,
    rules: list[RuleRow],
    residents: Residents,
    identities: Identities,
    now: int,
    position: int,
) -> Outcome:
    """Judge every subject by `rules`, quietly: memberships are recorded, nobody is messaged."""
    outcome = Outcome()
    for rule in sorted(rules, key=lambda row: current.rank(row.id)):
        before = subjects.memberships_of_rule(conn, rule.id)
        plan = current.kernel.rules_plan([rule.id])
        keys = everybody(conn, residents, rule.subject_kind)
        while some := list(islice(keys, CHUNK)):
            residents.load(conn, rule.subject_kind, [key.id for key in some])
            judge = Judge(conn, current, residents, identities, now, position, outcome, quiet=True)
            rows = Rows()
            for key in some:
                if identities.root(key) == key:
                    slot = residents.slot(conn, key)
                    mark(residents, identities, key)
                    _restore(residents, slot, rule.id, before.get(key.id))
                    rows.judge(slot, plan)
            judge.absorb(rows, [])
            residents.flush(conn, residents.overdue(position + 1, CHUNK * 2), position)
        store.mark_filled(conn, rule.id, rule.version)
        members = sum(m.member for m in outcome.memberships if m.rule_id == rule.id)
        log.info("rule filled", rule=rule.name, version=rule.version, members=members)
    return outcome


def everybody(conn: Connection, residents: Residents, kind: SubjectKind) -> Iterator[SubjectKey]:
    """Everybody who is stored or in memory."""
    known = set(residents.places[kind])
    yield from (SubjectKey(kind, one) for one in sorted(known))
    yield from (key for key in subjects.all_keys(conn, kind) if key.id not in known)


def _restore(residents: Residents, slot: int, rule_id: int, membership: subjects.Membership | None) -> None:
    """Start from the membership that is stored, so that an edited or reopened rule moves people by difference."""
    memory = residents.memory
    if membership is not None:
        memory.set_judgement(slot, rule_id, membership.episode, member=membership.member)
    elif rule_id in memory.judgements(slot):
        memory.forget_judgements([slot], rule_id)
