"""Windows whose edges depend on a trait: time zones with changes of the clock, billing periods, dates."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from antiphon.errors import RuleSyntaxError
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.rules import tree
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import SubjectState, SubjectView
from antiphon.rules.text import parse
from antiphon.rules.trait_windows import trait_window
from antiphon.rules.windows import AHEAD
from antiphon.rules.zones import LocalDays
from factories import NOW, track


def at(zone, *parts):
    """An instant (ms) of a zone's clock."""
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def program_of(text):
    """A program of one rule about users, in a workspace in UTC."""
    return compile_program(
        [RuleSpec(id=1, version=1, subject_kind="user", tree=parse(text), name="r")], [], time_zone="UTC"
    )


def verdict(text, instants, now, traits, first_seen=None):
    """(truth, recheck_at) for a user with events `a` at these instants."""
    program, state = program_of(text), SubjectState()
    for instant in instants:
        event = track("a", at=instant)
        program.fold(state, event, program.touch(event).user)
    state.first_seen = first_seen or state.first_seen
    found = program.evaluate(1, SubjectView(state, traits), now)
    return found.truth, found.recheck_at


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Paris", (2026, 10, 25), 25),
        ("Europe/Paris", (2026, 3, 29), 23),
        ("America/New_York", (2026, 11, 1), 25),
        ("Australia/Lord_Howe", (2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("America/Santiago", (2026, 9, 6), 23),  # midnight does not exist
        ("Africa/Cairo", (2026, 4, 24), 23),  # nor here
        ("Asia/Kathmandu", (2026, 6, 1), 24),
    ],
)
def test_today_is_the_users_day(zone, day, hours):
    """A user's day begins and ends with the clock of its zone, and has as many hours as that day has."""
    rule, traits = "count of a today in the user's time zone >= 1", {"timezone": zone}
    start = at(zone, *day)
    end = start + int(hours * HOUR)
    assert verdict(rule, [start], start, traits) == (True, end)
    assert verdict(rule, [start], end - 1, traits) == (True, end)
    assert verdict(rule, [start], end, traits) == (False, None)
    assert verdict(rule, [start - 1], start, traits) == (False, None)


def test_an_unknown_zone_is_the_workspaces():
    """Without a zone, and with one that does not exist, the day is the workspace's."""
    midnight = at("UTC", 2026, 9, 21)
    for traits in ({}, {"timezone": "Mars/Phobos"}, {"timezone": 5}, {"timezone": "../etc/passwd"}):
        assert verdict("count of a today in the user's time zone >= 1", [midnight], midnight, traits)[0]
        assert not verdict("count of a today in the user's time zone >= 1", [midnight - 1], midnight, traits)[0]


def test_a_zone_that_comes_late_counts():
    """What is kept of the events does not depend on the trait: the day is that of the zone known when judged."""
    rule, event = "count of a today in the user's time zone >= 1", at("Asia/Kathmandu", 2026, 9, 22, 1)
    now = at("Asia/Kathmandu", 2026, 9, 22, 6)
    assert verdict(rule, [event], now, {"timezone": "Asia/Kathmandu"})[0]
    assert not verdict(rule, [event], now, {"timezone": "UTC"})[0]


@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe", "Africa/Cairo"])
def test_enough_quarters_are_kept(period, zone):
    """No quarter of an hour that a period may need is dropped."""
    window = trait_window(tree.Calendar(period, "user"), LocalDays("UTC"))
    found = window.at(zone)
    for now in range(NOW, NOW + 200 * DAY, 7 * HOUR + 13):
        assert found.first(now) >= found.bucket(now + AHEAD) - window.limit


@pytest.mark.parametrize(
    ("anchor", "every", "now", "start", "end"),
    [
        ("2024-01-31", "month", (2026, 2, 27), (2026, 1, 31), (2026, 2, 28)),
        ("2024-01-31", "month", (2026, 2, 28), (2026, 2, 28), (2026, 3, 31)),
        ("2024-01-31", "month", (2026, 4, 30), (2026, 4, 30), (2026, 5, 31)),
        ("2024-01-15", "month", (2026, 1, 14), (2025, 12, 15), (2026, 1, 15)),
        ("2027-01-15", "month", (2026, 1, 15), (2026, 1, 15), (2026, 2, 15)),  # a date to come counts backwards
        ("2024-02-29", "year", (2026, 2, 27), (2025, 2, 28), (2026, 2, 28)),
        ("2024-02-29", "year", (2028, 2, 29), (2028, 2, 29), (2029, 2, 28)),
        ("2023-11-30T23:30:00-05:00", "month", (2026, 3, 1), (2026, 3, 1), (2026, 4, 1)),  # the day is that of UTC
    ],
)
def test_billing_periods(anchor, every, now, start, end):
    """Periods begin on the anchor's day, or on the month's last where there is no such day."""
    word = "yearly " if every == "year" else ""
    rule, traits = f"count of a this {word}billing period >= 1", {"billing_anchor": anchor}
    now, start, end = (at("UTC", *day) for day in (now, start, end))
    assert verdict(rule, [start], now, traits) == (True, end)
    assert verdict(rule, [start - 1], now, traits) == (False, None)
    assert verdict(rule, [start], end, traits) == (False, None)


