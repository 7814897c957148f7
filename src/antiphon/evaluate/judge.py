"""Judging subjects by the rules, and what follows when a judgement changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from antiphon.evaluate.identity import Identities
from antiphon.evaluate.program import InForce
from antiphon.evaluate.record import ComputedValue, Judgement, Record
from antiphon.evaluate.records import Records
from antiphon.model.event import INTERNAL, Event
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKey
from antiphon.rules.state import SubjectState, SubjectView
from antiphon.store.engine import Connection
from antiphon.store.subjects import Membership

CompanyOf = Callable[[SubjectKey], str | None]


class Outcome:
    """What judging led to: memberships and signals to store, events of our own to emit.

    `profiles` are those whose computed traits changed; `company_traits` names these traits of companies, for whose
    members they may change something too.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.memberships: list[Membership] = []
        self.signals: list[Signal] = []
        self.emissions: list[Event] = []
        self.profiles: set[SubjectKey] = set()
        self.company_traits: dict[str, set[str]] = {}

    def add(self, other: Outcome) -> None:
        """Take in what another judging led to."""
        self.memberships.extend(other.memberships)
        self.signals.extend(other.signals)
        self.emissions.extend(other.emissions)
        self.profiles |= other.profiles


class Judge:
    """Judges subjects at one instant (`now`, ms)."""

    def __init__(
        self,
        conn: Connection,
        current: InForce,
        records: Records,
        identities: Identities,
        company_of: CompanyOf,
        now: int,
        outcome: Outcome,
        *,
        quiet: bool = False,
    ) -> None:
        """`quiet` judgements are recorded, and nobody is messaged for them (a backfill)."""
        self._conn = conn
        self._current = current
        self._program = current.program
        self._records = records
        self._identities = identities
        self._company_of = company_of
        self._now = now
        self._outcome = outcome
        self._quiet = quiet

    def judge(self, key: SubjectKey, rules: Iterable[int], caused_at: int | None) -> None:
        """Judge `key` by `rules` (rule ids; those about another kind of subject are left out).

        Computed traits among them (by their keys) are computed. What reads another's segment or computed trait comes
        after it, and again when that one changes.
        """
        if key.kind == "anonymous":
            return
        record = self._records.change(self._conn, key)
        queue = self._current.in_order(key.kind, rules)
        if not self._current.layered:
            view = self.view(key, record, {})
            for number in [number for number in queue if number < 0]:
                self._compute(key, record, number, view)
            queue = [number for number in queue if number > 0]
            for rule_id, truth, recheck_at in self._program.evaluate_all(queue, view, self._now):
                self._settle(key, record, rule_id, truth, recheck_at, caused_at)
            return
        known = self._current.rules
        segments = {known[r].name: j.member for r, j in record.judgements.items() if r in known}
        view = self.view(key, record, segments)
        while queue:
            rule_id = queue.pop(0)
            if rule_id < 0:
                if self._compute(key, record, rule_id, view):
                    view = msgspec.structs.replace(view, traits=self._current.traits(key.kind, record, view.state))
                    queue = self._current.in_order(key.kind, {*queue, *self._current.readers(rule_id)})
                continue
            verdict = self._program.evaluate(rule_id, view, self._now)
            if self._settle(key, record, rule_id, verdict.truth, verdict.recheck_at, caused_at):
                segments[known[rule_id].name] = record.judgements[rule_id].member
                readers = self._current.readers(rule_id)
                if readers:
                    queue = self._current.in_order(key.kind, {*queue, *readers})

    def view(self, key: SubjectKey, record: Record, segments: dict[str, bool]) -> SubjectView:
        """A subject as rules see it: all its ids together, its traits, its company's traits, its segments."""
        state = self._state(key, record)
        company = self._company_of(key) if key.kind == "user" else None
        company_record = self._records.find(self._conn, SubjectKey("company", company)) if company is not None else None
        return SubjectView(
            state=state,
            traits=self._current.traits(key.kind, record, state),
            company_traits=(
                self._current.traits("company", company_record, company_record.state)
                if company_record is not None
                else None
            ),
            segments=segments,
        )

    def _state(self, key: SubjectKey, record: Record) -> SubjectState:
        state = record.state
        for other in self._identities.group(key)[1:] if key.kind == "user" else ():
            part = self._records.find(self._conn, other)
            if part is not None:
                state = self._program.merge(state, part.state)
        return state

    def _compute(self, key: SubjectKey, record: Record, number: int, view: SubjectView) -> bool:
        """Bring a computed trait up to date; whether its value changed, which alone has the profile written."""
        value, recheck_at = self._program.compute(number, view, self._now)
        old = record.computed.get(number)
        if old is None:
            if value is None and recheck_at is None:
                return False
            old = record.computed[number] = ComputedValue(0, None, self._now)
        spec = self._current.computed[number]
        old.version, old.recheck_at = spec.version, recheck_at
        if type(old.value) is type(value) and old.value == value:
            return False
        old.value, old.since = value, self._now
        self._outcome.profiles.add(key)
        if key.kind == "company":
            self._outcome.company_traits.setdefault(key.id, set()).add(spec.name)
        return True

    def _settle(
        self, key: SubjectKey, record: Record, rule_id: int, truth: bool, recheck_at: int | None, caused_at: int | None
    ) -> bool:
        """Remember a verdict; whether the subject entered or left, and if so, what follows from it."""
        old = record.judgements.get(rule_id)
        if old is None:
            if not truth and recheck_at is None:
                return False  # most rules, for most people: nothing to remember
            old = record.judgements[rule_id] = Judgement(0, member=False, episode=0, since=self._now)
        old.version, old.recheck_at = self._current.rules[rule_id].version, recheck_at
        if truth == old.member:
            return False
        old.member, old.since, old.episode = truth, self._now, old.episode + (1 if truth else 0)
        self._changed(key, rule_id, old, caused_at)
        return True

    def _changed(self, key: SubjectKey, rule_id: int, judgement: Judgement, caused_at: int | None) -> None:
        kind = "company" if key.kind == "company" else "user"
        self._outcome.memberships.append(
            Membership(rule_id, kind, key.id, judgement.episode, judgement.member, self._now)
        )
        name = "entered" if judgement.member else "left"
        self._outcome.signals.append(
            Signal(
                kind=name,
                subject_kind=kind,
                subject_id=key.id,
                at=self._now,
                rule_id=rule_id,
                episode=judgement.episode,
                caused_at=caused_at,
                quiet=self._quiet,
            )
        )
        if not self._quiet:
            self._outcome.emissions.append(self._event(key, rule_id, judgement, name))

    def _event(self, key: SubjectKey, rule_id: int, judgement: Judgement, name: str) -> Event:
        return Event(
            id=f"segment:{rule_id}:{key.kind}:{key.id}:{judgement.episode}:{name}",
            type="track",
            name=f"segment_{name}",
            timestamp=self._now,
            received_at=self._now,
            source="antiphon",
            user_id=key.id if key.kind == "user" else None,
            company_id=key.id if key.kind == "company" else None,
            properties={
                "rule_id": rule_id,
                "rule": self._current.rules[rule_id].name,
                "episode": judgement.episode,
            },
            flags=INTERNAL,
        )
