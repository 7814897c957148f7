"""Conditions compiled for live use: each answers (truth, recheck_at).

`recheck_at` (ms) is never later than the instant at which the truth next changes if nothing happens until then, and None
when it cannot change by time alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from antiphon.rules.dates import DateOperator
from antiphon.rules.known import KnownAt
from antiphon.rules.sources import Source
from antiphon.rules.state import SubjectView
from antiphon.rules.values import date
from antiphon.rules.windows import Frame, SlidingFrame

Truth = tuple[bool, int | None]
Compare = Callable[[Any, Any], bool]
Target = Callable[[SubjectView], float | None]
Traits = Callable[[SubjectView], Mapping[str, Any] | None]


class Compiled(Protocol):
    """A condition ready for use; `cost` orders it among others."""

    cost: int

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Its truth at `now`, and when to look again."""
        ...

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """Its value and its right-hand side, for people to see."""
        ...


class Comparison:
    """An aggregate compared; `compare` takes the value and the right-hand side, either of which may be None."""

    def __init__(self, source: Source, compare: Compare, target: Target, known_at: KnownAt | None, cost: int) -> None:
        """`known_at` gives from a subject's first_seen when it is known for long enough; None: it need not be."""
        self._source, self._compare, self._target = source, compare, target
        self._known_at = known_at
        self.cost = cost

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Compare, and follow the value until the comparison turns out otherwise."""
        metrics, target, compare = view.state.metrics, self._target(view), self._compare
        value, later = self._source.timeline(metrics, now)
        truth = compare(value, target)
        flip = None
        for instant, value in later:
            if compare(value, target) is not truth:
                flip = instant
                break
        return known(self._known_at, view, now, truth, flip)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The aggregate's value and what it is compared with."""
        return self._source.timeline(view.state.metrics, now)[0], self._target(view)


class CountAtLeast:
    """`count >= N` over all time, N above 0: once true, it stays so."""

    cost = 1

    def __init__(self, key: str, least: float) -> None:
        """Take the number that the count has to reach."""
        self._key, self._least = key, least

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Time alone changes nothing."""
        del now
        return view.state.metrics.get(self._key, 0) >= self._least, None

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The count and the number to reach."""
        del now
        return view.state.metrics.get(self._key, 0), self._least


