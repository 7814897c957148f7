"""An independent reading of RULES.md: plain loops over lists of events, sharing no code with the product's evaluation.

Only the tree's structs are shared, as the statement of what is asked.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, available_timezones

from antiphon.rules import tree

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
KNOWN_ZONES = available_timezones()
UNITS = {"minutes": MINUTE, "hours": 60 * MINUTE, "days": DAY, "weeks": 7 * DAY, "months": 30 * DAY}


class Subject:
    """What there is to know of one subject: its events that are not late, its traits, its company's traits."""

    def __init__(self, events, traits, company_traits=None, first_seen=None):
        self.events = events
        self.traits = traits
        self.company_traits = company_traits or {}
        self.first_seen = min((event.timestamp for event in events), default=None) if first_seen is None else first_seen


class Oracle:
    def __init__(self, kind, time_zone, segments=None):
        self.kind = kind
        self.zone = ZoneInfo(time_zone)
        self.segments = segments or {}

    def truth(self, node, subject, now):  # noqa: PLR0911 - one line for each kind of condition
        """Whether a condition holds for a subject at `now`."""
        if isinstance(node, tree.AllOf):
            return all(self.truth(child, subject, now) for child in node.of)
        if isinstance(node, tree.AnyOf):
            return any(self.truth(child, subject, now) for child in node.of)
        if isinstance(node, tree.NoneOf):
            return not any(self.truth(child, subject, now) for child in node.of)
        if isinstance(node, tree.AtLeast):
            return sum(self.truth(child, subject, now) for child in node.of) >= node.count
        if isinstance(node, tree.InSegment):
            inside = node.name in self.segments and self.truth(self.segments[node.name], subject, now)
            return inside == node.inside
        if isinstance(node, tree.TraitCondition):
            value = self.trait(node.owner, node.name, subject)
            if isinstance(node.value, tree.Duration):
                return moving_date(node.op, instant(value), length(node.value), now)
            return predicate(node.op, value, node.value)
        if isinstance(node, tree.Sequence):
            return self.sequence(node, subject)
        if isinstance(node, tree.FollowUpMissing):
            return self.unanswered(node, subject, now)
        return self.measure(node, subject, now)

    def sequence(self, node, subject):
        """Tries every first event, and from it the earliest that can follow at each step."""
        times = [sorted(event.timestamp for event in subject.events if selects(step, event)) for step in node.steps]
        for begun in times[0]:
            at = begun
            for step in times[1:]:
                at = next((time for time in step if time > at), math.inf)
            if at - begun <= length(node.within):
                return True
        return False

    def unanswered(self, node, subject, now):
        """Whether some A is so long ago, and no B is later than it; of one step of time only the outer A's count."""
        step = max(MINUTE, length(node.wait) // 60)
        did = [event.timestamp for event in subject.events if selects(node.did, event)]
        answers = [event.timestamp for event in subject.events if selects(node.then_not, event)]
        for at in did:
            together = [other for other in did if other // step == at // step]
            open_still = not any(answer > at for answer in answers)
            if at in (min(together), max(together)) and open_still and now - at >= length(node.wait):
                return True
        return False

    def trait(self, owner, name, subject):
        of_company = owner == "company" and self.kind == "user"
        return (subject.company_traits if of_company else subject.traits).get(name)

    def measure(self, node, subject, now):
        found = self.edges(node.window, subject, now)
        if found is None:
            if node.known_for is not None and not self.known(node, subject, now, None, None):
                return False
            value = None
        else:
            start, end = found
            if not self.known(node, subject, now, start, end):
                return False
            value = self.aggregate(node.aggregate, covered(subject.events, start, end), now)
        if node.aggregate.kind in ("first", "last"):
            return predicate(node.op, value, node.value)
        if isinstance(node.value, tree.Baseline):
            target = self.baseline(node, subject, now)
        else:
            target = self.target(node.value, subject)
        if value is None or target is None:
            return node.op == "!="
        return compare(node.op, value, target)

    def baseline(self, node, subject, now):
        """The mean over the windows right before the current one, without those that have no value."""
        long = length(node.window)
        edge, _ = self.edges(node.window, subject, now)
        found = []
        while len(found) < length(node.value.over) // long:
            found.append(self.aggregate(node.aggregate, covered(subject.events, edge - long, edge), now))
            edge -= long
        found = [value for value in found if value is not None]
        if not found:
            return None
        if node.aggregate.kind == "sum":  # to a millionth, as every sum is
            return (
                float(sum(Fraction(round(value * 10**6), 10**6) for value in found))
                / len(found)
                * node.value.percent
                / 100
            )
        total = 0.0
        for value in found:
            total += float(value)
        return total / len(found) * node.value.percent / 100

    def edges(self, window, subject, now):  # noqa: PLR0911 - one for each window
        """The first instant of a window and the first after it (None: open); None when the subject has no such window."""
        if isinstance(window, tree.Ever):
            return None, None
        if isinstance(window, tree.Last):
            long = length(window)
            width = max(MINUTE, long // 60)
            return math.floor(Fraction(now - long, width)) * width, None
        if isinstance(window, tree.Between):
            first, last = date.fromisoformat(window.start), date.fromisoformat(window.end)
            return midnight(first, self.zone), midnight(last + timedelta(days=1), self.zone)
        if isinstance(window, tree.Calendar):
            zone = self.zone
            if window.zone != "workspace":
                name = self.trait("company" if window.zone == "company" else "own", "timezone", subject)
                zone = ZoneInfo(name) if name in KNOWN_ZONES else zone
            day = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
            if window.period == "week":
                day -= timedelta(days=day.weekday())
            elif window.period == "month":
                day = day.replace(day=1)
            return midnight(day, zone), None
        at = instant(self.trait(window.owner, window.trait, subject))
        if at is None:
            return None
        anchor = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).date()
        if isinstance(window, tree.SinceTrait):
            start = midnight(anchor, UTC)
            return start, None if window.within is None else start + DAY + length(window.within)
        today = datetime.fromtimestamp(now / 1000, UTC).date()
        # back from today, day by day, to one that a period begins on
        while not begins(today, anchor, window.every):
            today -= timedelta(days=1)
        return midnight(today, UTC), None

    def day(self, at):
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self.zone).date()

    def known(self, node, subject, now, start, end):  # noqa: PLR0911 - one for each kind of window
        if node.known_for is not None:
            needed = length(node.known_for)
            return not needed or (subject.first_seen is not None and now - subject.first_seen >= needed)
        if isinstance(node.value, tree.Baseline):
            needed = length(node.window) + length(node.value.over)
            return subject.first_seen is not None and now - subject.first_seen >= needed
        counted = node.aggregate.kind in ("count", "days_active", "distinct")
        limit = node.value if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) else None
        absent = limit is not None and ((node.op in ("=", "<=") and limit == 0) or (node.op == "<" and 0 < limit <= 1))
        if not (counted and absent) or start is None:
            return True
        if subject.first_seen is None:
            return False
        if isinstance(node.window, tree.Last):
            return now - subject.first_seen >= node.window.amount * UNITS[node.window.unit]
        if isinstance(node.window, tree.SinceTrait):
            return subject.first_seen < start + DAY and now >= (start if end is None else end)
        return subject.first_seen <= start and (end is None or now >= end)

    def aggregate(self, aggregate, events, now):  # noqa: PLR0911 - one for each aggregate
        chosen = [event for event in events if selects(aggregate.selector, event)]
        kind = aggregate.kind
        if kind == "count":
            return weights(chosen)
        if kind == "ratio":
            below = weights([event for event in events if selects(aggregate.to, event)])
            return float(weights(chosen)) / float(below) if below else None
        if kind == "days_active":
            return len({self.day(event.timestamp) for event in chosen})
        if kind == "distinct":  # few enough to be exact
            found = [event.properties.get(aggregate.property) for event in chosen]
            scalars = [value for value in found if isinstance(value, (str, int, float))]
            return len({(isinstance(value, str), isinstance(value, bool), value) for value in scalars})
        if kind == "time_since_first":
            return now - min(event.timestamp for event in chosen) if chosen else None
        if kind == "time_since_last":
            return now - max(event.timestamp for event in chosen) if chosen else None
        if kind in ("first", "last"):
            having = [event for event in chosen if event.properties.get(aggregate.property) is not None]
            having.sort(key=lambda event: (event.timestamp, event.id, event.source))
            return having[0 if kind == "first" else -1].properties[aggregate.property] if having else None
        numbers = [
            (event.properties[aggregate.property], weight(event))
            for event in chosen
            if is_number(event.properties.get(aggregate.property))
        ]
        if kind.startswith("p"):  # the percentile, few enough to be exact
            whole = sum(w for _, w in numbers)
            shares = ((n, sum(w for other, w in numbers if other <= n)) for n, _ in sorted(numbers))
            return next((n for n, share in shares if share * 100 >= whole * int(kind[1:])), None)
        if kind == "min":
            return min((number for number, _ in numbers), default=None)
        if kind == "max":
            return max((number for number, _ in numbers), default=None)
        total = sum(Fraction(math.floor(Fraction(n * float(w)) * 10**6 + Fraction(1, 2)), 10**6) for n, w in numbers)
        total = float(total * 10**6) / 10**6
        if kind == "sum":
            return total
        return total / float(sum(w for _, w in numbers)) if numbers else None

    def target(self, value, subject):
        if isinstance(value, tree.Duration):
            return length(value)
        if isinstance(value, tree.Percent):
            return value.value / 100
        if isinstance(value, tree.TraitValue):
            limit = self.trait(value.owner, value.name, subject)
            return limit * value.percent / 100 if is_number(limit) else None
        return value


