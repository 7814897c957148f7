"""Funnels and retention over history: how many went on to the next step, and how many came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import ibis

from antiphon.errors import InvalidInput
from antiphon.model.clock import DAY
from antiphon.model.subject import SubjectKind
from antiphon.rules.columns import Table
from antiphon.rules.history_leaves import selected
from antiphon.rules.history_rows import HistoryTables, event_rows
from antiphon.rules.tree import Selector

WEEK = 7 * DAY


def funnel(
    steps: Sequence[Selector], kind: SubjectKind, tables: HistoryTables, *, start: int, end: int, within: int
) -> Table:
    """How many subjects did each step after the one before it: rows of `step` (from 1) and `subjects`.

    A subject's way begins with its first event of the first step in [start, end) (ms) and may take `within` ms; each further
    step is the first such event after the step before it. Raises InvalidInput without steps.
    """
    if not steps:
        raise InvalidInput("A funnel has at least one step.")
    events = _between(tables, kind, start, end + within)
    first = events.filter(selected(steps[0], events) & (events["at"] < end))
    reached = first.group_by("subject_id").aggregate(began=first["at"].min())
    reached = reached.mutate(reached=reached.began)
    counts = [reached.aggregate(subjects=reached.count()).mutate(step=ibis.literal(1, "int64"))]
    for number, step in enumerate(steps[1:], 2):
        done = events.filter(selected(step, events)).select(doer="subject_id", done="at")
        after = reached.join(done, reached.subject_id == done.doer)
        after = after.filter((after.done > after.reached) & (after.done <= after.began + within))
        reached = after.group_by("subject_id", "began").aggregate(reached=after.done.min())
        counts.append(reached.aggregate(subjects=reached.count()).mutate(step=ibis.literal(number, "int64")))
    return ibis.union(*counts).select("step", "subjects") if len(counts) > 1 else counts[0].select("step", "subjects")


def retention(
    first: Selector, back: Selector, kind: SubjectKind, tables: HistoryTables, *, start: int, end: int
) -> Table:
    """How many came back each week: rows of `cohort`, `week` and `subjects`.

    A subject belongs to the cohort of the week (numbered from the epoch, Mondays UTC) of its first event of `first` in
    [start, end) (ms). Week n has those with an event of `back` n whole weeks after that event.
    """
    events = _between(tables, kind, start, end)
    begun = events.filter(selected(first, events))
    began = begun.group_by(starter=begun.subject_id).aggregate(began=begun["at"].min())
    came = events.filter(selected(back, events)).select("subject_id", "at")
    joined = came.join(began, came.subject_id == began.starter)
    joined = joined.filter(joined["at"] >= joined.began)
    weeks = joined.select(
        "subject_id",
        cohort=((joined.began + 3 * DAY) / WEEK).floor().cast("int64"),
        week=((joined["at"] - joined.began) / WEEK).floor().cast("int64"),
    ).distinct()
    return weeks.group_by("cohort", "week").aggregate(subjects=weeks.count())


def _between(tables: HistoryTables, kind: SubjectKind, start: int, end: int) -> Table:
    """The events of [start, end) by subject; asked of the table itself, so that files outside are not read."""
    events = tables.events
    at = [
        ibis.literal(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms), "timestamp('UTC')")
        for ms in (start, end)
    ]
    kept = events.filter((events.timestamp >= at[0]) & (events.timestamp < at[1]))
    return event_rows(HistoryTables(kept, tables.profiles, tables.identities), kind)
