"""Sequences and missing follow-ups over history: one row for each subject of which there is something to say."""

from __future__ import annotations

from collections.abc import Callable

import ibis

from antiphon.rules import tree
from antiphon.rules.columns import Flags, Numbers, Table
from antiphon.rules.windows import SlidingFrame

Chosen = Callable[[tree.Selector, Table], Flags]
"""Whether each event meets a selector."""


def sequence_rows(node: tree.Sequence, events: Table, chosen: Chosen, name: str) -> Table:
    """The subjects (`side_id`) that completed a sequence, each with a number in the column `name`.

    From step to step, each event takes over the latest start of a chain that an earlier event ends.
    """
    flags = [chosen(step, events) for step in node.steps]
    any_step = flags[0]
    for flag in flags[1:]:
        any_step = any_step | flag
    hits = events.mutate(**{f"step_{index}": ibis.ifelse(flag, 1, 0) for index, flag in enumerate(flags)}).filter(
        any_step
    )
    rows = hits.group_by(side_id=hits.subject_id, at=hits["at"]).aggregate(
        **{f"step_{index}": hits[f"step_{index}"].max() for index in range(len(flags))}
    )
    rows = rows.mutate(start=ibis.ifelse(rows.step_0 == 1, rows["at"], ibis.null("int64")))
    for index in range(1, len(flags)):
        before = ibis.window(group_by=rows.side_id, order_by=rows["at"], preceding=(None, 1))
        rows = rows.mutate(before=rows.start.max().over(before))
        rows = rows.mutate(start=ibis.ifelse(rows[f"step_{index}"] == 1, rows.before, ibis.null("int64")))
    complete = rows.filter((rows["at"] - rows.start <= node.within.ms).fill_null(False))
    return complete.group_by("side_id").aggregate(**{name: complete.count()})


def follow_up_rows(node: tree.FollowUpMissing, events: Table, chosen: Chosen, name: str) -> Table:
    """The subjects (`side_id`) with an open A, and the instant (ms) of the first in the column `name`.

    Of the A's in one step of time the first and the last are looked at, see `follow_ups.py`.
    """
    width = SlidingFrame(node.wait.ms).width
    hits = events.mutate(opens=chosen(node.did, events), closes=chosen(node.then_not, events))
    hits = hits.filter(hits.opens | hits.closes)
    steps = hits.group_by(side_id=hits.subject_id, step=hits["at"] // width).aggregate(
        first=hits["at"].min(where=hits.opens),
        last=hits["at"].max(where=hits.opens),
        closed=hits["at"].max(where=hits.closes),
    )
    steps = steps.mutate(closed=steps.closed.max().over(ibis.window(group_by=steps.side_id)).fill_null(0))
    nothing = ibis.null("int64")
    is_open: Numbers = ibis.ifelse(
        steps["first"] >= steps.closed,
        steps["first"],
        ibis.ifelse(steps["last"] >= steps.closed, steps["last"], nothing),
    )
    return steps.group_by("side_id").aggregate(**{name: is_open.min()})
