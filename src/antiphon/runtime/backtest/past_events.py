"""Where a backtest takes the past from: a server's history, or a file of events in the shape that `/v1` takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from antiphon.errors import InvalidInput
from antiphon.ingest import steps
from antiphon.ingest.drops import Drop
from antiphon.ingest.parse import Parser
from antiphon.ingest.redact import Redactor
from antiphon.ingest.settings import IngestSettings
from antiphon.ingest.sources.segment import Item, Receipt, milliseconds, to_event
from antiphon.model.clock import SECOND
from antiphon.model.event import Event
from antiphon.model.event_batch import EventBatch
from antiphon.store import replayed
from antiphon.store.dedupe import DedupeIndex
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader
from antiphon.store.settings import REDACT_BY_DEFAULT

FILE_SOURCE = "file"


class PastEvents(Protocol):
    """The past, by time of receipt (ms); `span` is its first and last receipt, None where it goes on up to now."""

    @property
    def span(self) -> tuple[int, int] | None:
        """See above."""
        ...

    def before(self, instant: int) -> Iterable[Event]:
        """Everything received before an instant, in no particular order."""
        ...

    def people_before(self, instant: int) -> Iterable[Event]:
        """Of that at least what says who somebody is and everybody's first event, in order of receipt."""
        ...

    def between(self, since: int, until: int) -> Iterable[Event]:
        """What was received from `since` on and before `until`, in order of receipt."""
        ...

    def count(self, since: int, until: int) -> int:
        """How many events `between` gives."""
        ...


class StoredEvents:
    """The past of a server."""

    span = None

    def __init__(self, store: Store) -> None:
        """Read the history of `store`, and the tail of its log."""
        self._reader = HistoryReader(store)

    def before(self, instant: int) -> Iterator[Event]:
        """See `PastEvents`."""
        return replayed.events_before(self._reader, instant)

    def people_before(self, instant: int) -> Iterator[Event]:
        """See `PastEvents`."""
        return replayed.calls_before(self._reader, instant)

    def between(self, since: int, until: int) -> Iterator[Event]:
        """See `PastEvents`."""
        return replayed.events_between(self._reader, since, until)

    def count(self, since: int, until: int) -> int:
        """See `PastEvents`."""
        return replayed.count_between(self._reader, since, until)


class ListedEvents:
    """A past that is in memory."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Order `events` by receipt; those of one instant stay in their order, and what repeats an id is left out, as a log does it."""
        ordered = sorted(events, key=lambda event: event.received_at)
        repeats = {repeat.index for repeat in DedupeIndex().check(0, EventBatch.of(ordered))}
        self._events = [event for index, event in enumerate(ordered) if index not in repeats]
        self._times = [event.received_at for event in self._events]
        self.span = (self._times[0], self._times[-1]) if self._times else None

    def before(self, instant: int) -> list[Event]:
        """See `PastEvents`."""
        return self._events[: bisect_left(self._times, instant)]

    def people_before(self, instant: int) -> list[Event]:
        """See `PastEvents`."""
        return self.before(instant)

    def between(self, since: int, until: int) -> list[Event]:
        """See `PastEvents`."""
        return self._events[bisect_left(self._times, since) : bisect_left(self._times, until)]

    def count(self, since: int, until: int) -> int:
        """See `PastEvents`."""
        return len(self.between(since, until))


class _Line(msgspec.Struct, rename="camel"):
    """What of a line ingest does not look at itself."""

    type: Any = None
    received_at: datetime | None = None


def read_events(path: Path) -> ListedEvents:
    """Read a file of events, one JSON object a line, each as the body of `/v1/track` and its kin with its `type`.

    An event's receipt is its `receivedAt`, else its `timestamp`. Raises InvalidInput naming the first line that is wrong.
    """
    parser = Parser(IngestSettings().max_event_bytes)
    redactor = Redactor(REDACT_BY_DEFAULT)
    events: list[Event] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    events.append(_event(line, number, path, parser, redactor))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    if not events:
        raise InvalidInput(f"There are no events in {path}.")
    return ListedEvents(events)


def _event(line: bytes, number: int, path: Path, parser: Parser, redactor: Redactor) -> Event:
    where = f"{path}, line {number}"
    try:
        known = msgspec.json.decode(line, type=_Line)
        item = parser.call(line, known.type if isinstance(known.type, str) else "track").items[0]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{where}: {error}.") from error
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error.message}") from error
    made = item if isinstance(item, Drop) else _converted(item, known.received_at, number)
    if isinstance(made, Drop):
        raise InvalidInput(f"{where}: {made.message}.")
    redactor.redact(made.properties)
    if made.context:
        redactor.redact(made.context)
    return made


def _converted(item: Item, received_at: datetime | None, number: int) -> Event | Drop:
    """As the door of a server does it, at the time of the receipt."""
    moment = received_at or item.timestamp or item.original_timestamp
    if moment is None:
        return Drop("bad_timestamp", "an event needs a `timestamp`")
    made = to_event(item, Receipt(milliseconds(moment), FILE_SOURCE, 0, lambda: f"line {number}"))
    settings = IngestSettings()
    bounds = steps.Bounds(settings.ahead_s * SECOND, settings.lateness_s * SECOND)
    dropped = None if isinstance(made, Drop) else steps.run(made, bounds)
    return made if dropped is None else dropped
