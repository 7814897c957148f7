"""Computed traits of subjects: kept beside their judgements, seen by rules and profiles as traits like any other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec
import structlog

from antiphon.evaluate import storing
from antiphon.evaluate.absorb import mark
from antiphon.evaluate.deeds import Rows
from antiphon.evaluate.fill import CHUNK, everybody
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import NOTHING, Judge, Outcome
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules import formula as f
from antiphon.rules.computed import FIRST_KEY, ComputedSpec
from antiphon.store import computed_traits as store
from antiphon.store import fills, subjects
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
    current: Running,
    traits: Sequence[ComputedTrait],
    residents: Residents,
    identities: Identities,
    now: int,
    position: int,
) -> Outcome:
    """Give everybody the value of traits that are new or changed; rules that read them are judged, quietly.

    Companies come first, since a user's traits may read those of the company.
    """
    outcome = Outcome()
    kernel = current.kernel
    kinds: tuple[SubjectKind, ...] = ("company", "user")
    for kind in kinds:
        numbers = [FIRST_KEY + trait.id for trait in traits if trait.subject_kind == kind]
        new = {trait.name for trait in traits if trait.subject_kind == kind and not trait.filled_version}
        keys = everybody(conn, residents, kind) if numbers else iter(())
        while some := list(islice(keys, CHUNK)):
            residents.load(conn, kind, [key.id for key in some])
            rows = Rows()
            for key in some:
                if identities.root(key) != key:
                    continue
                slot = residents.slot(conn, key)
                hidden = new & _set_names(conn, residents, identities, key)
                if hidden:  # a call set them before they were computed
                    outcome.profiles.add(key)
                if kind == "user":
                    mark(residents, identities, key)
                rows.judge(slot, kernel.rules_plan([*numbers, *current.program.rules_for_traits(kind, hidden)]))
            Judge(conn, current, residents, identities, now, position, outcome, quiet=True).absorb(rows, NOTHING)
            storing.flush(conn, residents, residents.behind(), position)
    rows = Rows()
    judge_members(conn, current, residents, identities, outcome, rows)
    Judge(conn, current, residents, identities, now, position, outcome, quiet=True).absorb(rows, NOTHING)
    fills.drop(conn, [FIRST_KEY + trait.id for trait in traits])
    for trait in traits:
        store.mark_filled(conn, trait.id, trait.version)
        log.info("computed trait filled", trait=trait.name, version=trait.version)
    return outcome


def _set_names(conn: Connection, residents: Residents, identities: Identities, key: SubjectKey) -> set[str]:
    """The traits that calls have set under any id of a subject."""
    group = identities.group(key) if key.kind == "user" else [key]
    slots = (residents.find(conn, member) for member in group)
    return {
        name
        for slot in slots
        if slot is not None and residents.has_extra(slot)
        for name in residents.extra(slot).traits
    }


def judge_members(
    conn: Connection, current: Running, residents: Residents, identities: Identities, outcome: Outcome, rows: Rows
) -> None:
    """Have the members of the companies whose computed traits changed judged by whatever reads those."""
    for company_id, names in outcome.company_traits.items():
        readers = current.program.rules_for_company_traits(names)
        if readers:
            plan = current.kernel.rules_plan(readers)
            for root in {identities.root(member) for member in subjects.members_of(conn, company_id)}:
                for member in identities.group(root):
                    residents.find(conn, member)
                slot = residents.slot(conn, root)
                mark(residents, identities, root)
                rows.judge(slot, plan)
                outcome.moved.add(slot)  # no event of theirs tells of this judgement, should it be replayed
    outcome.company_traits.clear()


def forget_removed(conn: Connection, residents: Residents, removed: Sequence[ComputedTrait], outcome: Outcome) -> None:
    """Take deleted computed traits off everybody who has one."""
    kinds: tuple[SubjectKind, ...] = ("company", "user")
    for kind in kinds:
        numbers = {FIRST_KEY + trait.id for trait in removed if trait.subject_kind == kind}
        keys = everybody(conn, residents, kind) if numbers else iter(())
        while some := list(islice(keys, CHUNK)):
            residents.load(conn, kind, [key.id for key in some])
            for key in some:
                slot = residents.slot(conn, key)
                if not residents.has_extra(slot) or numbers.isdisjoint(residents.extra(slot).computed):
                    continue
                kept = residents.change(slot).computed
                for number in numbers & kept.keys():
                    del kept[number]
                outcome.moved.add(slot)
                outcome.profiles.add(key)
    store.forget_removed(conn, [trait.id for trait in removed])
