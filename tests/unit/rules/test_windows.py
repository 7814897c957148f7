"""Windows and days: edges, limits, and the clock changes of time zones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.rules import tree
from antiphon.rules.windows import AHEAD, frame
from antiphon.rules.zones import LocalDays
from factories import NOW


def at(year, month, day, hour=0, minute=0):
    """An instant UTC in ms."""
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(("amount", "unit", "width"), [(5, "minutes", MINUTE), (1, "hours", MINUTE), (61, "minutes", 61_000), (24, "hours", 24 * MINUTE), (7, "days", 7 * DAY // 60)])  # fmt: skip
def test_step_is_a_minute_or_a_sixtieth(amount, unit, width):
    """The left edge moves in steps of max(1 minute, length / 60)."""
    window = frame(tree.Last(amount, unit), LocalDays("UTC"))
    assert window.step == str(width)
    start = window.start(NOW)
    assert NOW - amount * tree.UNIT_MS[unit] - width < start <= NOW - amount * tree.UNIT_MS[unit]
    first = window.first(NOW)
    assert window.first(window.gone_at(first)) == first + 1
    assert window.first(window.gone_at(first) - 1) == first


@pytest.mark.parametrize("window", [tree.Last(5, "minutes"), tree.Last(24, "hours"), tree.Last(3, "months"), tree.Calendar("day"), tree.Calendar("week"), tree.Calendar("month")])  # fmt: skip
def test_limit_keeps_what_may_be_needed(window):
    """A bucket that is in the window is never dropped, even when the newest event lies ahead of now."""
    found = frame(window, LocalDays("Europe/Paris"))
    for now in range(NOW, NOW + 40 * DAY, 7 * HOUR + 13):
        assert found.first(now) >= found.bucket(now + AHEAD) - found.limit


@pytest.mark.parametrize(
    ("zone", "before", "start"),
    [
        ("Europe/Paris", at(2026, 3, 28, 23), at(2026, 3, 28, 23)),  # the day of the change begins at 00:00 +1
        ("Europe/Paris", at(2026, 3, 29, 22), at(2026, 3, 29, 22)),  # the next at 00:00 +2
        ("America/Santiago", at(2026, 9, 6, 4), at(2026, 9, 6, 4)),  # midnight does not exist: 01:00 is the first
        ("Asia/Kolkata", at(2026, 1, 1, 18, 30), at(2026, 1, 1, 18, 30)),
    ],
)
def test_days_begin_at_the_first_instant_that_exists(zone, before, start):
    """A day's start is its first instant, and the instant before belongs to the day before."""
    days = LocalDays(zone)
    day = days.day(before)
    assert days.start(day) == start
    assert days.day(start - 1) == day - 1
    assert days.day(start) == day


def test_offsets_are_found_to_the_quarter():
    """The changes of a zone's clock, as history needs them."""
    offsets = LocalDays("Europe/Paris").offsets(at(2026, 1, 1), at(2026, 12, 31))
    assert offsets == [(at(2026, 1, 1), HOUR), (at(2026, 3, 29, 1), 2 * HOUR), (at(2026, 10, 25, 1), HOUR)]


def test_week_begins_on_monday_and_month_on_the_first():
    """Calendar frames cover whole local days from the period's first."""
    now = at(2026, 9, 23, 12)  # a Wednesday
    days = LocalDays("UTC")
    assert frame(tree.Calendar("week"), days).start(now) == at(2026, 9, 21)
    assert frame(tree.Calendar("month"), days).start(now) == at(2026, 9, 1)
    assert frame(tree.Calendar("month"), days).gone_at(days.day(now)) == at(2026, 10, 1)
