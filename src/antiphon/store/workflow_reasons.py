"""Why a person did or did not get a workflow's messages: read from enrollments, step runs and messages."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, and_, func, select

from antiphon.model.subject import SubjectKind
from antiphon.store.tables import enrollments, messages, signals, step_runs, workflow_versions, workflows
from antiphon.store.uses import workflows_started_by


class Reason(msgspec.Struct, kw_only=True, frozen=True):
    """What became of one workflow for one person; `outcome` is in words, `at` in ms."""

    workflow_id: int
    workflow_name: str
    outcome: str
    at: int | None
    message_id: int | None


OF_COMPANIES = "not started: the rule is about companies, and a workflow messages users"


def list_reasons(conn: Connection, rule_id: int, kind: SubjectKind, subject_id: str, limit: int) -> list[Reason]:
    """For each workflow that the rule starts: its messages to the user, or why there are none, the newest first."""
    found: list[Reason] = []
    for workflow in workflows_started_by(conn, rule_id):
        if kind == "company":
            found.append(
                Reason(
                    workflow_id=workflow.id, workflow_name=workflow.name, outcome=OF_COMPANIES, at=None, message_id=None
                )
            )
            continue
        sent = _messages(conn, workflow.id, workflow.name, subject_id, limit)
        found += sent or [_without(conn, workflow.id, workflow.name, rule_id, subject_id)]
    return sorted(found, key=lambda reason: -(reason.at or 0))[:limit]


def _messages(conn: Connection, workflow_id: int, name: str, user_id: str, limit: int) -> list[Reason]:
    m = messages
    query = (
        select(m.c.id, m.c.status, m.c.reason, m.c.detail, m.c.updated_at)
        .where(m.c.workflow_id == workflow_id, m.c.user_id == user_id)
        .order_by(m.c.id.desc())
        .limit(limit)
    )
    return [
        Reason(
            workflow_id=workflow_id,
            workflow_name=name,
            outcome=_words(row.status, row.reason or row.detail),
            at=row.updated_at,
            message_id=row.id,
        )
        for row in conn.execute(query)
    ]


def _without(conn: Connection, workflow_id: int, name: str, rule_id: int, user_id: str) -> Reason:
    """Why there is no message: never in the rule, not enrolled, waiting, or stopped at a step."""
    e, s = enrollments, step_runs
    run = and_(s.c.enrollment_id == e.c.id, s.c.outcome != "done")
    query = (
        select(e.c.status, e.c.reason, e.c.due_at, e.c.created_at, s.c.outcome, s.c.reason.label("step_reason"))
        .select_from(e.outerjoin(s, run))
        .where(e.c.workflow_id == workflow_id, e.c.user_id == user_id)
        .order_by(e.c.id.desc(), s.c.at.desc())
        .limit(1)
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        outcome, at = _not_enrolled(conn, workflow_id, rule_id, user_id), None
    elif row.step_reason:
        outcome, at = _words("skipped", row.step_reason), row.created_at
    elif row.status == "active":
        outcome, at = "waiting for its next step", row.due_at
    else:
        outcome, at = _words(row.status, row.reason), row.created_at
    return Reason(workflow_id=workflow_id, workflow_name=name, outcome=outcome, at=at, message_id=None)


def _not_enrolled(conn: Connection, workflow_id: int, rule_id: int, user_id: str) -> str:
    """Read from the last transition of the rule and from when the workflow was published."""
    g, w, v = signals, workflows, workflow_versions
    of_user = g.c.rule_id == rule_id, g.c.subject_kind == "user", g.c.subject_id == user_id
    last = conn.execute(select(g.c.kind, g.c.at, g.c.quiet).where(*of_user).order_by(g.c.seq.desc()).limit(1)).first()
    if last is None:
        return "not a member"
    if last.quiet:
        return "counted, not messaged: matched already when the rule was filled"
    published = conn.execute(
        select(func.min(v.c.created_at))
        .select_from(w.join(v, (v.c.workflow_id == w.c.id) & (v.c.version <= w.c.published_version)))
        .where(w.c.id == workflow_id)
    ).scalar_one_or_none()
    if published is not None and last.at < published:
        return f"{last.kind} the rule before the workflow was published"
    return f"{last.kind} the rule; the workflow has not started for it"


def _words(status: str, reason: str | None) -> str:
    return f"{status}: {reason.replace('_', ' ')}" if reason else status
