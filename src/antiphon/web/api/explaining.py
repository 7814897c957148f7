"""Why a subject is, or is not, in a rule, and what came of it: put together from what was stored."""

from __future__ import annotations

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.store.people import get_membership
from antiphon.store.rules import get_rule
from antiphon.store.workflow_reasons import list_reasons
from antiphon.web.api.people import Explanation, MessageReason, ReasonedCondition
from antiphon.web.context import Explained, WebContext

MESSAGES = 20


def explain(context: WebContext, kind: SubjectKind, subject_id: str, rule_id: int) -> Explanation:
    """The rule's conditions for one subject, its membership, and the messages that hang on it."""
    with context.store.state.read() as conn:
        rule = get_rule(conn, rule_id)
        if rule.subject_kind != kind:
            raise InvalidInput(f"“{rule.name}” is about {_plural(rule.subject_kind)}, not about {_plural(kind)}.")
        membership = get_membership(conn, kind, subject_id, rule_id)
        reasons = list_reasons(conn, rule_id, kind, subject_id, MESSAGES)
    found: Explained = context.rules.explain(rule, subject_id)
    conditions = [
        ReasonedCondition(
            path=condition.path,
            depth=condition.depth,
            text=condition.text,
            value=condition.value,
            needed=condition.needed,
            met=condition.met,
            since=condition.since,
            recheck_at=condition.recheck_at,
            words=condition.words,
        )
        for condition in found.conditions
    ]
    messages = [
        MessageReason(
            workflow_id=reason.workflow_id,
            workflow_name=reason.workflow_name,
            outcome=reason.outcome,
            at=reason.at,
            message_id=reason.message_id,
        )
        for reason in reasons
    ]
    return Explanation(
        rule_id=rule.id,
        rule_name=rule.name,
        subject_id=subject_id,
        member=membership is not None and membership.member,
        episode=membership.episode if membership else 0,
        since=membership.since if membership else None,
        met=found.met,
        recheck_at=found.recheck_at,
        as_of=found.as_of,
        conditions=conditions,
        messages=messages,
    )


def _plural(kind: SubjectKind) -> str:
    return "users" if kind == "user" else "companies"
