"""Windows whose edges depend on a trait of the subject: its time zone, or a date.

A trait may change, and may arrive after the events that it is about. So what is kept of the events does not depend on it:
quarters of an hour for time zones (every zone's days begin at one), whole days UTC for dates. Only the frame, made anew from
the trait whenever the subject is judged, says which of these buckets the window covers.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import available_timezones

import msgspec

from antiphon.model.clock import DAY, HOUR
from antiphon.rules import tree, values
from antiphon.rules.windows import AHEAD, Frame, first_day, next_first_day
from antiphon.rules.zones import EPOCH_DAY, QUARTER, LocalDays, local_days

YEARS_KEPT = 100 * 366
"""Days kept for a window since a date, which may lie any time back."""

EARLIEST = (1 - EPOCH_DAY) * DAY
"""The first instant of the year 1: what comes before is no date."""

_QUARTERS = {"day": 1, "week": 7, "month": 31}
_MONTH_DAYS, _YEAR_DAYS = 32, 367


class TraitRead(msgspec.Struct, frozen=True):
    """The trait that a window depends on."""

    owner: tree.Owner
    name: str


class TraitWindow(Protocol):
    """A window that depends on a trait; `step`, `limit` and `bucket` are those of `windows.Frame`, and do not."""

    @property
    def step(self) -> str:
        """What its buckets are."""
        ...

    @property
    def limit(self) -> int:
        """How many buckets before the newest may still be needed."""
        ...

    @property
    def reads(self) -> TraitRead:
        """The trait."""
        ...

    def bucket(self, instant: int) -> int | None:
        """The bucket that an instant falls into."""
        ...

    def at(self, value: Any) -> Frame | None:
        """The frame for a value of the trait (None: it is missing); None when there is no window."""
        ...


class ZoneWindow:
    """The current day, week or month in the time zone that a trait names, else in the workspace's."""

    step = f"{QUARTER}"

    def __init__(self, window: tree.Calendar, days: LocalDays) -> None:
        """Take a window in the user's or the company's time zone, and the days of the workspace's."""
        self._period, self._days = window.period, days
        self.reads = TraitRead("company" if window.zone == "company" else "own", tree.ZONE_TRAIT)
        self.limit = (_QUARTERS[window.period] * DAY + 2 * HOUR + AHEAD) // QUARTER + 1
        self._frames: dict[str, Frame] = {}

    def bucket(self, instant: int) -> int:
        """Quarters of an hour from the epoch."""
        return instant // QUARTER

    def at(self, value: Any) -> Frame:
        """The frame in the zone that is named; a name that is no zone's gives the workspace's."""
        name = value if type(value) is str and value in zone_names() else self._days.name
        found = self._frames.get(name)
        if found is None:
            found = self._frames[name] = ZoneFrame(self._period, local_days(name), self.limit)
        return found


