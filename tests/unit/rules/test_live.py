"""What a rule means live: RULES.md's sentences, one by one, on small histories."""

from __future__ import annotations

import pytest

from antiphon.errors import InvalidInput
from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.model.event import LATE
from antiphon.rules.aggregates import AGGREGATES
from antiphon.rules.live import RuleSpec, WatchSpec, compile_program
from antiphon.rules.state import SubjectState, SubjectView, adopt, encode_state, set_trait, state_hash, trait_values
from antiphon.rules.text import parse, parse_selector
from factories import NOW, api_call, track


def program_of(*texts, kind="user", zone="UTC", watches=()):
    """A program of rules written as text, numbered from 0 and named r0, r1, ..."""
    specs = [
        RuleSpec(id=number, version=1, subject_kind=kind, tree=parse(text, kind), name=f"r{number}")
        for number, text in enumerate(texts)
    ]
    selectors = [WatchSpec(key=text, selector=parse_selector(text)) for text in watches]
    return compile_program(specs, selectors, time_zone=zone)


def state_of(program, events):
    """The state of a user with these events."""
    state = SubjectState()
    for event in events:
        program.fold(state, event, program.touch(event).user)
    return state


def verdict(text, events, now=NOW, zone="UTC", **view):
    """(truth, recheck_at) of one rule for a user with these events."""
    program = program_of(text, zone=zone)
    state = state_of(program, events)
    found = program.evaluate(0, SubjectView(state, view.pop("traits", {}), **view), now)
    return found.truth, found.recheck_at


def test_fifth_error_in_24_hours():
    """Five errors fire, four do not; it ends when the fifth newest has left the window."""
    rule = "count of api_call where status = 400 in the last 24 hours >= 5"
    errors = [api_call(400, at=NOW - i * HOUR) for i in range(5)]
    assert verdict(rule, errors[:4]) == (False, None)
    truth, until = verdict(rule, errors)
    assert truth
    assert NOW - 4 * HOUR + DAY < until <= NOW - 4 * HOUR + DAY + DAY // 60
    assert verdict(rule, errors, now=until - 1)[0]
    assert verdict(rule, errors, now=until) == (False, None)


