"""Since when each condition of a rule has held, or not held, for one subject: its own past, replayed by the pure program.

What evaluation keeps says since when the whole rule holds; of a single condition it keeps nothing. So the subject's
events are folded again in the order of their receipt, and every condition is evaluated whenever something came and
whenever time alone may have turned it, as live evaluation does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from antiphon.evaluate.identity import Identities, id_of, links_of
from antiphon.model.event import INTERNAL, LATE, Event
from antiphon.model.subject import SubjectKey
from antiphon.rules.conditions import Compiled
from antiphon.rules.live import Program
from antiphon.rules.state import SubjectState, SubjectView, seen, set_trait, trait_values

MOST_LOOKS = 1_000_000
"""Evaluations of single conditions at most; a past that needs more is not told."""


class Move(msgspec.Struct, frozen=True):
    """The subject entered (or left) another rule's segment at `at` (ms)."""

    at: int
    rule: str
    inside: bool


class Known(msgspec.Struct, frozen=True):
    """A condition's truth at the end, and since when (ms) it has had it."""

    truth: bool
    since: int


def last_flips(
    program: Program,
    rule_id: int,
    key: SubjectKey,
    events: Sequence[Event],
    moves: Iterable[Move],
    now: int,
) -> dict[str, Known] | None:
    """By path, since when each condition of a rule has had its truth; None when that would take too long.

    `events` are all events of the subject and, for a user, the group calls of its companies, in order of receipt;
    `moves` are those between the segments that the rule reads.
    """
    conditions = program.conditions(rule_id)
    subject = _Company(program, key) if key.kind == "company" else _User(program, key)
    watch = _Watch(conditions)
    segments: dict[str, bool] = {}
    items: list[tuple[int, int, Event | Move]] = []
    at = 0
    for order, event in enumerate(events):
        at = max(at, event.received_at)
        items.append((at, order, event))
    items += [(move.at, len(items) + order, move) for order, move in enumerate(moves)]
    items.sort(key=lambda item: (item[0], item[1]))
    for at, _, item in items:
        if not watch.pass_time(subject, segments, at):
            return None
        if isinstance(item, Move):
            segments[item.rule] = item.inside
            watch.look(subject, segments, at)
        elif subject.take(item):
            watch.look(subject, segments, at)
    if not watch.pass_time(subject, segments, now + 1):
        return None
    return watch.known


class _Watch:
    """The conditions, when each was last found to turn, and when to look again."""

    def __init__(self, conditions: Sequence[tuple[str, Compiled]]) -> None:
        self._conditions = conditions
        self._recheck: dict[str, int] = {}
        self._looks = 0
        self.known: dict[str, Known] = {}

    def look(self, subject: _Subject, segments: Mapping[str, bool], at: int) -> None:
        """Evaluate every condition; a subject that was never seen has no truths yet."""
        view = subject.view(segments)
        if view is not None:
            for path, condition in self._conditions:
                self._judge(path, condition, view, at)

    def pass_time(self, subject: _Subject, segments: Mapping[str, bool], until: int) -> bool:
        """Evaluate what time alone may have turned before `until`; False when there is no end to it."""
        while self._recheck and (at := min(self._recheck.values())) < until:
            view = subject.view(segments)
            if view is None or self._looks > MOST_LOOKS:
                return view is None
            for path, condition in self._conditions:
                if self._recheck.get(path, until) <= at:
                    self._judge(path, condition, view, at)
        return self._looks <= MOST_LOOKS

    def _judge(self, path: str, condition: Compiled, view: SubjectView, at: int) -> None:
        self._looks += 1
        truth, recheck_at = condition.verdict(view, at)
        before = self.known.get(path)
        if before is None or before.truth is not truth:
            self.known[path] = Known(truth, at)
        if recheck_at is None:
            self._recheck.pop(path, None)
        else:
            self._recheck[path] = max(recheck_at, at + 1)


