"""The fillings under way: which rules begin to be filled, which wait, and a slice of the work at each tick."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from antiphon.evaluate.changes import Changes
from antiphon.evaluate.computed import compute_everybody
from antiphon.evaluate.fill import Filling, Keys, Past
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Outcome
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.rules.live import Program
from antiphon.store import fills, program
from antiphon.store.computed_traits import ComputedTrait
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow


class Fillings:
    """Those under way."""

    def __init__(self, past: Past, within: int) -> None:
        """Read from `past`; a log of at most `within` events is filled from within one tick."""
        self._past, self._within = past, within
        self._items: list[Filling] = []

    def __bool__(self) -> bool:
        """Whether anything is under way."""
        return bool(self._items)

    @property
    def waiting(self) -> list[int]:
        """The rules that judge nobody yet."""
        return [row.id for filling in self._items if not filling.judging for row in filling.rows]

    @property
    def pending(self) -> list[Mapping[int, Collection[str]]]:
        """Who is not to be messaged when first judged, see `Filling.pending`."""
        return [filling.pending for filling in self._items if filling.judging]

    def cancel(self) -> None:
        """Stop all; what they merged is not found again."""
        for filling in self._items:
            filling.cancel()
        self._items = []

    # -- which rules -----------------------------------------------------------------------------------------------

    def new(self, conn: Connection, rows: Sequence[RuleRow]) -> list[RuleRow]:
        """The active rules, of `rows`, that must begin to be filled; fillings of what is no longer wanted are stopped."""
        self._stop(conn, [filling for filling in self._items if not filling.is_still(rows)])
        known = {row.id for filling in self._items for row in filling.rows}
        return [row for row in rows if row.filled_version < row.version and row.id not in known]

    def join(self, conn: Connection, whole: Program, new: Sequence[RuleRow], rows: Sequence[RuleRow]) -> list[RuleRow]:
        """`new` with the rules whose filling still counts a metric that these need too: they begin anew together."""
        keys = whole.keys_of(row.id for row in new)
        shared = [one for one in self._items if not one.judging and any(keys & some for some in one.keys.values())]
        self._stop(conn, shared)
        again = {row.id for filling in shared for row in filling.rows} | {row.id for row in new}
        return [row for row in rows if row.id in again]

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

    def _stop(self, conn: Connection, fillings: Iterable[Filling]) -> None:
        for filling in fillings:
            filling.cancel()
            self._items.remove(filling)
            for row in filling.rows:
                fills.drop(conn, row.id)

    # -- the work --------------------------------------------------------------------------------------------------

    def begin(self, rows: Sequence[RuleRow], current: Running, keys: Keys, position: int, now: int) -> Filling | None:
        """Begin to fill rules; given back when that must be done within this tick.

        Computed traits are filled within the tick, since rules and other traits read them.
        """
        apart = position > self._within and not current.computed
        filling = Filling(rows, current.program, keys, position, now, self._past, apart=apart)
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
    ) -> bool:
        """A slice of each; whether rules judge from the next tick on that waited."""
        ready = False
        for filling in list(self._items):
            if filling.judging:
                if filling.judge(conn, current, residents, identities, now, position, outcome):
                    self._items.remove(filling)
            elif filling.merge(conn, residents, identities, changes):
                filling.begin_judging(conn, residents, identities)
                ready = True
        return ready


def merge_now(conn: Connection, filling: Filling, residents: Residents, identities: Identities, position: int) -> None:
    """Merge all that the past adds within this tick, before its events."""
    changes, merged = Changes(), False
    while not merged:
        merged = filling.merge(conn, residents, identities, changes)
        slots = [residents.slot(conn, key) for key in changes.stored]
        for slot in slots:
            residents.soil(slot, position)
        residents.flush(conn, slots, position)
        changes.stored.clear()


def judge_now(
    conn: Connection,
    filling: Filling,
    traits: Sequence[ComputedTrait],
    current: Running,
    residents: Residents,
    identities: Identities,
    now: int,
    position: int,
    outcome: Outcome,
) -> None:
    """Then compute new traits and judge everybody, within this tick too."""
    if traits:
        outcome.add(compute_everybody(conn, current, traits, residents, identities, now, position))
    filling.begin_judging(conn, residents, identities)
    while not filling.judge(conn, current, residents, identities, now, position, outcome):
        residents.flush(conn, residents.overdue(position + 1, residents.count), position)
