"""The working set: records by key, read once, kept while they are hot, written back by the tick."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.evaluate.record import Record, decode, encode
from antiphon.model.subject import SubjectKey
from antiphon.rules.state import SubjectState
from antiphon.store import subjects
from antiphon.store.engine import Connection


class Records:
    """Decoded records of the hot subjects, at most `capacity` between ticks.

    Only evaluation writes the table, so what is in memory is what is stored; after a failed transaction `forget`
    must be called.
    """

    def __init__(self, capacity: int) -> None:
        """Keep up to `capacity` records in memory between ticks."""
        self._capacity = capacity
        self._hot: dict[SubjectKey, Record] = {}
        self._dirty: set[SubjectKey] = set()
        self._absent: set[SubjectKey] = set()  # looked for in this tick and not there

    def prefetch(self, conn: Connection, keys: Iterable[SubjectKey]) -> None:
        """Read those of `keys` that are not in memory, in few statements."""
        missing = [key for key in keys if key not in self._hot and key not in self._absent]
        if missing:
            found = subjects.load(conn, missing)
            self._hot.update((key, decode(state)) for key, state in found.items())
            self._absent.update(key for key in missing if key not in found)

    def find(self, conn: Connection, key: SubjectKey) -> Record | None:
        """The record of `key`, or None; not to be changed."""
        record = self._hot.get(key)
        if record is None:
            self.prefetch(conn, (key,))
            record = self._hot.get(key)
        return record

    def change(self, conn: Connection, key: SubjectKey) -> Record:
        """The record of `key` (a new one if there is none), to be changed and saved."""
        record = self.find(conn, key)
        if record is None:
            record = self._hot[key] = Record(SubjectState(), {})
            self._absent.discard(key)
        self._dirty.add(key)
        return record

    def save(self, conn: Connection) -> int:
        """Write every changed record; how many they were."""
        rows = []
        for key in self._dirty:
            record = self._hot[key]
            rows.append(subjects.StoredState(key, encode(record), record.recheck_at))
        subjects.save(conn, rows)
        return len(rows)

    def settle(self) -> None:
        """Call after the commit: nothing is dirty, and the oldest records go when there are too many."""
        self._dirty.clear()
        self._absent.clear()
        excess = len(self._hot) - self._capacity
        if excess > 0:
            for key in list(self._hot)[:excess]:
                del self._hot[key]

    def forget(self) -> None:
        """Call after a rollback: memory is no longer what is stored."""
        self._hot.clear()
        self._dirty.clear()
        self._absent.clear()
