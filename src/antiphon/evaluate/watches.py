"""Events that something outside the rules waits for: a workflow that an event starts."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.evaluate.identity import Identities, id_of
from antiphon.model.event import Event
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKey
from antiphon.rules.live import Touch


def watched(identities: Identities, events: Iterable[tuple[Event, Touch]]) -> list[Signal]:
    """A signal for each event of a user and each watch that it meets; each comes with what it means."""
    found: list[Signal] = []
    for event, touch in events:
        key = id_of(event)
        root = None if key is None else identities.root(key)
        if root is not None and root.kind == "user":
            found += [_signal(watch, root, event) for watch in touch.watches]
    return found


def _signal(watch: str, root: SubjectKey, event: Event) -> Signal:
    return Signal(
        kind="event",
        subject_kind="user",
        subject_id=root.id,
        at=event.timestamp,
        watch=watch,
        event_id=f"{event.source}:{event.id}",
        event={"name": event.name, "timestamp": event.timestamp, "properties": event.properties},
        caused_at=event.received_at,
    )
