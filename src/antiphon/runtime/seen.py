"""The names and values that have been seen, kept in memory for completion and read anew now and then."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import structlog

from antiphon.model.clock import SECOND, Clock
from antiphon.model.subject import SubjectKind
from antiphon.store import seen as store
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader

log = structlog.get_logger(__name__)

Scalar = str | bool | int | float

FRESH = 30 * SECOND
"""How old (ms) the catalogue may be before a look at it has it read again, in the background."""

FIRST_WAIT_S = 5.0
MOST_VALUES = 200
"""Values kept of one property of one event."""

MOST_TRAITS = 2_000
LONGEST = 200
"""Characters of a name or value that is offered."""

REPEATED_ABOVE = 20
"""A name of more values than this offers only those that came twice: nobody completes a message id."""

REDACTED = "[redacted]"


class Catalogue(msgspec.Struct, frozen=True):
    """Names and values, each list with the most frequent first; values by (event or subject kind, name)."""

    events: list[str] = []
    properties: dict[str, list[str]] = {}
    any_properties: list[str] = []
    values: dict[tuple[str, str], list[Scalar]] = {}
    any_values: dict[str, list[Scalar]] = {}
    traits: dict[str, list[str]] = {}
    trait_values: dict[tuple[str, str], list[Scalar]] = {}


class SeenNames:
    """See `rules.complete.Seen`; from any thread. Answers from memory, never from the database, but for rules' names."""

    def __init__(self, store_: Store, reader: HistoryReader, clock: Clock) -> None:
        """Read from these when asked for the first time, and again when what is known is old."""
        self._store = store_
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._reading: threading.Thread | None = None
        self._read_at: int | None = None
        self._catalogue = Catalogue()

    def events(self) -> Iterable[str]:
        """See `rules.complete.Seen`."""
        return self._current().events

    def properties(self, event: str | None) -> Iterable[str]:
        """See `rules.complete.Seen`; of an event that was never seen, those of all."""
        known = self._current()
        return known.any_properties if event is None else known.properties.get(event, known.any_properties)

    def values(self, event: str | None, name: str) -> Iterable[Scalar]:
        """See `rules.complete.Seen`."""
        known = self._current()
        if event is None or event not in known.properties:
            return known.any_values.get(name, ())
        return known.values.get((event, name), ())

    def traits(self, kind: SubjectKind) -> Iterable[str]:
        """See `rules.complete.Seen`."""
        return self._current().traits.get(kind, ())

    def trait_values(self, kind: SubjectKind, name: str) -> Iterable[Scalar]:
        """See `rules.complete.Seen`."""
        return self._current().trait_values.get((kind, name), ())

    def segments(self, kind: SubjectKind) -> Iterable[str]:
        """See `rules.complete.Seen`."""
        with self._store.state.read() as conn:
            return store.segment_names(conn, kind)

    def wait(self) -> None:
        """Return when no reading is under way."""
        with self._lock:
            reading = self._reading
        if reading is not None:
            reading.join()

    def _current(self) -> Catalogue:
        """What is known, read again in the background when it is old; only the very first look waits a little."""
        now = self._clock()
        with self._lock:
            stale = self._read_at is None or not 0 <= now - self._read_at < FRESH
            if stale and self._reading is None:
                self._reading = threading.Thread(target=self._refresh, args=(now,), name="seen", daemon=True)
                self._reading.start()
        self._ready.wait(FIRST_WAIT_S)
        return self._catalogue

    def _refresh(self, now: int) -> None:
        try:
            with self._store.state.read() as conn:
                people = {kind: store.trait_samples(conn, kind) for kind in ("user", "company")}
            self._catalogue = catalogue(store.event_names(self._reader), store.event_samples(self._reader), people)
        except Exception:
            log.exception("names for completion could not be read")
        finally:
            with self._lock:
                self._read_at, self._reading = now, None
            self._ready.set()


def catalogue(
    names: list[str], events: Iterable[tuple[str, dict[str, Any]]], people: dict[str, list[dict[str, Any]]]
) -> Catalogue:
    """The catalogue of all events' names, samples of events and the traits of people and companies."""
    of_event: dict[str, _Names] = defaultdict(_Names)
    of_any, of_kind = _Names(), {kind: _Names() for kind in people}
    for name, properties in events:
        of_event[name].add(properties)
        of_any.add(properties)
    for kind, traits in people.items():
        for one in traits:
            of_kind[kind].add(one)
    return Catalogue(
        events=[name for name in names if len(name) <= LONGEST],
        properties={name: known.names() for name, known in of_event.items()},
        any_properties=of_any.names(),
        values={(name, key): found for name, known in of_event.items() for key, found in known.offered()},
        any_values=dict(of_any.offered()),
        traits={kind: known.names() for kind, known in of_kind.items()},
        trait_values={(kind, key): found for kind, known in of_kind.items() for key, found in known.offered()},
    )


class _Names:
    """Counts names and their values; bounded."""

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()
        self._values: dict[str, Counter[tuple[type, Scalar]]] = {}

    def add(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if len(name) > LONGEST or (name not in self._names and len(self._names) >= MOST_TRAITS):
                continue
            self._names[name] += 1
            if isinstance(value, Scalar) and value != REDACTED and len(str(value)) <= LONGEST:
                counts = self._values.setdefault(name, Counter())
                key = (type(value), value)  # 1 and true are two values
                if key in counts or len(counts) < MOST_VALUES:
                    counts[key] += 1

    def names(self) -> list[str]:
        return [name for name, _ in self._names.most_common()]

    def offered(self) -> Iterator[tuple[str, list[Scalar]]]:
        for name, counts in self._values.items():
            least = 2 if len(counts) > REPEATED_ABOVE else 1
            yield name, [value for (_, value), count in counts.most_common() if count >= least]