def test_window_never_covers_less_than_asked():
    """An event exactly as old as the window is long counts; the edge moves in steps of a minute or a sixtieth."""
    for length, text in ((HOUR, "1 hour"), (7 * DAY, "7 days")):
        rule = f"count of a in the last {text} >= 1"
        event = track("a", at=NOW - length)
        truth, until = verdict(rule, [event])
        assert truth
        assert NOW < until <= NOW + max(MINUTE, length // 60)


def test_silence_fires_to_the_millisecond():
    """`time since last >= 7 days` becomes true exactly 7 days after the last event, and never without one."""
    rule = "time since last api_call >= 7 days"
    assert verdict(rule, [api_call(at=NOW)]) == (False, NOW + 7 * DAY)
    assert verdict(rule, [api_call(at=NOW)], now=NOW + 7 * DAY) == (True, None)
    assert verdict(rule, [track("other")]) == (False, None)


def test_absence_needs_an_observed_past():
    """`count = 0` waits until the subject is known for the window's length, unless the rule says otherwise."""
    events = [track("signup", at=NOW - 10 * MINUTE)]
    assert verdict("count of api_call in the last 7 days = 0", events) == (False, NOW - 10 * MINUTE + 7 * DAY)
    assert verdict("count of api_call in the last 7 days = 0, known for at least 0 days", events) == (True, None)
    assert (
        verdict("count of api_call in the last 7 days < 1, known for at least 1 day", events)[1]
        == NOW - 10 * MINUTE + DAY
    )
    assert verdict("count of api_call ever = 0", events) == (True, None)
    assert verdict("count of api_call in the last 7 days <= 1000", events) == (True, None)


def test_who_must_be_known_for_long_must_be_so_without_a_window_too():
    """`!=` holds of no value, and there is none without the window's trait; that the rule asks for long acquaintance stays."""
    rule = "last status of api_call since signed_up != 5, known for at least 2 days"
    assert verdict(rule, []) == (False, None)
    assert verdict(rule, [api_call(at=NOW - DAY)]) == (False, NOW + DAY)
    assert verdict(rule, [api_call(at=NOW - 3 * DAY)]) == (True, None)
    assert verdict("last status of api_call since signed_up != 5", []) == (True, None)


def test_bounds_are_inclusive_below():
    """`> 1000` and `<= 1000` split at 1000, which is below."""
    calls = [track("a", at=NOW, weight=500), track("a", at=NOW, weight=500)]
    assert verdict("count of a in the last 1 day > 1000", calls)[0] is False
    assert verdict("count of a in the last 1 day <= 1000", calls)[0] is True
    assert verdict("all of (count of a ever > 0; count of a ever <= 1000)", calls)[0] is True


def test_no_coercion():
    """A text is no number, true is not 1; 400 and 400.0 are the same number."""
    events = [track("a", properties={"p": value}) for value in (400, 400.0, "400", True, None)]
    for predicate, count in (
        ("p = 400", 2),
        ('p = "400"', 1),
        ("p = true", 1),
        ("p = 1", 0),
        ("p != 400", 3),
        ("p missing", 1),
        ("p matches 4*", 3),
    ):
        assert verdict(f"count of a where {predicate} ever = {count}", events)[0], predicate


def test_true_and_one_are_told_apart_by_signature():
    """Python holds True and 1 for the same key; two events that differ only in that mean different things."""
    program = program_of("count of a where p = true ever >= 1", "count of a where p = 1 ever >= 1")
    touched = [program.touch(track("a", properties={"p": value})).user.rules for value in (True, 1, 1.0, True, [1])]
    assert touched == [(0,), (1,), (1,), (0,), ()]


def test_untouched_rules_cost_nothing():
    """An event's plan names only the rules that select it; an event that none selects has an empty plan."""
    program = program_of("count of a ever >= 1", "count of b* ever >= 1", 'count of matching regex "^b" ever >= 1')
    assert program.touch(track("a")).user.rules == (0,)
    assert set(program.touch(track("bc")).user.rules) == {1, 2}
    nothing = program.touch(track("c"))
    assert not nothing.user
    assert not nothing.company
    assert nothing.watches == ()


def test_watches():
    """A watch is hit by the events that its selector selects."""
    program = program_of(watches=("api_call where status >= 500", "api_*"))
    assert program.touch(api_call(503)).watches == ("api_call where status >= 500", "api_*")
    assert program.touch(api_call(200)).watches == ("api_*",)


def test_late_events_are_left_out():
    """A late event changes nothing, not even when the subject was first seen."""
    program = program_of("count of a ever >= 1")
    state = state_of(program, [track("a", at=NOW - 3 * DAY, flags=LATE)])
    assert encode_state(state) == encode_state(SubjectState())


def test_trait_with_a_share_on_the_right():
    """80 % of the plan's limit; without a limit nothing is known."""
    calls = [api_call(at=NOW) for _ in range(8)]
    rule = "count of api_call this month >= 80% of company.plan_limit"
    assert verdict(rule, calls, company_traits={"plan_limit": 10})[0]
    assert not verdict(rule, calls, company_traits={"plan_limit": 11})[0]
    assert not verdict(rule, calls, company_traits={"plan_limit": "10"})[0]
    assert not verdict(rule, calls, company_traits=None)[0]


def test_calendar_windows_follow_the_zone():
    """Today begins at local midnight and ends at the next, also on a day of 25 hours."""
    midnight = 1_792_879_200_000  # 2026-10-25 00:00 in Paris, when clocks go back at 03:00
    rule = "count of a today >= 1"
    assert verdict(rule, [track("a", at=midnight)], now=midnight, zone="Europe/Paris") == (True, midnight + 25 * HOUR)
    assert verdict(rule, [track("a", at=midnight - 1)], now=midnight, zone="Europe/Paris") == (False, None)


def test_dates_move_with_time():
    """A date trait makes the condition true and false again, with no event at all."""
    rule = "card_expires within the next 14 days"
    expires = NOW + 20 * DAY
    traits = {"card_expires": expires}
    assert verdict(rule, [], traits=traits) == (False, NOW + 6 * DAY)
    assert verdict(rule, [], now=NOW + 6 * DAY, traits=traits) == (True, expires + 1)
    assert verdict(rule, [], now=expires + 1, traits=traits) == (False, None)
    assert verdict(rule, [], traits={"card_expires": "soon"}) == (False, None)


def test_group_looks_again_when_it_can_change():
    """A group is not looked at for a part that cannot change it."""
    quiet = "time since last a >= 7 days"
    events = [track("a", at=NOW)]
    assert verdict(f"all of (plan = 1; {quiet})", events) == (False, None)
    assert verdict(f"all of (plan = 1; {quiet})", events, traits={"plan": 1}) == (False, NOW + 7 * DAY)
    assert verdict(f"any of (plan = 1; {quiet})", events, traits={"plan": 1}) == (True, None)
    assert verdict(f"none of (plan = 1; {quiet})", events) == (True, NOW + 7 * DAY)
    assert verdict(f"at least 2 of (plan = 1; {quiet}; time since last a >= 9 days)", events) == (False, NOW + 9 * DAY)


def test_segments_are_seen_by_name():
    """A rule may ask for another's segment; one that is not there has no members."""
    assert verdict("in segment other", [], segments={"other": True})[0]
    assert verdict("not in segment other", [])[0]


def test_merging_is_the_same_as_one_stream():
    """An anonymous visitor's state merged into the user's is what the user's would have been."""
    program = program_of(*(f"{row.text} {'p of a' if row.form == 'property' else 'a to b' if row.form == 'ratio' else 'a'} {window} {'>= 1 day' if row.gives == 'age' else '= 1'}" for row in AGGREGATES for window in ("ever", "in the last 3 hours", "this week")))  # fmt: skip
    events = [track(name, at=NOW - i * 20 * MINUTE, properties={"p": i / 3}) for i, name in enumerate("aabab" * 6)]
    whole = state_of(program, events)
    parts = [state_of(program, events[i::3]) for i in range(3)]
    merged = program.merge(program.merge(parts[2], parts[0]), parts[1])
    assert state_hash(merged) == state_hash(whole)
    assert state_hash(program.merge(parts[0], program.merge(parts[1], parts[2]))) == state_hash(whole)


@pytest.mark.parametrize("row", [row for row in AGGREGATES if row.examples], ids=lambda row: row.key)
def test_aggregate_examples(row):
    """Each aggregate gives what its row says, over all time and over a window, folded in either order."""
    for pairs, expected in row.examples:
        events = [
            track(
                "a", at=NOW - (len(pairs) - i) * HOUR, weight=weight, properties={} if value is None else {"p": value}
            )
            for i, (value, weight) in enumerate(pairs)
        ]
        of = "p of a" if row.form == "property" else "a"
        for window in ("ever", "in the last 1 week"):
            for ordered in (events, events[::-1]):
                program = program_of(f"{row.text} {of} {window} = 1")
                report = program.explain(0, SubjectView(state_of(program, ordered), {}), NOW)[0]
                assert report.value == expected


def test_new_metrics_are_those_to_fill():
    """A longer window of the same step has to be filled again; the same metric under another rule has not."""
    before = ("count of a in the last 10 minutes >= 1", "count of b ever >= 1")
    program = program_of(*before, "count of a in the last 1 hour >= 9", "count of b ever >= 2", "count of c ever >= 1")
    new = program.new_metrics([2, 3, 4])["user"]
    assert len(new) == 2
    assert sorted(program.rules_using(new)) == [0, 2, 4]
    assert program.new_metrics([])["user"] == frozenset()
    assert len(program.new_metrics(range(5))["user"]) == 3


def test_metrics_without_a_rule_are_dropped():
    """Pruning leaves what the program uses, as if nothing else had ever been kept."""
    many, few = (
        program_of("count of a ever >= 1", "count of a in the last 1 hour >= 1"),
        program_of("count of a ever >= 1"),
    )
    events = [track("a", at=NOW)]
    state = state_of(many, events)
    few.prune(state, "user")
    assert state_hash(state) == state_hash(state_of(few, events))


def test_filled_metrics_are_adopted():
    """A metric filled from history replaces what was there."""
    program = program_of("count of a ever >= 2")
    filled = state_of(program, [track("a"), track("a")])
    state = state_of(program, [track("a")])
    adopt(state, filled, program.metric_keys["user"])
    assert program.evaluate(0, SubjectView(state, {}), NOW).truth


def test_which_rules_to_evaluate():
    """Rules are found by the traits they read, by first_seen, and by the segments they ask for."""
    program = program_of(
        "plan = 1", "company.plan = 1", "count of a ever > limit", "count of a in the last 1 day = 0", "in segment r0"
    )
    assert program.rules_for_traits("user", ["plan"]) == [0]
    assert program.rules_for_traits("user", ["limit"]) == [2]
    assert program.rules_for_company_traits(["plan"]) == [1]
    assert program.rules_for_company_traits() == [1]
    assert program.rules_for_first_seen("user") == [3]
    assert program.rules_for_segment(0) == [4]
    assert program.rules_for_kind("user") == [0, 1, 2, 3, 4]
    assert program.rules_for_kind("company") == []


def test_newest_trait_wins_in_any_order():
    """The newer clock wins, of equal clocks the greater value; taking a trait away is a change like any other."""
    changes = [("plan", "free", 1), ("plan", "pro", 3), ("plan", "team", 3), ("plan", None, 2), ("seats", None, 5)]
    one, other = SubjectState(), SubjectState()
    for change in changes:
        set_trait(one, *change)
    for change in reversed(changes):
        set_trait(other, *change)
    assert state_hash(one) == state_hash(other)
    assert trait_values(one) == {"plan": "team"}
    assert not set_trait(one, "plan", "team", 9)


def test_explain_says_both_sides():
    """Explain gives each condition's value, its right-hand side, its truth, and a sentence."""
    program = program_of('all of (plan = "pro"; count of a ever >= 80% of limit)')
    state = state_of(program, [track("a") for _ in range(3)])
    whole, plan, count = program.explain(0, SubjectView(state, {"plan": "free", "limit": 5}), NOW)
    assert (whole.path, whole.truth, whole.value, whole.rhs) == ("", False, 0, 2)
    assert (plan.path, plan.truth, plan.value, plan.rhs) == ("0", False, "free", "pro")
    assert (count.path, count.truth, count.value, count.rhs) == ("1", False, 3, 4.0)
    assert count.words == "The number of a is 3; it is at least 4 (80% of limit): no."


def test_unknown_zone_is_refused():
    """A zone that does not exist is named."""
    with pytest.raises(InvalidInput, match="Mars/Phobos"):
        program_of("plan = 1", zone="Mars/Phobos")
