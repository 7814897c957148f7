"""Filling a new rule: its state from the events of the past, then a first, quiet judgement of everybody.

Runs inside the tick's transaction, at the tick's log position: what lies before it comes from the past, what lies
after it is folded live, so nothing is missed and nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.identity import Identities, id_of
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.program import InForce
from antiphon.evaluate.record import Judgement, Record
from antiphon.evaluate.records import Records
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules.live import Program
from antiphon.rules.state import SubjectState, adopt
from antiphon.store import program as store
from antiphon.store import subjects
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow

log = structlog.get_logger(__name__)

Past = Callable[[int], Iterable[Event]]
"""`past(position)`: every unique event before that log offset."""


class Part:
    """What the past adds to one id's record."""

    def __init__(self) -> None:
        """Start empty."""
        self.state = SubjectState()
        self.contribution = SubjectState()
        self.own = SubjectState()


def fill_metrics(
    conn: Connection,
    program: Program,
    keys: Mapping[SubjectKind, frozenset[str]],
    records: Records,
    identities: Identities,
    past: Iterable[Event],
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
                program.fold(part.contribution, event, touch.company)
                root = identities.root(key)
                if root not in companies:
                    companies[root] = company_of(conn, records, identities, root)
                company_id = companies[root]
        if company_id is not None:
            part = parts.setdefault(SubjectKey("company", company_id), Part())
            program.fold(part.state, event, touch.company)
            if event.company_id is not None:
                program.fold(part.own, event, touch.company)
    records.prefetch(conn, parts)
    for key, part in parts.items():
        record = records.change(conn, key)
        adopt(record.state, part.state, keys["company" if key.kind == "company" else "user"])
        record.contribution = _adopted(record.contribution, part.contribution, keys["company"])
        record.own = _adopted(record.own, part.own, keys["company"])
    return len(parts)


def judge_everybody(
    conn: Connection, current: InForce, rules: list[RuleRow], records: Records, identities: Identities, now: int
) -> Outcome:
    """Judge every subject by `rules`, quietly: memberships are recorded, nobody is messaged."""
    outcome = Outcome()

    def company(root: SubjectKey) -> str | None:
        return company_of(conn, records, identities, root)

    judge = Judge(conn, current, records, identities, company, now, outcome, quiet=True)
    for rule in sorted(rules, key=lambda row: current.rank(row.id)):
        before = subjects.memberships_of_rule(conn, rule.id)
        for key in subjects.all_keys(conn, rule.subject_kind):
            if identities.root(key) != key:
                continue
            record = records.change(conn, key)
            _restore(record, rule, before.get(key.id))
            judge.judge(key, [rule.id], None)
        store.mark_filled(conn, rule.id, rule.version)
        members = sum(m.member for m in outcome.memberships if m.rule_id == rule.id)
        log.info("rule filled", rule=rule.name, version=rule.version, members=members)
    return outcome


def _restore(record: Record, rule: RuleRow, membership: subjects.Membership | None) -> None:
    """Start from the membership that is stored, so that an edited or reopened rule moves people by difference."""
    if membership is None:
        record.judgements.pop(rule.id, None)
    else:
        record.judgements[rule.id] = Judgement(rule.version, membership.member, membership.episode, membership.since)


def _adopted(state: SubjectState | None, part: SubjectState, keys: frozenset[str]) -> SubjectState | None:
    if part.metrics:
        state = state or SubjectState(first_seen=part.first_seen, last_seen=part.last_seen)
        adopt(state, part, keys)
    return state
