"""After a start: what is stored of subjects is brought up to the cursor from the log, without any consequence."""

from __future__ import annotations

import numpy as np

from antiphon.evaluate import absorb
from antiphon.evaluate.deeds import Batch, Gatherer, Rows
from antiphon.evaluate.identity import Identities
from antiphon.evaluate.judge import Judge, Outcome
from antiphon.evaluate.residents import Residents
from antiphon.evaluate.running import Running
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
    repeated = np.array(sorted(log_duplicates.between(conn, start, position)), dtype=np.int64)
    while start < position:
        stretch = log.read_stretch(log_conn, start, min(SLICE, position - start))
        if not len(stretch.events):
            break
        offsets = np.arange(stretch.first_offset, stretch.end_offset)
        wanted = (offsets < position) & ~np.isin(offsets, repeated)
        events = stretch.events.take(wanted)
        places = absorb.bring(conn, residents, identities, events)
        rows, batch = Rows(), Batch(events, events, places, offsets[wanted])
        Gatherer(conn, current.program, current.kernel, residents, identities, replayed=True).gather(batch, rows)
        judge = Judge(conn, current, residents, identities, now, start, Outcome())
        judge.absorb(rows, events.received, judging=False)
        start = stretch.end_offset
