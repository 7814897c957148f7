"""The fillings under way: which rules begin to be filled, which wait, and a slice of the work at each tick."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
import structlog

from antiphon.evaluate import storing
from antiphon.evaluate.already import FirstJudgements
from antiphon.evaluate.changes import Changes
from antiphon.evaluate.computed import compute_everybody
from antiphon.evaluate.fill import Filling, Keys, Past, Unreadable
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Outcome
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.model.clock import MINUTE, SECOND
from antiphon.rules.computed import FIRST_KEY
from antiphon.rules.live import Program
from antiphon.store import fills, program
from antiphon.store.computed_traits import ComputedTrait
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow

log = structlog.get_logger(__name__)

FILL_PAUSE = 5
"""How long (ms) to wait for more of the past while a rule is filled and nothing else is to do."""

FIRST_REST, LONGEST_REST = SECOND, 5 * MINUTE
"""How long (ms) a filling rests that could not read the past: twice as long each time."""


class Resting(msgspec.Struct, frozen=True):
    """A filling that could not read the past, and when it begins anew (ms)."""

    filling: Filling
    until: int


class Step(msgspec.Struct, frozen=True):
    """What a tick did for fillings: rules judge from the next tick on that waited; there was something to do."""

    ready: bool
    worked: bool


class Fillings:
    """Those under way, and those that rest since they could not read the past."""

    def __init__(self, past: Past, within: int) -> None:
        """Read from `past`; a log of at most `within` events is filled from within one tick."""
        self._past, self._within = past, within
        self._items: list[Filling] = []
        self._resting: list[Resting] = []
        self._failures: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether anything is under way."""
        return bool(self._items)

    @property
    def waiting(self) -> list[int]:
        """The rules that judge nobody yet, and the traits that are not computed yet."""
        found = [filling for filling in self._items if not filling.judging]
        found += [resting.filling for resting in self._resting]
        return [number for filling in found for number in _numbers(filling.rows, filling.traits)]

    @property
    def first(self) -> list[FirstJudgements]:
        """The first judgements under way."""
        return [filling.first for filling in self._items if filling.judging]

    def wake_at(self, now: int) -> int | None:
        """When (ms) there is work for a tick again."""
        if self._items:
            return now + FILL_PAUSE
        return min((resting.until for resting in self._resting), default=None)

    def is_due(self, now: int) -> bool:
        """Whether one that rests must begin anew."""
        return any(resting.until <= now for resting in self._resting)

    def cancel(self) -> None:
        """Stop all; what they merged is not found again."""
        for filling in self._items:
            filling.cancel()
        self._items, self._resting = [], []

    # -- which rules -----------------------------------------------------------------------------------------------

    def new(
        self, conn: Connection, rows: Sequence[RuleRow], traits: Sequence[ComputedTrait], now: int
    ) -> tuple[list[RuleRow], list[ComputedTrait]]:
        """The active rules, of `rows`, and the traits that must begin to be filled; what is no longer wanted is stopped."""
        wanted = {row.id for row in rows}
        self._stop([filling for filling in self._all() if not filling.is_still(rows, traits)])
        fills.drop_others(conn, [*wanted, *(FIRST_KEY + one.id for one in traits if one.filled_version < one.version)])
        self._resting = [resting for resting in self._resting if resting.until > now]
        known = {number for filling in self._all() for number in _numbers(filling.rows, filling.traits)}
        self._failures = {number: n for number, n in self._failures.items() if number in wanted or number >= FIRST_KEY}
        return (
            [row for row in rows if row.filled_version < row.version and row.id not in known],
            [trait for trait in traits if trait.filled_version < trait.version and FIRST_KEY + trait.id not in known],
        )

    def join(
        self,
        whole: Program,
        new: Sequence[RuleRow],
        new_traits: Sequence[ComputedTrait],
        rows: Sequence[RuleRow],
        traits: Sequence[ComputedTrait],
    ) -> tuple[list[RuleRow], list[ComputedTrait]]:
        """What is new with all whose filling counts a metric that it needs too: they begin anew together."""
        keys = whole.keys_of(_numbers(new, new_traits))
        shared = [one for one in self._all() if any(keys & some for some in one.keys.values())]
        self._stop(shared)
        again = {number for filling in shared for number in _numbers(filling.rows, filling.traits)}
        again.update(_numbers(new, new_traits))
        return (
            [row for row in rows if row.id in again],
            [trait for trait in traits if FIRST_KEY + trait.id in again],
        )

    def reopen(
        self, conn: Connection, whole: Program, missing: Keys, new: Sequence[RuleRow], rows: Sequence[RuleRow]
    ) -> list[RuleRow]:
        """`new` with the rules in force that read a metric which must reach further back from now on: they wait for it too."""
        sharing = set(whole.rules_using(key for keys in missing.values() for key in keys)) - {row.id for row in new}
        reopened = [row for row in rows if row.id in sharing]
        if not reopened:
            return list(new)
        ids = {row.id for row in reopened}
        program.reopen(conn, ids)
        # their first judgement afterwards is no first one to anybody: who enters is messaged
        return [*new, *program.active_rules(conn, ids)]

    def _all(self) -> list[Filling]:
        return [*self._items, *(resting.filling for resting in self._resting)]

    def _stop(self, fillings: Collection[Filling]) -> None:
        for filling in fillings:
            filling.cancel()
        self._items = [filling for filling in self._items if filling not in fillings]
        self._resting = [resting for resting in self._resting if resting.filling not in fillings]

    def rest(self, conn: Connection, filling: Filling, error: Unreadable, now: int) -> None:
        """Have a filling that could not read the past begin anew after a pause, which grows with each failure."""
        filling.cancel()
        numbers = _numbers(filling.rows, filling.traits)
        failures = 1 + max(self._failures.get(number, 0) for number in numbers)
        self._failures |= dict.fromkeys(numbers, failures)
        until = now + min(FIRST_REST << min(failures - 1, 20), LONGEST_REST)
        self._items = [one for one in self._items if one is not filling]
        self._resting.append(Resting(filling, until))
        fills.tell_failed(conn, numbers, f"{error}", until)
        names = [one.name for one in (*filling.rows, *filling.traits)]
        log.warning("a filling must begin anew", of=names, why=str(error), failures=failures)

    # -- the work --------------------------------------------------------------------------------------------------

    def begin(
        self,
        conn: Connection,
        rows: Sequence[RuleRow],
        traits: Sequence[ComputedTrait],
        current: Running,
        keys: Keys,
        position: int,
        now: int,
    ) -> Filling | None:
        """Begin to fill rules and traits; given back when that must be done within this tick.

        Computed traits are filled within the tick, since rules and other traits read them.
        """
        apart = position > self._within and not current.computed
        here = fills.Moment(position, now)
        moments = {row.id: fills.begin(conn, row.id, row.version, here) for row in rows}
        for trait in traits:
            fills.begin(conn, FIRST_KEY + trait.id, trait.version, here)
        filling = Filling(rows, traits, moments, current, keys, position, now, self._past, apart=apart)
        if not apart:
            return filling
        self._items.append(filling)
        return None

    def step(
        self,
        conn: Connection,
        current: Running,
        residents: Residents,
        identities: Identities,
        changes: Changes,
        now: int,
        position: int,
        outcome: Outcome,
    ) -> Step:
        """A slice of each."""
        ready = worked = False
        for filling in list(self._items):
            try:
                if filling.judging:
                    worked = True
                    if filling.judge(conn, current, residents, identities, now, position, outcome):
                        self._items.remove(filling)
                    continue
                merged = filling.merge(conn, residents, identities, changes)
            except Unreadable as error:
                self.rest(conn, filling, error, now)
                continue
            worked = worked or bool(merged)
            if merged is None:
                filling.begin_judging(conn, residents, identities)
                ready = True
        return Step(ready, worked)