def test_since_and_within_a_date():
    """From the day of the date on, and for so many days after it; long afterwards too."""
    signed_up = at("UTC", 2026, 3, 10, 14)
    traits = {"signed_up": signed_up}
    day = at("UTC", 2026, 3, 10)
    assert verdict("count of a since signed_up >= 1", [day], NOW, traits) == (True, None)
    assert verdict("count of a since signed_up >= 1", [day - 1], NOW, traits) == (False, None)
    assert verdict("count of a within 7 days of signed_up >= 1", [day + 8 * DAY - 1], NOW, traits) == (True, None)
    assert verdict("count of a within 7 days of signed_up >= 1", [day + 8 * DAY], NOW, traits) == (False, None)


def test_an_absence_within_a_week_waits_for_its_end():
    """No call within 7 days of sign-up holds when the days are over; since sign-up, at once."""
    signed_up = at("UTC", 2026, 9, 10, 14)
    traits, seen = {"signed_up": signed_up}, signed_up + 50
    day = at("UTC", 2026, 9, 10)
    rule = "count of a within 7 days of signed_up = 0"
    assert verdict(rule, [], signed_up + HOUR, traits, seen) == (False, day + 8 * DAY)
    assert verdict(rule, [], day + 8 * DAY, traits, seen) == (True, None)
    assert verdict(rule, [], day + 8 * DAY, traits, day + DAY) == (False, None)  # first seen the day after
    assert verdict("count of a since signed_up = 0", [], signed_up + HOUR, traits, seen) == (True, None)


def test_between_two_days():
    """From the start of the first day to the end of the last; an absence holds when it is over."""
    rule = "count of a between 2026-03-01 and 2026-03-02 >= 1"
    start, end = at("UTC", 2026, 3, 1), at("UTC", 2026, 3, 3)
    assert verdict(rule, [start], NOW, {}) == (True, None)
    assert verdict(rule, [end - 1], NOW, {}) == (True, None)
    assert verdict(rule, [start - 1, end], NOW, {}) == (False, None)
    absence = "count of a between 2026-03-01 and 2026-03-02 = 0"
    assert verdict(absence, [], end - MINUTE, {}, start) == (False, end)
    assert verdict(absence, [], end, {}, start) == (True, None)
    assert verdict(absence, [], end, {}, start + 1) == (False, None)


def test_no_date_no_value():
    """Without the date there is no value: only `!=` holds."""
    for traits in ({}, {"signed_up": "soon"}, {"signed_up": True}):
        assert not verdict("count of a since signed_up >= 0", [NOW], NOW, traits)[0]
        assert verdict("count of a since signed_up != 5", [NOW], NOW, traits)[0]


def test_a_rule_reads_the_traits_of_its_windows():
    """A change of such a trait has the rule judged again."""
    assert program_of("count of a today in the user's time zone >= 1").rules_for_traits("user", ["timezone"]) == [1]
    assert program_of("count of a this billing period from company.begun > 1").rules_for_company_traits(["begun"]) == [
        1
    ]
    assert program_of("sum of p of a since signed_up > 1").rules_for_traits("user", ["signed_up"]) == [1]


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("count of a within 5 hours of signed_up > 1", "user", "whole days"),
        ("count of a between 2026-02-30 and 2026-03-01 > 1", "user", "two dates"),
        ("count of a between 2026-03-02 and 2026-03-01 > 1", "user", "not before"),
        ("count of a today in the user's time zone > 1", "company", "many users"),
        ("count of a since user.signed_up > 1", "company", "many"),
    ],
)
def test_windows_that_make_no_sense_are_refused(text, kind, problem):
    """With what is wrong, in words."""
    with pytest.raises(RuleSyntaxError, match=problem):
        parse(text, kind)