def length(duration):
    return duration.amount * UNITS[duration.unit]


def covered(events, start, end):
    """The events of a window."""
    return [
        event
        for event in events
        if (start is None or event.timestamp >= start) and (end is None or event.timestamp < end)
    ]


def midnight(day, zone):
    """The first instant of a local day, found by looking at every quarter of an hour around it."""
    around = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000 - DAY
    quarters = range(around, around + 3 * DAY, 15 * MINUTE)
    return next(at for at in quarters if datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date() == day)


def begins(day, anchor, every):
    """Whether a billing period begins on a day: that of the anchor, or the month's last when it has no such day."""
    if every == "year" and day.month != anchor.month:
        return False
    last = (day + timedelta(days=1)).month != day.month
    return day.day == anchor.day or (last and day.day < anchor.day)


def weight(event):
    return Fraction(math.floor(Fraction(event.weight) * 2**20 + Fraction(1, 2)), 2**20)


def weights(events):
    return sum(weight(event) for event in events)


def selects(selector, event):
    if selector.match == "exact":
        named = event.name == selector.event
    elif selector.match == "wildcard":
        named = wildcard(selector.event, event.name)
    else:
        named = re.search(selector.event, event.name) is not None
    return named and all(predicate(test.op, event.properties.get(test.property), test.value) for test in selector.where)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(value, operand):
    if isinstance(value, bool) or isinstance(operand, bool):
        return value is operand
    if is_number(value) and is_number(operand):
        return float(value) == float(operand)
    return isinstance(value, str) and isinstance(operand, str) and value == operand


