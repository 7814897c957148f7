"""Writing subjects' states: whole buckets in rounds, and single subjects in between, until their bucket is next written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

import numpy as np

from antiphon.evaluate.buckets import MOST, Bucket, Head
from antiphon.evaluate.record import EMPTY, KINDS, NUMBERS, RECHECK_AT, Content, encode, joined, names_of
from antiphon.evaluate.residents import Residents
from antiphon.rules.kernel.blocks import CLEAN, FAR, PART, Ints
from antiphon.store import states
from antiphon.store.engine import Connection

_NOBODY: Ints = np.zeros(0, dtype=np.int64)

SHARE = 4
"""A bucket is written when at least one in so many of its members has changed; else those are written by themselves."""


def behind(residents: Residents, buckets: Sequence[Bucket]) -> tuple[list[Bucket], list[int]]:
    """Which of some buckets, and whose slots in them, lack events; a bucket too if somebody in it is stored by themselves."""
    groups = [_head(residents, bucket).slots for bucket in buckets]
    slots = np.concatenate((_NOBODY, *groups))
    dirty = residents.slots.dirty[slots] != CLEAN
    ends = np.array(list(accumulate(map(len, groups), initial=0)))
    many = np.diff(np.concatenate(([0], np.cumsum(dirty)))[ends]).tolist()
    found = [b for b, count in zip(buckets, many, strict=True) if count or b in residents.changed]
    return found, slots[dirty].tolist()


def _head(residents: Residents, bucket: Bucket) -> Head:
    """Who is in memory of a bucket."""
    if bucket.head is None:
        slots = bucket.slots
        kinds = bytes(KINDS[residents.kind_of(slot)] for slot in slots)
        bucket.head = Head(np.array(slots, dtype=np.int64), kinds, names_of(residents.names[slot] for slot in slots))
    return bucket.head


def flush(conn: Connection, residents: Residents, slots: Iterable[int], position: int, now: int = FAR) -> None:
    """Store slots as they are after the events before `position`; `now` (ms) as `write` has it."""
    changed: dict[Bucket, list[int]] = {}
    for slot in slots:
        if residents.slots.kind[slot] != PART:
            changed.setdefault(residents.bucket_of(slot), []).append(slot)
    whole, single = list[Bucket](), list[int]()
    for bucket, some in changed.items():
        members = len(bucket.slots) + (MOST if bucket.away < 0 else bucket.away)
        if len(some) * SHARE >= members:
            whole.append(bucket)
        else:
            single += some
    write(conn, residents, whole, position, now)
    if single:
        keys = [residents.key(slot) for slot in single]
        heads = [
            Head(np.array([slot]), bytes([KINDS[key.kind]]), names_of([key.id]))
            for slot, key in zip(single, keys, strict=True)
        ]
        contents = map(encode, _contents(residents, heads, position))
        rows = list(zip(residents.place[single].tolist(), keys, contents, strict=True))
        states.save_changed(conn, rows)
        for slot in single:
            residents.changed.setdefault(residents.bucket_of(slot), set()).add(slot)
        residents.slots.dirty[single] = CLEAN
        residents.applied[single] = position


def write(conn: Connection, residents: Residents, buckets: Sequence[Bucket], position: int, now: int = FAR) -> None:
    """Store everybody in some buckets, as they are after the events before `position`.

    A stored timer that is still to come and too early, as those of absences mostly are, stays: who is not in memory then is
    looked at once too often, and the index of timers need not be written for every event. Without `now` (ms) all are written.
    """
    away = _away(conn, residents, buckets)
    changed = [bucket for bucket in buckets if residents.changed.pop(bucket, None)]
    states.drop_changed(conn, [(bucket.lowest, bucket.end) for bucket in changed])
    cut: list[tuple[Bucket, Content]] = []
    for bucket in buckets:
        _cut(residents, bucket, away.get(bucket, EMPTY), cut)
    _save(conn, residents, cut, position, now)
    written = np.concatenate((_NOBODY, *(_head(residents, bucket).slots for bucket, _ in cut)))
    residents.slots.dirty[written] = CLEAN
    residents.applied[written] = position


def _away(conn: Connection, residents: Residents, buckets: Sequence[Bucket]) -> dict[Bucket, Content]:
    """Who is stored in these buckets and not in memory."""
    unread = [bucket for bucket in buckets if bucket.away]
    found = states.read(conn, [bucket.lowest for bucket in unread])
    away: dict[Bucket, Content] = {}
    for bucket in unread:
        content = residents.content(bucket, found.get(bucket.lowest))
        there = residents.away(content)
        bucket.away = len(there)
        if there:
            away[bucket] = content if len(there) == len(content) else content.take(there)
    return away


def _cut(residents: Residents, bucket: Bucket, away: Content, into: list[tuple[Bucket, Content]]) -> None:
    """Cut a bucket until none has too many members."""
    if len(bucket.slots) + len(away) <= MOST or bucket.width == 1:
        into.append((bucket, away))
        return
    upper = residents.buckets.split(bucket)
    slots, places = bucket.slots, residents.place[bucket.slots].tolist()
    bucket.put([slot for slot, place in zip(slots, places, strict=True) if place < upper.lowest])
    upper.put([slot for slot, place in zip(slots, places, strict=True) if place >= upper.lowest])
    low = [index for index, name in enumerate(away.ids()) if states.place_of(name) < upper.lowest]
    high = sorted(set(range(len(away))).difference(low))
    for half, chosen in ((bucket, low), (upper, high)):
        half.away = len(chosen)
        _cut(residents, half, away.take(chosen) if chosen else EMPTY, into)


def _save(
    conn: Connection, residents: Residents, cut: Sequence[tuple[Bucket, Content]], position: int, now: int
) -> None:
    rows: list[tuple[int, bytes, int | None]] = []
    contents: list[tuple[int, bytes]] = []
    heads = [_head(residents, bucket) for bucket, _ in cut]
    written = zip(cut, _contents(residents, heads, position), _soonest(residents, heads), strict=True)
    for (bucket, away), content, soonest in written:
        members, recheck_at = content, soonest
        if len(away):
            members = joined([content, away])
            recheck_at = min(soonest, int(away.column(RECHECK_AT).min()))
        stored = bucket.recheck_at
        if now < stored <= recheck_at and (recheck_at != FAR or stored == FAR):
            contents.append((bucket.lowest, encode(members)))
        else:
            rows.append((bucket.lowest, encode(members), None if recheck_at == FAR else recheck_at))
            bucket.recheck_at = recheck_at
    states.save_contents(conn, contents)
    states.save(conn, rows)


def _soonest(residents: Residents, heads: Sequence[Head]) -> list[int]:
    """When the first of each group of slots must be looked at again (ms)."""
    found = np.full(len(heads), FAR)
    some = [row for row, head in enumerate(heads) if len(head.slots)]
    if some:
        groups = [heads[row].slots for row in some]
        starts = list(accumulate((len(group) for group in groups[:-1]), initial=0))
        found[some] = np.minimum.reduceat(residents.slots.recheck_at[np.concatenate(groups)], starts)
    return found.tolist()


def _contents(residents: Residents, heads: Sequence[Head], position: int) -> list[Content]:
    """What is in memory of groups of slots, as it is after the events before `position`."""
    slots = np.concatenate((_NOBODY, *(head.slots for head in heads)))
    numbers = np.empty((len(slots), NUMBERS), dtype=np.int64)
    columns = (
        residents.slots.first_seen, residents.slots.last_seen, residents.profiled_at, residents.part_first,
        residents.part_last, residents.slots.recheck_at,
    )  # fmt: skip
    numbers[:, 0] = position
    for row, column in enumerate(columns, 1):
        numbers[:, row] = column[slots]
    blocks, starts = residents.memory.packed(slots)
    part = residents.part[slots]
    has_part = part >= 0
    part_blocks, some_starts = residents.memory.packed(part[has_part])
    sizes = np.zeros((len(slots), 2), dtype=np.int32)
    sizes[:, 0], sizes[has_part, 1] = np.diff(starts), np.diff(some_starts)
    part_starts: Ints = np.concatenate(([0], np.cumsum(sizes[:, 1], dtype=np.int64)))
    all_numbers, all_sizes = numbers.tobytes(), sizes.tobytes()
    number_bytes, size_bytes = NUMBERS * numbers.itemsize, 2 * sizes.itemsize
    ends = list(accumulate((len(head.slots) for head in heads), initial=0))
    own_at, part_at = starts[ends].tolist(), part_starts[ends].tolist()
    extras: list[dict[int, bytes]] = [{} for _ in heads]
    for index, extra in residents.encoded_extras(slots.tolist()):
        row = bisect_right(ends, index) - 1
        extras[row][index - ends[row]] = extra
    return [
        Content(
            head.kinds,
            head.names,
            all_numbers[first * number_bytes : end * number_bytes],
            all_sizes[first * size_bytes : end * size_bytes],
            blocks[own_at[row] : own_at[row + 1]],
            part_blocks[part_at[row] : part_at[row + 1]],
            extras[row],
        )
        for row, (head, (first, end)) in enumerate(zip(heads, pairwise(ends), strict=True))
    ]
