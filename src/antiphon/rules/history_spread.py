"""Aggregates over history that need rows of their own: percentiles, and the value of the first or last event.

Percentiles are weighted, and exact while there are few different numbers, see `sketches.py`.
"""

from __future__ import annotations

import ibis

from antiphon.rules.columns import Column, Flags, Numbers, Table, cells
from antiphon.rules.sketches import NUMBERS


def percentile_rows(events: Table, hit: Flags, number: Numbers, percent: int, name: str) -> Table:
    """The subjects (`side_id`) with a number among the events that are hit, and the percentile in the column `name`."""
    numbers = events.mutate(number=number).filter(hit & number.notnull())
    weighted = numbers.group_by(side_id=numbers.subject_id, number=numbers.number).aggregate(
        weight=numbers.weight.sum()
    )
    different = weighted.number.count().over(ibis.window(group_by=weighted.side_id))
    placed = weighted.mutate(different=different)
    placed = placed.mutate(place=ibis.ifelse(placed.different <= NUMBERS, placed.number, cells(placed.number)))
    spread = placed.group_by("side_id", "place").aggregate(weight=placed.weight.sum())
    below = ibis.window(group_by=spread.side_id, order_by=spread.place, preceding=None, following=0)
    passed = spread.mutate(
        passed=spread.weight.sum().over(below), whole=spread.weight.sum().over(ibis.window(group_by=spread.side_id))
    )
    enough = passed.filter(passed.passed * 100 >= passed.whole * percent)
    return enough.group_by("side_id").aggregate(**{name: enough.place.min()})


def picked_rows(events: Table, hit: Flags, column: Column, name: str, *, newest: bool) -> Table:
    """The subjects (`side_id`) of which an event that is hit has a value, and that of the first or last as JSON text in the column `name`."""
    there = events.mutate(picked=column.json.cast("string")).filter(hit & column.exists)
    order = [there[key].desc() if newest else there[key].asc() for key in ("at", "event_id", "source")]
    ranked = there.mutate(place=ibis.row_number().over(group_by=there.subject_id, order_by=order))
    best = ranked.filter(ranked.place == 0)
    return best.select(side_id=best.subject_id, **{name: best.picked})
