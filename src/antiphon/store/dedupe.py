"""Which events of the log repeat an earlier one: the same source and message id within 7 days of receipt.

The answer is a function of the log alone. Digests gather in memory for one block of offsets; when the block is
full they become a sorted run, which is stored with the tick that filled it, and only then do older runs expire. So
a key is remembered for at least 7 days, and for as long as its run is (a run of a quiet instance spans more time).
Runs are merged in memory only, 16 neighbouring blocks at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from sqlalchemy import Connection, delete, func, select

from antiphon.model.clock import WEEK
from antiphon.model.event import Event
from antiphon.model.event_batch import EventBatch
from antiphon.store import log
from antiphon.store.dialect import upsert
from antiphon.store.digest_runs import DIGEST_BYTES, DigestRuns, Run, Words, make_run, split
from antiphon.store.recent_digests import NEW, RecentDigests
from antiphon.store.tables import dedupe_runs

BLOCK = 1 << 16
"""Offsets to a run."""

MERGED_BLOCKS = 16
"""Blocks to a merged run."""

_REPLAY = 10_000  # events read at a time when starting


class Repeat(msgspec.Struct, frozen=True):
    """`events[index]` repeats an earlier event, whose offset is known while it is recent."""

    index: int
    first_offset: int | None


class DedupeIndex:
    """The keys seen in one partition of the log, for its single evaluator."""

    def __init__(self, partition: int = 0, *, keep: int = WEEK, block: int = BLOCK) -> None:
        """Know nothing yet; `keep` in ms, `block` in offsets."""
        self._partition = partition
        self._keep = keep
        self._block = block
        self._runs = DigestRuns()
        self._recent = RecentDigests(block)
        self._recent_newest = 0
        self._unsaved: list[Run] = []
        self._expired: list[Run] = []

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._runs) + len(self._recent)

    @property
    def memory(self) -> int:
        """Bytes that the runs take; the current block takes 2 MB on top."""
        return self._runs.memory

    def check(self, first_offset: int, events: EventBatch) -> list[Repeat]:
        """Which of `events` (consecutive, from `first_offset`) are repeats; the others are remembered.

        Each offset must be given once, in order. When the transaction that `save` took part in is rolled back,
        load a new index.
        """
        digests = events.digests(DIGEST_BYTES).view(np.uint64)
        repeats: list[Repeat] = []
        start = 0
        while start < len(events):
            offset = first_offset + start
            boundary = (offset // self._block + 1) * self._block
            end = min(len(events), start + boundary - offset)
            self._recent_newest = max(self._recent_newest, int(events.received[start:end].max()))
            self._check_within(start, offset, digests[start:end], repeats)
            if first_offset + end == boundary:
                self._close_block(boundary)
            start = end
        return repeats

    def save(self, conn: Connection) -> None:
        """Store the runs that were completed since the last call, and delete those that expired."""
        upsert(conn, dedupe_runs, [self._row(run) for run in self._unsaved])
        for run in self._expired:
            conn.execute(
                delete(dedupe_runs).where(
                    dedupe_runs.c.partition == self._partition,
                    dedupe_runs.c.first_offset.between(run.first_offset, run.end_offset - 1),
                )
            )
        self._unsaved.clear()
        self._expired.clear()

    def _check_within(self, start: int, offset: int, digests: Words, repeats: list[Repeat]) -> None:
        known = self._runs.contains(digests) if len(self._runs) else None
        found = self._recent.note(digests, known, offset)
        repeats += (
            Repeat(start + index, None if found[index] < 0 else int(found[index]))
            for index in np.flatnonzero(found != NEW).tolist()
        )

    def _close_block(self, boundary: int) -> None:
        run = make_run(boundary - self._block, boundary, self._recent_newest, self._recent.take())
        self._unsaved.append(run)
        self._add(run)
        newest = max(run.newest_at for run in self._runs.runs)
        self._expired += self._runs.drop_older(newest - self._keep)

    def _add(self, run: Run) -> None:
        self._runs.add(run)
        if run.end_offset % (self._block * MERGED_BLOCKS) == 0:
            group = run.end_offset - self._block * MERGED_BLOCKS
            self._runs.merge_last(sum(other.first_offset >= group for other in self._runs.runs))

    def _row(self, run: Run) -> dict[str, object]:
        return {
            "partition": self._partition,
            "first_offset": run.first_offset,
            "end_offset": run.end_offset,
            "newest_at": run.newest_at,
            "digests": run.pack(),
        }

    def restore(self, state: Connection, log_conn: Connection, cursor: int) -> None:
        """Fill a new index from the stored runs and from the log up to `cursor`, the next offset to be checked."""
        table = dedupe_runs
        rows = state.execute(select(table).where(table.c.partition == self._partition).order_by(table.c.first_offset))
        end = 0
        for row in rows:
            end = row.end_offset
            self._add(Run(row.first_offset, end, row.newest_at, *split(row.digests)))
            self._recent_newest = max(self._recent_newest, row.newest_at)
        while end < cursor:
            stretch = log.read_stretch(log_conn, end, min(_REPLAY, cursor - end), self._partition)
            if not len(stretch.events):
                break
            wanted = np.arange(min(len(stretch.events), cursor - stretch.first_offset))
            self.check(stretch.first_offset, stretch.events.take(wanted))
            end = stretch.end_offset


def needed_from(conn: Connection, partition: int = 0) -> int:
    """The log's offset from which `restore` reads: nothing from there on may be trimmed."""
    found = conn.execute(select(func.max(dedupe_runs.c.end_offset)).where(dedupe_runs.c.partition == partition))
    return found.scalar() or 0


def same_body(first: Event, repeat: Event) -> bool:
    """Whether a repeat says what the first said; times differ between attempts and do not count."""
    return (
        first.type == repeat.type
        and first.name == repeat.name
        and first.user_id == repeat.user_id
        and first.anonymous_id == repeat.anonymous_id
        and first.company_id == repeat.company_id
        and first.previous_id == repeat.previous_id
        and first.weight == repeat.weight
        and first.properties == repeat.properties
    )


def conflicting(
    conn: Connection, first_offset: int, events: Sequence[Event], repeats: Sequence[Repeat], partition: int = 0
) -> set[int]:
    """Indexes of the repeats whose body differs from the first's; `conn` reads the log.

    Only firsts of the current block are compared (65,536 offsets at most): a client's retries come within minutes,
    older repeats count as plain ones.
    """
    found: set[int] = set()
    segment = log.Segment(0, [], 0)
    for repeat in sorted(repeats, key=lambda each: each.first_offset or 0):
        offset = repeat.first_offset
        if offset is None:
            continue
        if offset >= first_offset:
            first = events[offset - first_offset]
        else:
            if not segment.first_offset <= offset < segment.end_offset:
                segments = log.read(conn, offset, 1, partition)
                if not segments or segments[0].first_offset != offset:
                    continue
                segment = segments[0]
            first = segment.events[offset - segment.first_offset]
        if not same_body(first, events[repeat.index]):
            found.add(repeat.index)
    return found
