"""Why a rule holds, or does not, for one subject: the very state that evaluation goes by, or history for a draft."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.computed import specs
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.program import InForce
from antiphon.evaluate.record import Judgement
from antiphon.evaluate.records import Records
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey
from antiphon.rules.explain import ConditionReport
from antiphon.rules.state import SubjectState, adopt
from antiphon.store import computed_traits, subjects
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow


class Explanation:
    """Each condition's sides and truth, and the judgement that is stored (None when the rule never judged them)."""

    def __init__(self, conditions: list[ConditionReport], stored: Judgement | None) -> None:
        """Keep both."""
        self.conditions = conditions
        self.stored = stored


def explain(
    conn: Connection,
    rule: RuleRow,
    segments: list[RuleRow],
    key: SubjectKey,
    time_zone: str,
    past: Iterable[Event] | None,
    now: int,
) -> Explanation | None:
    """Explain `rule` for a subject at `now` (ms); None when there is no such subject.

    `segments` are the active rules, whose segments the rule may read. `past` are the subject's own events: given for a
    rule that evaluation keeps no state for (a draft), whose metrics are then counted from them.
    """
    traits = specs(computed_traits.list_computed_traits(conn))
    current = InForce([*(row for row in segments if row.id != rule.id), rule], [], time_zone, now, traits)
    identities = Identities(subjects.identities_of(conn, key.id) if key.kind == "user" else {})
    records = Records(capacity=0)
    records.prefetch(conn, identities.group(key) if key.kind == "user" else [key])
    record = records.find(conn, key)
    if record is None:
        return None
    judge = Judge(
        conn, current, records, identities, lambda root: company_of(conn, records, identities, root), now, Outcome()
    )
    inside = {current.rules[r].name: j.member for r, j in record.judgements.items() if r in current.rules}
    view = judge.view(key, record, inside)
    if past is not None:
        _count_past(current, view.state, key, past)
    reports = current.program.explain(rule.id, view, now)
    return Explanation(reports, record.judgements.get(rule.id))


def _count_past(current: InForce, state: SubjectState, key: SubjectKey, past: Iterable[Event]) -> None:
    """Let the state (ours, never stored) hold every metric of the program, counted over all events of all its ids."""
    kind = "company" if key.kind == "company" else "user"
    counted = SubjectState()
    for event in past:
        touch = current.program.touch(event)
        current.program.fold(counted, event, touch.company if kind == "company" else touch.user)
    adopt(state, counted, current.program.metric_keys[kind])