class _Subject(ABC):
    """What is folded so far; who is who and whose company is which as of now in the replay."""

    def __init__(self, program: Program, key: SubjectKey) -> None:
        self._program = program
        self._key = key
        self._identities = Identities({})
        self._companies: dict[SubjectKey, tuple[int, str]] = {}
        self._company_traits: dict[str, SubjectState] = {}

    @abstractmethod
    def take(self, event: Event) -> bool:
        """Fold an event; whether anything may have changed by it."""

    @abstractmethod
    def view(self, segments: Mapping[str, bool]) -> SubjectView | None:
        """The subject as rules see it; None before it was seen."""

    def _settle(self, event: Event) -> bool:
        """Links, companies, and traits of companies; whether the event was one that says such things."""
        for key, user_id in links_of(event):
            self._identities.link(key, user_id, event.timestamp)
        if event.type == "group" and event.company_id is not None:
            state = self._company_traits.setdefault(event.company_id, SubjectState())
            _set_traits(state, event)
            who = id_of(event)
            if who is not None:
                link = event.timestamp, event.company_id
                self._companies[who] = max(self._companies.get(who, link), link)
        return event.type != "track"

    def _company_of(self, root: SubjectKey) -> str | None:
        links = [self._companies[key] for key in self._identities.group(root) if key in self._companies]
        return max(links)[1] if links else None

    def _fold(self, state: SubjectState, event: Event, plan: Any) -> bool:
        """As evaluation does: late events count for nothing but being known, our own for nothing but counts."""
        if event.flags & LATE:
            return seen(state, event.received_at)
        known = state.first_seen, state.last_seen
        earlier = self._program.fold(state, event, plan)
        if event.flags & INTERNAL:
            state.first_seen, state.last_seen = known
        return earlier or bool(plan.rules)


class _User(_Subject):
    """A user: the fold of each of its ids, merged."""

    def __init__(self, program: Program, key: SubjectKey) -> None:
        super().__init__(program, key)
        self._parts: dict[SubjectKey, SubjectState] = {}
        self._merged: SubjectState | None = None

    def take(self, event: Event) -> bool:
        """See above; of a company's group calls by others only the traits count."""
        settled = self._settle(event)
        who = id_of(event)
        if who is None:
            return settled
        state = self._parts.setdefault(who, SubjectState())
        if event.type == "identify":
            _set_traits(state, event)
        changed = self._fold(state, event, self._program.touch(event).user)
        self._merged = None
        return settled or changed

    def view(self, segments: Mapping[str, bool]) -> SubjectView | None:
        """See above."""
        if self._merged is None:
            parts = [self._parts[key] for key in self._identities.group(self._key) if key in self._parts]
            if not parts:
                return None
            self._merged = parts[0]
            for part in parts[1:]:
                self._merged = self._program.merge(self._merged, part)
        company = self._company_of(self._key)
        traits = None if company is None else self._company_traits.get(company)
        return SubjectView(
            state=self._merged,
            traits=trait_values(self._merged),
            company_traits=None if traits is None else trait_values(traits),
            segments=segments,
        )


class _Company(_Subject):
    """A company: its own events, and of its members' those that name none."""

    def __init__(self, program: Program, key: SubjectKey) -> None:
        super().__init__(program, key)
        self._own = SubjectState()
        self._parts: dict[SubjectKey, SubjectState] = {}
        self._state: SubjectState | None = None

    def take(self, event: Event) -> bool:
        """See above."""
        settled = self._settle(event)
        plan = self._program.touch(event).company
        who = id_of(event)
        changed = False
        if event.company_id == self._key.id:
            changed = self._fold(self._own, event, plan)
        elif event.company_id is None and who is not None:
            changed = self._fold(self._parts.setdefault(who, SubjectState()), event, plan)
        if settled or changed:
            self._state = None
        return settled or changed

    def view(self, segments: Mapping[str, bool]) -> SubjectView | None:
        """See above."""
        if self._state is None:
            state = self._program.merge(SubjectState(), self._own, "company")
            for who, part in self._parts.items():
                if self._company_of(self._identities.root(who)) == self._key.id:
                    state = self._program.merge(state, part, "company")
            traits = self._company_traits.get(self._key.id)
            state.traits = traits.traits if traits is not None else {}
            self._state = state
        if self._state.first_seen is None:
            return None
        return SubjectView(state=self._state, traits=trait_values(self._state), segments=segments)


def _set_traits(state: SubjectState, event: Event) -> None:
    for name, value in event.properties.items():
        set_trait(state, name, value, event.timestamp)
