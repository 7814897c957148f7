"""Windows as frames: which buckets of time a window covers at an instant, and when each of them leaves it.

A sliding window's left edge moves in steps of max(1 minute, length / 60), aligned to the epoch, and is rounded down, so
that the window never covers less than asked. A calendar window is made of whole local days. Live evaluation, history
and explain all take a window's edge from here.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from antiphon.errors import InvalidInput
from antiphon.model.clock import MINUTE
from antiphon.rules.tree import Between, Calendar, Ever, Last, Window
from antiphon.rules.zones import LocalDays

AHEAD = 5 * MINUTE
"""An event's timestamp lies at most so far after the time it is evaluated at (ingest clamps it)."""

STEPS = 60
"""A sliding window moves in so many steps over its length, or by the minute when that is more."""


class Frame(Protocol):
    """A window over buckets of time; instants are ms since the epoch."""

    @property
    def step(self) -> str:
        """What its buckets are; metrics of one selector and one step share their buckets."""
        ...

    @property
    def limit(self) -> int:
        """How many buckets before the newest may still be needed."""
        ...

    @property
    def last(self) -> int | None:
        """The last bucket that the window covers at any time; None when it reaches to the newest."""
        ...

    @property
    def moves(self) -> bool:
        """Whether buckets leave the window as time passes."""
        ...

    def bucket(self, instant: int) -> int | None:
        """The bucket that an instant falls into; None when it is never in the window."""
        ...

    def first(self, now: int) -> int:
        """The first bucket that the window covers at `now`."""
        ...

    def start(self, now: int) -> int | None:
        """The first instant that the window covers at `now`; None when it has no start."""
        ...

    def gone_at(self, bucket: int) -> int:
        """When a bucket leaves the window."""
        ...

    def known_at(self, first_seen: int) -> int | None:
        """From when on a subject has been known for the window's whole length; None: never."""
        ...

    def known_by(self, now: int) -> int | None:
        """When a subject must have been first seen to be known for the window's whole length at `now`; None: never."""
        ...


class EverFrame:
    """No start: one bucket, which never leaves."""

    step = "ever"
    limit = 0
    last = None
    moves = False

    def bucket(self, instant: int) -> int:
        """Always the one bucket."""
        del instant
        return 0

    def first(self, now: int) -> int:
        """Always the one bucket."""
        del now
        return 0

    def start(self, now: int) -> int | None:
        """There is none."""
        del now

    def gone_at(self, bucket: int) -> int:
        """Never; it is not asked."""
        raise NotImplementedError(bucket)

    def known_at(self, first_seen: int) -> int:
        """From the first event on."""
        return first_seen

    def known_by(self, now: int) -> int:
        """Any time."""
        return now


class SlidingFrame:
    """The last so many ms."""

    last = None
    moves = True

    def __init__(self, length: int) -> None:
        """Take the length in ms, of whole minutes."""
        self.length = length
        self.width = max(MINUTE, length // STEPS)
        self.buckets = length // self.width
        self.step = f"{self.width}"
        self.limit = (length + AHEAD) // self.width + 1

    def bucket(self, instant: int) -> int:
        """Buckets are numbered from the epoch."""
        return instant // self.width

    def first(self, now: int) -> int:
        """The bucket that the left edge lies in, wholly counted."""
        return (now - self.length) // self.width

    def start(self, now: int) -> int | None:
        """Where the first bucket begins."""
        return self.first(now) * self.width

    def gone_at(self, bucket: int) -> int:
        """When the left edge reaches the next bucket."""
        return (bucket + 1) * self.width + self.length

    def known_at(self, first_seen: int) -> int:
        """One length after the first event, to the millisecond."""
        return first_seen + self.length

    def known_by(self, now: int) -> int:
        """One length ago, to the millisecond."""
        return now - self.length


class CalendarFrame:
    """The current day, week (from Monday) or month of a time zone, over buckets of a local day each."""

    last = None
    moves = True
    _LIMITS = {"day": 2, "week": 8, "month": 32}  # noqa: RUF012 - never changed

    def __init__(self, period: str, days: LocalDays) -> None:
        """Take `day`, `week` or `month`."""
        self._period = period
        self._days = days
        self.step = f"day:{days.name}"
        self.limit = self._LIMITS[period]

    def same_as(self, other: CalendarFrame) -> bool:
        """Whether both are the same window."""
        return (self._period, self.step) == (other._period, other.step)

    def bucket(self, instant: int) -> int:
        """The local day's number."""
        return self._days.day(instant)

    def first(self, now: int) -> int:
        """The first day of the current period."""
        return first_day(self._period, self._days.day(now))

    def start(self, now: int) -> int:
        """The first instant of the current period."""
        return self._days.start(self.first(now))

    def gone_at(self, bucket: int) -> int:
        """When the next period begins."""
        return self._days.start(next_first_day(self._period, bucket))

    def known_at(self, first_seen: int) -> int:
        """The first start of a period that the subject was known at."""
        day = self._days.day(first_seen)
        start = self._days.start(first_day(self._period, day))
        return first_seen if start == first_seen else self.gone_at(day)

    def known_by(self, now: int) -> int:
        """When the current period began."""
        return self._days.start(self.first(now))


class BetweenFrame:
    """From the start of one day to the end of another: one bucket, which only takes what lies between."""

    limit = 0
    last = None
    moves = False

    def __init__(self, start: int, end: int) -> None:
        """Take the first instant, and the first after it (ms)."""
        self._start, self._end = start, end
        self.step = f"between:{start}:{end}"

    def bucket(self, instant: int) -> int | None:
        """The one bucket, or none."""
        return 0 if self._start <= instant < self._end else None

    def first(self, now: int) -> int:
        """The one bucket."""
        del now
        return 0

    def start(self, now: int) -> int:
        """The same at any time."""
        del now
        return self._start

    def end(self) -> int:
        """The first instant after the window."""
        return self._end

    def gone_at(self, bucket: int) -> int:
        """Never; it is not asked."""
        raise NotImplementedError(bucket)

    def known_at(self, first_seen: int) -> int | None:
        """When the window is over, for who was known at its start."""
        return self._end if first_seen <= self._start else None

    def known_by(self, now: int) -> int | None:
        """The window's start, once it is over."""
        return self._start if now >= self._end else None


def first_day(period: str, day: int) -> int:
    """The first day of the day, week or month that a day lies in."""
    if period == "day":
        return day
    if period == "week":
        return day - (day - 1) % 7
    return date.fromordinal(day).replace(day=1).toordinal()


def next_first_day(period: str, day: int) -> int:
    """The first day of the day, week or month after the one that a day lies in."""
    if period == "month":
        return first_day(period, first_day(period, day) + 31)
    return first_day(period, day) + (1 if period == "day" else 7)


def frame(window: Window, days: LocalDays) -> Frame:
    """The frame of a window that is the same for all subjects; `days` are those of the workspace's time zone.

    Raises InvalidInput for a window that depends on a trait, see `trait_windows.py`.
    """
    if isinstance(window, Ever):
        return EverFrame()
    if isinstance(window, Last):
        return SlidingFrame(window.length.ms)
    if isinstance(window, Calendar) and window.zone == "workspace":
        return CalendarFrame(window.period, days)
    if isinstance(window, Between):
        first, last = (date.fromisoformat(day).toordinal() for day in (window.start, window.end))
        return BetweenFrame(days.start(first), days.start(last + 1))
    raise InvalidInput(f"The window {type(window).__name__} depends on the subject.")