def merge_now(conn: Connection, filling: Filling, residents: Residents, identities: Identities, position: int) -> None:
    """Merge all that the past adds within this tick, before its events. Raises Unreadable; what was merged is not found again."""
    changes = Changes()
    while filling.merge(conn, residents, identities, changes) is not None:
        slots = [residents.slot(conn, key) for key in changes.stored]
        for slot in slots:
            residents.soil(slot, position)
        storing.flush(conn, residents, slots, position)
        changes.stored.clear()


def judge_now(
    conn: Connection,
    filling: Filling,
    current: Running,
    residents: Residents,
    identities: Identities,
    now: int,
    position: int,
    outcome: Outcome,
) -> None:
    """Then compute new traits and judge everybody, within this tick too."""
    if filling.traits:
        outcome.add(compute_everybody(conn, current, filling.traits, residents, identities, now, position))
    filling.begin_judging(conn, residents, identities)
    while not filling.judge(conn, current, residents, identities, now, position, outcome):
        storing.flush(conn, residents, residents.behind(), position)


def _numbers(rows: Iterable[RuleRow], traits: Iterable[ComputedTrait]) -> list[int]:
    """By which a program knows rules and traits."""
    return [*(row.id for row in rows), *(FIRST_KEY + trait.id for trait in traits)]