class ZoneFrame:
    """The current day, week or month of a time zone, over quarters of an hour."""

    step = ZoneWindow.step
    last = None
    moves = True

    def __init__(self, period: str, days: LocalDays, limit: int) -> None:
        """Take the period and the days of the zone."""
        self._period, self._days, self.limit = period, days, limit

    def bucket(self, instant: int) -> int:
        """Quarters of an hour from the epoch."""
        return instant // QUARTER

    def first(self, now: int) -> int:
        """The quarter that the period begins with."""
        return self.start(now) // QUARTER

    def start(self, now: int) -> int:
        """The first instant of the current period."""
        return self._days.start(first_day(self._period, self._days.day(now)))

    def gone_at(self, bucket: int) -> int:
        """When the next period begins."""
        return self._days.start(next_first_day(self._period, self._days.day(bucket * QUARTER)))

    def known_at(self, first_seen: int) -> int:
        """The first start of a period that the subject was known at."""
        return first_seen if self.start(first_seen) == first_seen else self.gone_at(first_seen // QUARTER)

    def known_by(self, now: int) -> int:
        """When the current period began."""
        return self.start(now)


class UtcDays:
    """What begins at a date of somebody's own is counted in days UTC."""

    step = "day:UTC"

    def bucket(self, instant: int) -> int:
        """The day UTC of an instant in ms."""
        return instant // DAY + EPOCH_DAY


class BillingWindow(UtcDays):
    """The current month or year counted from a date trait."""

    def __init__(self, window: tree.BillingPeriod) -> None:
        """Take the window."""
        self.reads = TraitRead(window.owner, window.trait)
        self._yearly = window.every == "year"
        self.limit = _YEAR_DAYS if self._yearly else _MONTH_DAYS

    def at(self, value: Any) -> Frame | None:
        """The frame of a date; None for no date."""
        instant = dated(value)
        if instant is None:
            return None
        anchor = date.fromordinal(instant // DAY + EPOCH_DAY)
        return BillingFrame(anchor.month if self._yearly else None, anchor.day, self.limit)


class BillingFrame(UtcDays):
    """The month from a day of the month on, or the year from a day of the year on, in days UTC.

    In a month that has no such day, it begins on the month's last day.
    """

    last = None
    moves = True

    def __init__(self, month: int | None, day: int, limit: int) -> None:
        """Take the month that a year begins in (None: each month), and the day of the month."""
        self._month, self._day, self.limit = month, day, limit

    def first(self, now: int) -> int:
        """The day that the current period began on."""
        return self._first_day(self.bucket(now))

    def start(self, now: int) -> int:
        """Midnight UTC of that day."""
        return _midnight(self.first(now))

    def gone_at(self, bucket: int) -> int:
        """When the next period begins."""
        first = date.fromordinal(self._first_day(bucket))
        if self._month is not None:
            return _midnight(_clamped(first.year + 1, self._month, self._day))
        return _midnight(_clamped(first.year + first.month // 12, first.month % 12 + 1, self._day))

    def known_at(self, first_seen: int) -> int:
        """The first start of a period that the subject was known at."""
        return first_seen if self.start(first_seen) == first_seen else self.gone_at(self.bucket(first_seen))

    def known_by(self, now: int) -> int:
        """When the current period began."""
        return self.start(now)

    def _first_day(self, day: int) -> int:
        today = date.fromordinal(day)
        begun = _clamped(today.year, self._month or today.month, self._day)
        if begun <= day:
            return begun
        if self._month is not None:
            return _clamped(today.year - 1, self._month, self._day)
        last_month = today.replace(day=1).toordinal() - 1
        return _clamped(date.fromordinal(last_month).year, date.fromordinal(last_month).month, self._day)


class SinceWindow(UtcDays):
    """From the day of a date trait on, perhaps for some days only."""

    limit = YEARS_KEPT

    def __init__(self, window: tree.SinceTrait) -> None:
        """Take the window."""
        self.reads = TraitRead(window.owner, window.trait)
        self._days = None if window.within is None else window.within.ms // DAY

    def at(self, value: Any) -> Frame | None:
        """The frame of a date; None for no date."""
        instant = dated(value)
        if instant is None:
            return None
        first = self.bucket(instant)
        return SinceFrame(first, None if self._days is None else first + self._days)


class SinceFrame(UtcDays):
    """From one day UTC on, perhaps to another: it does not move."""

    limit = YEARS_KEPT
    moves = False

    def __init__(self, first: int, last: int | None) -> None:
        """Take the numbers of the first and the last day."""
        self._first, self.last = first, last

    def first(self, now: int) -> int:
        """The day of the date."""
        del now
        return self._first

    def start(self, now: int) -> int:
        """Its midnight UTC."""
        del now
        return _midnight(self._first)

    def gone_at(self, bucket: int) -> int:
        """Never; it is not asked."""
        raise NotImplementedError(bucket)

    def known_at(self, first_seen: int) -> int | None:
        """For who was first seen by the end of the first day: when the window has begun, or is over if it has an end."""
        return self._observed if first_seen < _midnight(self._first + 1) else None

    def known_by(self, now: int) -> int | None:
        """The end of the first day, once the window has begun, or is over if it has an end."""
        return _midnight(self._first + 1) - 1 if now >= self._observed else None

    @property
    def _observed(self) -> int:
        return _midnight(self._first if self.last is None else self.last + 1)


def trait_window(window: tree.Window, days: LocalDays) -> TraitWindow | None:
    """The window if it depends on a trait; `days` are those of the workspace's time zone."""
    if isinstance(window, tree.Calendar) and window.zone != "workspace":
        return ZoneWindow(window, days)
    if isinstance(window, tree.BillingPeriod):
        return BillingWindow(window)
    if isinstance(window, tree.SinceTrait):
        return SinceWindow(window)
    return None


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The time zones that a trait may name."""
    return frozenset(available_timezones())


def dated(value: Any) -> int | None:
    """The instant (ms) that a trait names, from the year 1 on; None for no date."""
    instant = values.date(value)
    return None if instant is None or instant < EARLIEST else instant


def _clamped(year: int, month: int, day: int) -> int:
    return date(year, month, min(day, monthrange(year, month)[1])).toordinal()


def _midnight(day: int) -> int:
    return (day - EPOCH_DAY) * DAY
