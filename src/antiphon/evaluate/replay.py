"""After a start: what is stored of subjects is brought up to the cursor from the log, without any consequence."""

from __future__ import annotations

import numpy as np

from antiphon.evaluate import absorb
from antiphon.evaluate.deeds import Batch, Gatherer, Rows
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
from antiphon.model.event import Event
from antiphon.store import log, log_duplicates
from antiphon.store.engine import Connection

SLICE = 20_000
"""Events replayed at a time."""


def replay(
    conn: Connection,
    log_conn: Connection,
    current: Running,
    residents: Residents,
    identities: Identities,
    start: int,
    position: int,
    now: int,
) -> None:
    """Fold the events from log offset `start` up to `position` where they are missing; who is touched is due to be judged."""
    repeated = log_duplicates.between(conn, start, position)
    while start < position:
        segments = log.read(log_conn, start, min(SLICE, position - start))
        if not segments:
            break
        events: list[Event] = []
        offsets: list[int] = []
        for segment in segments:
            for offset, event in enumerate(segment.events, segment.first_offset):
                if offset < position and offset not in repeated:
                    events.append(event)
                    offsets.append(offset)
        columns = absorb.bring(conn, residents, identities, events)
        rows, batch = Rows(), Batch(events, columns, np.array(offsets, dtype=np.int64))
        Gatherer(conn, current.program, current.kernel, residents, identities, replayed=True).gather(batch, rows)
        Judge(conn, current, residents, identities, now, start, Outcome()).absorb(rows, events, judging=False)
        start = segments[-1].end_offset
