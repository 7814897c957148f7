"""Cutting the past into stretches: runs of events in which every subject can be lived through by itself.

Within a stretch calls are taken in first. So a call begins a new stretch when anybody whom it may change did something earlier in
this one; those whom it changes and who did nothing yet lose nothing by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from antiphon.evaluate.absorb import company_of
from antiphon.evaluate.identity import Identities, id_of, links_of, user_key
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.roster import UNKNOWN_HOME
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey
from antiphon.store.engine import Connection

MOST = 20_000
"""Events in a stretch, about."""

CALLS = frozenset({"identify", "group", "alias"})
"""Types of events that say who somebody is, to whom they belong, or what traits they have."""


class Stretch:
    """Events in order of receipt, `when` (ms) each was received, and at which instant a call may have changed somebody."""

    def __init__(self) -> None:
        """Start empty."""
        self.events: list[Event] = []
        self.when: list[int] = []
        self.called: dict[SubjectKey, int] = {}

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.events)


class Cutter:
    """Cuts a stream; who is who is looked up as it stands, so each stretch must be done with before the next is asked for."""

    def __init__(
        self,
        conn: Connection,
        residents: Residents,
        identities: Identities,
        ends: Callable[[int], int],
        *,
        each: bool,
        traits_alone: bool,
    ) -> None:
        """`ends(at)` says up to when a stretch that begins at `at` may go on (not included).

        With `each`, an instant is a stretch; with `traits_alone`, one is at which traits of companies are set, as when rules about users
        read them.
        """
        self._conn, self._residents, self._identities, self._ends = conn, residents, identities, ends
        self._each, self._traits_alone = each, traits_alone
        self._at = self._end = 0
        self._begin(Stretch())

    def cut(self, events: Iterable[Event]) -> Iterator[Stretch]:
        """The stretches of events, in order of receipt; one that was received before its predecessor counts as received with it."""
        for event in events:
            at = event.received_at
            if at > self._at:
                if self._stretch and (self._alone or at >= self._end or len(self._stretch.events) >= MOST):
                    yield self._stretch
                    self._begin(Stretch())
                if not self._stretch:
                    self._end = self._ends(at)
                self._at, self._mark = at, len(self._stretch.events)
            if event.type in CALLS and not self._each:
                called = self._called(event)
                alone = self._traits_alone and event.type == "group" and bool(event.properties)
                if self._mark and (alone or self._conflicts(called)):
                    yield self._earlier()
                    called = self._called(event)
                self._alone = self._alone or alone
                companies = [key for key in called if key.kind == "company"]
                for key in called:
                    self._homes.setdefault(key, []).extend(companies)
                self._stretch.called.update(dict.fromkeys(called, self._at))
            self._stretch.events.append(event)
            self._stretch.when.append(self._at)
        if self._stretch:
            yield self._stretch
            self._begin(Stretch())

    def _begin(self, stretch: Stretch) -> None:
        self._stretch = stretch
        self._mark = self._noted = 0  # where this instant begins; how many events are in `_touched`
        self._alone = self._each
        self._touched: dict[SubjectKey, int] = {}
        self._homes: dict[SubjectKey, list[SubjectKey]] = {}

    def _earlier(self) -> Stretch:
        """What came before this instant; the instant itself begins a new stretch."""
        whole, mark, now = self._stretch, self._mark, Stretch()
        now.events, now.when = whole.events[mark:], whole.when[mark:]
        now.called = {key: at for key, at in whole.called.items() if at == self._at}
        del whole.events[mark:], whole.when[mark:]
        whole.called = {key: at for key, at in whole.called.items() if at != self._at}
        homes = {key: self._homes[key] for key in now.called}
        self._begin(now)
        self._homes, self._end = homes, self._ends(self._at)
        return whole

    # -- who is touched --------------------------------------------------------------------------------------------

    def _called(self, event: Event) -> set[SubjectKey]:
        """Everybody whom a call may change: all ids of whom it is about, and their companies, before and after."""
        ids = [user_key(user_id) for _, user_id in links_of(event)]
        ids += [key for key, _ in links_of(event)]
        own = id_of(event)
        if own is not None:
            ids.append(own)
        found = set[SubjectKey](ids)
        for one in ids:
            found.update(self._identities.group(self._identities.root(one)))
        for key in list(found):
            company = self._company(key)
            if company is not None:
                found.add(SubjectKey("company", company))
        if event.company_id is not None:
            found.add(SubjectKey("company", event.company_id))
        return found

    def _company(self, key: SubjectKey) -> str | None:
        slot = self._residents.find(self._conn, key)
        if slot is None or not self._residents.has_extra(slot):
            return None
        company = self._residents.extra(slot).company
        return None if company is None else company[0]

    def _conflicts(self, called: Iterable[SubjectKey]) -> bool:
        """Whether any of these did something, or was called upon, at an earlier instant of this stretch."""
        for number in range(self._noted, self._mark):
            self._note(self._stretch.events[number], self._stretch.when[number])
        self._noted = self._mark
        calls, touched, at = self._stretch.called, self._touched, self._at
        return any(touched.get(key, at) != at or calls.get(key, at) != at for key in called)

    def _note(self, event: Event, at: int) -> None:
        """Note whom an event is about: its id, who that is, and the companies that it counts for."""
        touched = self._touched
        if event.company_id is not None:
            touched[SubjectKey("company", event.company_id)] = at
        own = id_of(event)
        if own is None:
            return
        touched[own] = touched[self._identities.root(own)] = at
        home = self._home(own)
        if home is not None:
            touched[SubjectKey("company", home)] = at
        for company in self._homes.get(own, ()):
            touched[company] = at

    def _home(self, key: SubjectKey) -> str | None:
        residents = self._residents
        slot = residents.places[key.kind].get(key.id) if residents.places["company"] else None
        if slot is None:
            return None
        home = int(residents.home[slot])
        if home == UNKNOWN_HOME:
            return company_of(self._conn, residents, self._identities, self._identities.root(key))
        return None if home < 0 else residents.names[home]