class SlidingCount:
    """The same for a count over a sliding window, which most rules have: one pass without a source between."""

    cost = 3

    def __init__(
        self, key: str, frame: SlidingFrame, compare: Compare, target: Target, known_at: KnownAt | None
    ) -> None:
        """See Comparison."""
        self._key, self._compare, self._target, self._known_at = key, compare, target, known_at
        self._width, self._length = frame.width, frame.length

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Count, then take away bucket after bucket until the truth turns."""
        compare, target = self._compare, self._target(view)
        ring = view.state.metrics.get(self._key)
        if ring is None:
            return known(self._known_at, view, now, compare(0, target), None)
        numbers, counts = ring
        first = (now - self._length) // self._width
        start = 0 if numbers[0] >= first else bisect_left(numbers, first)
        total = sum(counts[start:]) if start else sum(counts)
        truth = compare(total, target)
        flip = None
        for index in range(start, len(numbers)):
            total -= counts[index]
            if compare(total, target) is not truth:
                flip = (numbers[index] + 1) * self._width + self._length
                break
        if self._known_at is None:
            return truth, flip
        return known(self._known_at, view, now, truth, flip)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The count and what it is compared with."""
        ring = view.state.metrics.get(self._key)
        if ring is None:
            return 0, self._target(view)
        start = bisect_left(ring[0], (now - self._length) // self._width)
        return sum(ring[1][start:]), self._target(view)


class SlidingCountAtLeast:
    """`count >= N` over a sliding window, N above 0: false until an event comes, true until the Nth newest leaves."""

    cost = 2

    def __init__(self, key: str, frame: SlidingFrame, least: float) -> None:
        """Take the number that the count has to reach."""
        self._key, self._width, self._length, self._least = key, frame.width, frame.length, least

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Count from the newest bucket back until it is enough."""
        ring = view.state.metrics.get(self._key)
        if ring is None:
            return False, None
        numbers, counts = ring
        left = self._least
        if sum(counts) < left:  # too few even with those that have left the window
            return False, None
        first = (now - self._length) // self._width
        index = len(numbers)
        while index:
            index -= 1
            number = numbers[index]
            if number < first:
                return False, None
            left -= counts[index]
            if left <= 0:
                return True, (number + 1) * self._width + self._length
        return False, None

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The count and the number to reach."""
        ring = view.state.metrics.get(self._key)
        if ring is None:
            return 0, self._least
        return sum(ring[1][bisect_left(ring[0], (now - self._length) // self._width) :]), self._least


class Age:
    """How long ago an event was, compared with a length of time; `instants` gives its instant and when that is void."""

    cost = 2

    def __init__(self, instant: Source, compare: Compare, target: Target, known_at: KnownAt | None) -> None:
        """`instant` is a source of the event's instant."""
        self._instant, self._compare, self._target, self._known_at = instant, compare, target, known_at

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Compare now; the truth can turn when the age reaches the length, passes it, or the event leaves the window."""
        metrics, target = view.state.metrics, self._target(view)
        at, later = self._instant.timeline(metrics, now)
        if at is None or target is None:
            return known(self._known_at, view, now, self._compare(None, target), None)
        truth = self._compare(now - at, target)
        end = next((instant for instant, value in later if value != at), None)
        flip = end
        for instant in (at + int(target), at + int(target) + 1):
            if instant > now and (end is None or instant < end) and self._compare(instant - at, target) is not truth:
                flip = instant
                break
        return known(self._known_at, view, now, truth, flip)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The age and the length, in ms."""
        at, _ = self._instant.timeline(view.state.metrics, now)
        return None if at is None else now - at, self._target(view)


class TraitWindowTest:
    """A condition over a window that depends on a trait: made for the frame that the trait gives."""

    cost = 4

    def __init__(
        self,
        traits: Traits,
        name: str,
        frame: Callable[[Any], Frame | None],
        over: Callable[[Frame | None], Compiled],
    ) -> None:
        """Take whose traits, which one, the frame of a value of it, and the condition over a frame."""
        self._traits, self._name, self._frame, self._over = traits, name, frame, over

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """The verdict over the subject's own window."""
        return self._for(view).verdict(view, now)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The sides over the subject's own window."""
        return self._for(view).sides(view, now)

    def _for(self, view: SubjectView) -> Compiled:
        traits = self._traits(view)
        return self._over(self._frame(None if traits is None else traits.get(self._name)))


class TraitTest:
    """A test of a trait that time does not change."""

    cost = 0

    def __init__(self, traits: Traits, name: str, test: Callable[[Any], bool], operand: Any) -> None:
        """Take whose traits, which one, and the test."""
        self._traits, self._name, self._test, self._operand = traits, name, test, operand

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """The test's truth."""
        return self._test(self.sides(view, now)[0]), None

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The trait's value and the operand."""
        del now
        traits = self._traits(view)
        return None if traits is None else traits.get(self._name), self._operand


class DateTest:
    """A date trait set against the passing time."""

    cost = 1

    def __init__(self, traits: Traits, name: str, row: DateOperator, length: int) -> None:
        """Take the operator's row and the length in ms."""
        self._traits, self._name, self._row, self._length = traits, name, row, length

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Whether now lies in the interval of truth, and when it will begin or end."""
        instant = date(self.sides(view, now)[0])
        if instant is None:
            return False, None
        start, end = self._row.interval(instant, self._length)
        if now < start:
            return False, start
        if end is None:
            return True, None
        return (True, end + 1) if now <= end else (False, None)

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """The trait's value and the length in ms."""
        del now
        traits = self._traits(view)
        return None if traits is None else traits.get(self._name), self._length


class SegmentTest:
    """Being in another rule's segment."""

    cost = 0

    def __init__(self, name: str, *, inside: bool) -> None:
        """Take the rule's name, and whether to be inside or outside."""
        self._name, self._inside = name, inside

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """As the view says."""
        del now
        return view.segments.get(self._name, False) is self._inside, None

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """Whether it is inside, and whether it should be."""
        del now
        return view.segments.get(self._name, False), self._inside


class AtLeastOf:
    """At least `count` of some conditions; all of, any of and none of are special cases of it."""

    def __init__(self, children: Sequence[Compiled], count: int, *, negated: bool = False) -> None:
        """`negated` makes it false when so many hold."""
        self._children = sorted(children, key=lambda child: child.cost)
        self._count, self._negated = count, negated
        self._spare = len(children) - count
        self.cost = 4

    def verdict(self, view: SubjectView, now: int) -> Truth:
        """Stop as soon as enough of them can not change by time alone."""
        held: list[int] = []
        failed: list[int] = []
        fixed_held = fixed_failed = 0
        for child in self._children:
            truth, flip = child.verdict(view, now)
            if flip is not None:
                (held if truth else failed).append(flip)
            elif truth:
                fixed_held += 1
                if fixed_held >= self._count:
                    return not self._negated, None
            else:
                fixed_failed += 1
                if fixed_failed > self._spare:
                    return self._negated, None
        # The truth can only turn once so many have turned that too few (or enough) hold; the flips in order of time
        # tell when that is at the earliest.
        excess = fixed_held + len(held) - self._count
        if excess >= 0:
            return not self._negated, sorted(held)[excess] if excess < len(held) else None
        return self._negated, sorted(failed)[-excess - 1] if -excess <= len(failed) else None

    def sides(self, view: SubjectView, now: int) -> tuple[Any, Any]:
        """How many hold, and how many should."""
        return sum(child.verdict(view, now)[0] for child in self._children), self._count


def known(known_at: KnownAt | None, view: SubjectView, now: int, truth: bool, flip: int | None) -> Truth:
    """A truth that also asks that the subject be known for long enough: until then it is false."""
    if known_at is None or not truth:
        return truth, flip
    first_seen = view.state.first_seen
    if first_seen is None:
        return False, None
    since = known_at(first_seen)
    return (True, flip) if since is not None and now >= since else (False, since)
