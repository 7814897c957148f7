"""Computed traits of subjects: kept beside their judgements, seen by rules and profiles as traits like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.program import InForce
from antiphon.evaluate.records import Records
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules import formula as f
from antiphon.rules.computed import ComputedSpec
from antiphon.store import computed_traits as store
from antiphon.store import subjects
from antiphon.store.computed_traits import ComputedTrait
from antiphon.store.engine import Connection

log = structlog.get_logger(__name__)


def specs(rows: Sequence[ComputedTrait]) -> list[ComputedSpec]:
    """Computed traits as a program takes them."""
    return [
        ComputedSpec(
            id=row.id,
            version=row.version,
            subject_kind=row.subject_kind,
            name=row.name,
            formula=msgspec.convert(row.formula, f.Formula),
        )
        for row in rows
    ]


def compute_everybody(
    conn: Connection,
    current: InForce,
    traits: Sequence[ComputedTrait],
    records: Records,
    identities: Identities,
    now: int,
) -> Outcome:
    """Give everybody the value of traits that are new or changed; rules that read them are judged, quietly.

    Companies come first, since a user's traits may read those of the company.
    """
    outcome = Outcome()

    def company(root: SubjectKey) -> str | None:
        return company_of(conn, records, identities, root)

    judge = Judge(conn, current, records, identities, company, now, outcome, quiet=True)
    kinds: tuple[SubjectKind, ...] = ("company", "user")
    for kind in kinds:
        numbers = [-trait.id for trait in traits if trait.subject_kind == kind]
        new = {trait.name for trait in traits if trait.subject_kind == kind and not trait.filled_version}
        for key in subjects.all_keys(conn, kind) if numbers else ():
            if identities.root(key) != key:
                continue
            hidden = new & _set_names(conn, records, identities, key)
            if hidden:  # a call set them before they were computed
                outcome.profiles.add(key)
            judge.judge(key, [*numbers, *current.program.rules_for_traits(kind, hidden)], None)
    judge_members(conn, current, identities, outcome, judge.judge)
    for trait in traits:
        store.mark_filled(conn, trait.id, trait.version)
        log.info("computed trait filled", trait=trait.name, version=trait.version)
    return outcome


def _set_names(conn: Connection, records: Records, identities: Identities, key: SubjectKey) -> set[str]:
    """The traits that calls have set under any id of a subject."""
    group = identities.group(key) if key.kind == "user" else [key]
    found = (records.find(conn, member) for member in group)
    return {name for record in found if record is not None for name in record.state.traits}


def judge_members(
    conn: Connection,
    current: InForce,
    identities: Identities,
    outcome: Outcome,
    judge: Callable[[SubjectKey, list[int], None], Any],
) -> None:
    """Judge the members of the companies whose computed traits changed by whatever reads those."""
    for company_id, names in outcome.company_traits.items():
        readers = current.program.rules_for_company_traits(names)
        for member in subjects.members_of(conn, company_id) if readers else ():
            judge(identities.root(member), readers, None)


def forget_removed(conn: Connection, records: Records, removed: Sequence[ComputedTrait], outcome: Outcome) -> None:
    """Take deleted computed traits off everybody who has one."""
    kinds: tuple[SubjectKind, ...] = ("company", "user")
    for kind in kinds:
        numbers = {-trait.id for trait in removed if trait.subject_kind == kind}
        for key in subjects.all_keys(conn, kind) if numbers else ():
            found = records.find(conn, key)
            if found is None or numbers.isdisjoint(found.computed):
                continue
            record = records.change(conn, key)
            for number in numbers & record.computed.keys():
                del record.computed[number]
            outcome.profiles.add(key)
    store.forget_removed(conn, [trait.id for trait in removed])
