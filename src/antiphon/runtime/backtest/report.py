"""What a replay found, as a report."""

from __future__ import annotations

from datetime import date

from antiphon.model.backtest import BacktestDay, BacktestReport, NotSent, WouldSend
from antiphon.model.workflow import SendStep
from antiphon.rules.render import render
from antiphon.rules.zones import LocalDays
from antiphon.runtime.backtest.plan import Plan
from antiphon.runtime.backtest.replay import Replay
from antiphon.store import replayed


def report_of(replay: Replay, plan: Plan, rule_id: int | None) -> BacktestReport:
    """Who entered and left the rule numbered so, and what would have been sent; nothing of the events is counted yet."""
    days = LocalDays(plan.time_zone)
    by_day: dict[int, BacktestDay] = {}

    def day(at: int) -> BacktestDay:
        number = days.day(at)
        return by_day.setdefault(number, BacktestDay(day=date.fromordinal(number).isoformat()))

    messages: list[WouldSend] = []
    for move in replay.moves:
        if move.kind == "left":
            day(move.at).left += 1
            continue
        day(move.at).entered += 1
        if plan.workflow is None:
            messages.append(WouldSend(subject_id=move.subject_id, at=move.at))
    with replay.store.state.read() as conn:
        already = 0 if rule_id is None else replayed.entered_quietly(conn, rule_id)
        skipped = replayed.unsent_steps(conn)
        steps = plan.workflow.steps if plan.workflow is not None else []
        named = {step.id: step.template_id for step in steps if isinstance(step, SendStep)}
        messages += [
            WouldSend(
                subject_id=row.user_id,
                at=row.created_at,
                step_id=row.step_id,
                template_id=named.get(row.step_id or ""),
                recipient=row.recipient,
            )
            for row in replayed.queued_messages(conn)
        ]
    for message in messages:
        day(message.at).messages += 1
    not_sent = [
        NotSent(subject_id=row.user_id, at=row.at, step_id=row.step_id, reason=row.reason or "failed")
        for row in skipped
    ]
    notes: list[str] = []
    if plan.workflow is not None and plan.subject == "company":
        notes.append("Workflows message users; a rule about companies starts none.")
    return BacktestReport(
        name=plan.name,
        text=None if plan.rule is None else render(plan.rule),
        subject=plan.subject,
        since=plan.since,
        until=plan.until,
        time_zone=plan.time_zone,
        events=0,
        late=0,
        already=already,
        entered=sum(one.entered for one in by_day.values()),
        left=sum(one.left for one in by_day.values()),
        subjects=len({message.subject_id for message in messages}),
        messages_total=len(messages),
        not_sent_total=len(not_sent),
        messages=messages,
        not_sent=not_sent,
        days=[by_day[number] for number in sorted(by_day)],
        unmet=[],
        notes=notes,
        took_ms=0,
    )
