"""The edges of windows over history: constants, or columns where they depend on a trait of the subject."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, cast

import ibis
import msgspec

from antiphon.model.clock import DAY
from antiphon.rules import tree
from antiphon.rules.columns import Column, Flags, Numbers, Table, Values
from antiphon.rules.history_rows import instant
from antiphon.rules.known import latest_first_seen, needed_length
from antiphon.rules.trait_windows import EARLIEST, ZoneFrame, zone_names
from antiphon.rules.windows import BetweenFrame, frame
from antiphon.rules.zones import EPOCH_DAY, LocalDays, local_days

Make = Callable[[Table], Any]
"""A column of the joined rows, made once they are there."""


class Edges(msgspec.Struct, frozen=True):
    """A window at one instant: from `start` until before `end` (ms), None where it is open.

    An edge that is a text names a column of the subjects, which is NULL where there is no window.
    """

    start: int | str | None = None
    end: int | str | None = None

    def covers(self, events: Table) -> Flags | None:
        """Whether each event lies in the window; None when all do."""
        flags: list[Flags] = []
        if self.start is not None:
            flags.append(_from(events, self.start))
        if self.end is not None:
            flags.append(~_from(events, self.end))
        if not flags:
            return None
        covered = flags[0] if len(flags) == 1 else flags[0] & flags[1]
        return covered.fill_null(False)

    @property
    def column(self) -> str | None:
        """The column that tells whether a subject has such a window; None when all have."""
        return self.start if isinstance(self.start, str) else None


def _from(events: Table, edge: int | str) -> Flags:
    return events["at"] >= events[edge] if isinstance(edge, str) else events.timestamp >= instant(edge)


class WindowEdges:
    """Finds the edges of windows at one instant, and collects the columns that they need of each subject."""

    def __init__(
        self, days: LocalDays, now: int, column: Callable[[tree.Owner, str], Callable[[Table], Column]]
    ) -> None:
        """Take the days of the workspace's zone, the instant (ms) to look from, and how to read a trait."""
        self._days, self._now, self._trait = days, now, column
        self._names: dict[bytes, str] = {}
        self.columns: dict[str, Make] = {}

    def of(self, window: tree.Window) -> Edges:
        """The edges of a window."""
        if isinstance(window, tree.Calendar) and window.zone != "workspace":
            zone = self._trait("company" if window.zone == "company" else "own", tree.ZONE_TRAIT)
            return Edges(self._column(window, lambda rows: self._zoned(window, zone(rows))))
        if isinstance(window, tree.BillingPeriod):
            anchor = self._trait(window.owner, window.trait)
            return Edges(self._column(window, lambda rows: self._billed(window, anchor(rows))))
        if isinstance(window, tree.SinceTrait):
            return self._since(window)
        fixed = frame(window, self._days)
        return Edges(fixed.start(self._now), fixed.end() if isinstance(fixed, BetweenFrame) else None)

    def latest_first_seen(self, node: tree.Measure, edges: Edges) -> Make:
        """When a subject must have been first seen (ms) to be known for long enough; NULL: nobody is."""
        column, now = edges.column, self._now
        if column is None or needed_length(node) is not None:
            window = tree.Ever() if column is not None else node.window
            fixed = latest_first_seen(node, frame(window, self._days), now)
            return lambda _: ibis.null("int64") if fixed is None else ibis.literal(fixed)
        if not isinstance(node.window, tree.SinceTrait):
            return lambda rows: rows[column]
        observed = column if edges.end is None else str(edges.end)
        return lambda rows: ibis.ifelse(rows[observed] <= now, rows[column] + (DAY - 1), ibis.null("int64"))

    def _column(self, window: tree.Window, make: Make) -> str:
        name = self._names.setdefault(tree.canonical(window), f"edge_{len(self._names)}")
        self.columns.setdefault(name, make)
        return name

    def _since(self, window: tree.SinceTrait) -> Edges:
        column = self._trait(window.owner, window.trait)
        start = self._column(
            tree.SinceTrait(window.trait, window.owner), lambda rows: (_dated(column(rows)) // DAY) * DAY
        )
        if window.within is None:
            return Edges(start)
        after = window.within.ms + DAY
        return Edges(start, self._column(window, lambda rows: (_dated(column(rows)) // DAY) * DAY + after))

    def _zoned(self, window: tree.Calendar, zone: Column) -> Numbers:
        starts = zone_starts(window.period, self._now)
        cases = [(zone.text.isin(names), start) for start, names in starts]
        default = frame(tree.Calendar(window.period), self._days).start(self._now)
        return ibis.cases(*cases, else_=default)

    def _billed(self, window: tree.BillingPeriod, anchor: Column) -> Numbers:
        """The newest of the days on which a period can have begun, this year or last, this month or last."""
        found = instant_of(_dated(anchor))
        today = date.fromordinal(self._now // DAY + EPOCH_DAY)
        if window.every == "month":
            last = today.replace(day=1) - timedelta(days=1)
            begun, before = (_clamped(day.year, day.month, found.day()) for day in (today, last))
        else:
            months = found.month()
            begun, before = (
                ibis.cases(*((months == month, _clamped(year, month, found.day())) for month in range(1, 13)))
                for year in (today.year, today.year - 1)
            )
        begun, before = cast("tuple[Numbers, Numbers]", (begun, before))
        return ibis.ifelse(begun <= self._now // DAY, begun, before).cast("int64") * DAY


def _dated(column: Column) -> Numbers:
    return ibis.ifelse(column.date >= EARLIEST, column.date, ibis.null("int64"))


def _clamped(year: int, month: int, day: Numbers) -> Numbers:
    """A day of a month, or its last, in days from 1970."""
    first, length = date(year, month, 1).toordinal() - EPOCH_DAY, monthrange(year, month)[1]
    clamped: Numbers = ibis.ifelse(day > length, length, day)
    return clamped + (first - 1)


@lru_cache(maxsize=64)
def zone_starts(period: str, now: int) -> list[tuple[int, list[str]]]:
    """When the current day, week or month of each time zone began (ms), with the zones' names."""
    found: dict[int, list[str]] = {}
    for name in sorted(zone_names()):
        found.setdefault(ZoneFrame(period, local_days(name), 0).start(now), []).append(name)
    return list(found.items())


def instant_of(ms: Numbers) -> Values:
    """Milliseconds since 1970 as a timestamp of whole seconds."""
    return (ms // 1000).as_timestamp("s")
