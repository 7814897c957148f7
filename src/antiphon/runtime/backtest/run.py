"""Backtest: a rule, with its workflow if it has one, replayed over the past; who would have been messaged, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from antiphon.model.backtest import BacktestReport, RuleFile
from antiphon.model.event import INTERNAL, Event
from antiphon.runtime.backtest.expectations import unmet
from antiphon.runtime.backtest.past_events import PastEvents
from antiphon.runtime.backtest.plan import Plan, World, understand
from antiphon.runtime.backtest.replay import Replay, open_replay
from antiphon.runtime.backtest.report import report_of
from antiphon.runtime.backtest.switch_on import add_rules, add_workflow

Progress = Callable[[int, int], None]
"""`progress(done, total)`: how many events of the period have been replayed."""

TOLD_EACH = 500


def backtest(
    file: RuleFile, past: PastEvents, world: World, *, progress: Progress | None = None, limit: int | None = None
) -> BacktestReport:
    """Replay `file` over `past`; the report's lists hold at most `limit` messages.

    Raises InvalidInput for a rule, a workflow or a period that cannot be used.
    """
    began = time.perf_counter()
    plan = understand(file, past, world)
    with open_replay(plan.since, plan.time_zone, lambda: kept(plan, past.before(plan.since))) as replay:
        replay.load(kept(plan, past.people_before(plan.since)))
        rule_id = switch_on(replay, plan)
        counted = _Counted(past.count(plan.since, plan.until), progress)
        events = counted.each(kept(plan, past.between(plan.since, plan.until)))
        replay.live(events, plan.until, rule_id, acting=plan.workflow is not None)
        report = report_of(replay, plan, rule_id)
    report.events, report.late = counted.done, counted.late
    report.unmet = unmet(file.expect, report)
    report.took_ms = round((time.perf_counter() - began) * 1_000, 1)
    if limit is not None:
        report.messages, report.not_sent = report.messages[:limit], report.not_sent[:limit]
    return report


def kept(plan: Plan, events: Iterable[Event]) -> Iterator[Event]:
    """The past without what the rules replayed here said about it when they were live: they say it anew."""
    names = {plan.name, *plan.segments}
    for event in events:
        said = event.flags & INTERNAL and event.name in {"segment_entered", "segment_left"}
        if not (said and event.properties.get("rule") in names):
            yield event


def switch_on(replay: Replay, plan: Plan) -> int | None:
    """Put the rules and the workflow in force at the start of the period; the rule's id.

    As on a live server, who matches already is counted and not messaged.
    """
    with replay.store.state.write() as conn:
        rule_id = add_rules(conn, plan)
    replay.settle()
    with replay.store.state.write() as conn:
        add_workflow(conn, plan, rule_id)
    replay.settle()
    return rule_id


class _Counted:
    """Counts events on their way, and tells of it."""

    def __init__(self, total: int, tell: Progress | None) -> None:
        self.done = self.late = 0
        self._total = total
        self._tell = tell

    def each(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events."""
        tell = self._tell
        for event in events:
            self.done += 1
            self.late += event.late
            if tell is not None and self.done % TOLD_EACH == 0:
                tell(self.done, self._total)
            yield event
        if tell is not None:
            tell(self._total, self._total)