def compare(op, value, operand):
    return {
        "=": value == operand,
        "!=": value != operand,
        "<": value < operand,
        "<=": value <= operand,
        ">": value > operand,
        ">=": value >= operand,
    }[op]


def predicate(op, value, operand):  # noqa: PLR0911
    """Whether a predicate holds for a value, None meaning that it is missing."""
    if op == "exists":
        return value is not None
    if op == "missing":
        return value is None
    if op in ("!=", "not_in"):
        return not any(same(value, item) for item in (operand if op == "not_in" else [operand]))
    if value is None:
        return False
    if op in ("=", "in"):
        return any(same(value, item) for item in (operand if op == "in" else [operand]))
    if op in ("<", "<=", ">", ">="):
        alike = (is_number(value) and is_number(operand)) or (isinstance(value, str) and isinstance(operand, str))
        return alike and compare(op, value, operand)
    if op == "contains":
        if isinstance(value, list):
            return any(same(item, operand) for item in value)
        return isinstance(value, str) and isinstance(operand, str) and operand in value
    if op in ("starts_with", "ends_with"):
        return isinstance(value, str) and (
            value.startswith(operand) if op == "starts_with" else value.endswith(operand)
        )
    form = text_form(value)
    if form is None:
        return False
    return wildcard(operand, form) if op == "matches" else re.search(operand, form) is not None


def text_form(value):
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value) if is_number(value) else None


def wildcard(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None


def instant(value):
    """A date as the tests write them: ISO text ending in Z or a plain day, or a number."""
    if is_number(value):
        return math.floor(value) if abs(value) >= 1e11 else math.floor(value * 1000)
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    parsed = datetime.fromisoformat(value)
    parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
    return (parsed - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moving_date(op, at, long, now):
    if at is None:
        return False
    if op == "in_the_last":
        return now - long <= at <= now
    if op == "within_the_next":
        return now <= at <= now + long
    return at < now - long
