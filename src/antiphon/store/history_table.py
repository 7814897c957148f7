"""The history table's writing side: appends that happen once, and the joining of small files into sorted ones.

The table itself says how far it got: each append carries an application transaction whose version is the log offset
after its last event, so that a crash between any two steps neither loses nor repeats an event.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction

from antiphon.store.engine import Store
from antiphon.store.history_schema import COLUMNS, SCHEMA

APP_ID = "antiphon-history-0"
JOIN_ID = "antiphon-history-join-0"
"""Two who join the same files at once would double them: the table itself lets only one of them commit."""

FOLDER = "history/events"
SORTED_BY = ("name", "user_id", "anonymous_id")
"""The order within a joined file, then that of the log: who looks for a name or for a person skips most row groups by
their statistics."""

FILE_ROWS = 500_000
"""A file of so many rows is left as it is; joining holds about as many in memory (350 bytes each)."""

SMALL_FILES = 50
"""So many small files are joined."""

_APPENDED_ROWS = 100_000  # as many as an append has at most
_GROUP_ROWS = 50_000
_KEEP_REPLACED_HOURS = 1  # a reader that has listed a file may still be reading it
# One commit a second leaves 86,400 small files a day in the table's own log; after a checkpoint they serve nobody.
_CONFIGURATION = {"delta.logRetentionDuration": "interval 1 hour"}
_OWN = ("event_id", "log_offset", "timestamp", "received_at", "latency_ms", "properties", "context")
_REPEATED: Any = [name for name in COLUMNS if name not in _OWN]  # what a dictionary makes small
_SEARCHED = ("log_offset", "name", "user_id", "anonymous_id", "company_id", "timestamp", "late", "status", "route")


def location(store: Store) -> str:
    """Where the table lies: a folder, or a URL of object storage."""
    base = store.settings.history_url.rstrip("/")
    return f"{base}/events" if base else str(store.settings.data / FOLDER)


class DataFile(msgspec.Struct, frozen=True):
    """A file of the table, with the offsets and instants (ms) that it spans; None where the table does not say."""

    path: str
    size: int
    rows: int
    first_offset: int
    last_offset: int
    oldest: int | None
    newest: int | None


def _create(where: str) -> None:
    """Make the table unless another stage makes it at the same moment; if neither could, opening it says why."""
    description = "every accepted event, once"
    with suppress(CommitFailedError):
        DeltaTable.create(where, SCHEMA, "ignore", name="events", description=description, configuration=_CONFIGURATION)


class HistoryTable:
    """Appends to the table and joins its files; one writer of each (the history stages)."""

    def __init__(self, where: str) -> None:
        """Open the table at `where`, or create it."""
        if "://" not in where:
            Path(where).mkdir(parents=True, exist_ok=True)
        if not DeltaTable.is_deltatable(where):
            _create(where)
        self._table = DeltaTable(where)
        handler: Any = DeltaStorageHandler(where)
        self._files = pafs.PyFileSystem(handler)

    @property
    def position(self) -> int:
        """The log offset after the last event that is in the table."""
        return self._table.transaction_version(APP_ID) or 0

    @property
    def files(self) -> int:
        """How many data files the table has now."""
        return len(self._table.file_uris())

    def refresh(self) -> int:
        """See what others have committed; the position now."""
        self._table.update_incremental()
        return self.position

    def append(self, rows: pa.Table, end: int) -> None:
        """Add rows of `SCHEMA`; afterwards `position` is `end`. Either both are true or neither."""
        added = self._write(rows.to_batches(), data_change=True)
        self._commit([added], APP_ID, end)

    def join(self) -> int:
        """Join the newest small files into a sorted one when there are enough of them; how many were joined.

        Files that were joined long enough ago that nobody reads them are deleted.
        """
        self._table.update_incremental()
        joins = self._table.transaction_version(JOIN_ID) or 0
        small = joinable(data_files(self._table))
        if not small:
            return 0
        paths = [file.path for file in small]
        rows = ds.dataset(paths, SCHEMA, format="parquet", filesystem=self._files).to_table(use_threads=False)
        added = self._write(_sorted(rows.combine_chunks()), data_change=False)
        del rows
        now = time.time_ns() // 1_000_000
        removed = [RemoveAction(file.path, False, now, file.size, {}) for file in small]
        self._commit([added, *removed], JOIN_ID, joins + 1)
        self._table.vacuum(retention_hours=_KEEP_REPLACED_HOURS, enforce_retention_duration=False, dry_run=False)
        self._table.create_checkpoint()
        self._table.cleanup_metadata()
        self._table.update_incremental()
        return len(small)

    def _write(self, batches: Iterable[pa.RecordBatch], *, data_change: bool) -> AddAction:
        """Write a file; it is part of the table once its action is committed."""
        path = f"{uuid.uuid4().hex}.parquet"
        spans = _Spans()
        with (
            self._files.open_output_stream(path) as out,
            pq.ParquetWriter(
                out,
                SCHEMA,
                compression="zstd",
                compression_level=1,
                use_dictionary=_REPEATED,
                write_statistics=list(_SEARCHED),
                store_schema=False,
            ) as writer,
        ):
            for batch in batches:
                spans.add(batch)
                writer.write_batch(batch.cast(SCHEMA), row_group_size=_APPENDED_ROWS)
        size = self._files.get_file_info(path).size or 0
        return AddAction(path, size, {}, time.time_ns() // 1_000_000, data_change, spans.statistics())

    def _commit(self, actions: list[AddAction | RemoveAction], app_id: str, version: int) -> None:
        """Commit, unless another has committed under the same id since this table was looked at: then it raises."""
        properties = CommitProperties(app_transactions=[Transaction(app_id, version)])
        self._table.create_write_transaction(actions, "append", SCHEMA, commit_properties=properties)
        self._table.update_incremental()


class _Spans:
    """What the table's log is told of a file: how many rows, and from where to where they go."""

    def __init__(self) -> None:
        self._rows = 0
        self._found: dict[str, tuple[int, int]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        self._rows += batch.num_rows
        for name in ("log_offset", "timestamp"):
            column = batch.column(name)
            if batch.num_rows:
                ends = pc.min_max(column.cast(pa.int64()))
                low, high = ends["min"].as_py(), ends["max"].as_py()
                known = self._found.get(name, (low, high))
                self._found[name] = (min(low, known[0]), max(high, known[1]))

    def statistics(self) -> str:
        ends = [{name: _shown(name, span[which]) for name, span in self._found.items()} for which in range(2)]
        found = {"numRecords": self._rows, "minValues": ends[0], "maxValues": ends[1], "nullCount": {}}
        return msgspec.json.encode(found).decode()


def _shown(name: str, value: int) -> int | str:
    """An offset as it is; an instant (microseconds, whole milliseconds) as the format of the table wants it."""
    if name == "log_offset":
        return value
    return datetime.fromtimestamp(value / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sorted(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """The rows in the order of a joined file, a row group at a time; they come in the order of the log.

    Texts are sorted once for each distinct value, rows by the numbers of theirs.
    """
    keys: Any = np.zeros(rows.num_rows, np.int64)
    for name in SORTED_BY:
        column: Any = rows.column(name).combine_chunks()
        encoded = column.dictionary_encode()
        distinct = len(encoded.dictionary)
        ranks = np.empty(distinct, np.int64)
        by_text: Any = pc.sort_indices(encoded.dictionary)
        ranks[by_text.to_numpy()] = np.arange(distinct)
        numbers = encoded.indices.fill_null(distinct).to_numpy()
        keys = keys * (distinct + 1) + np.append(ranks, distinct)[numbers]
    order = np.argsort(keys, kind="stable")
    for start in range(0, len(order), _GROUP_ROWS):
        chosen: Any = order[start : start + _GROUP_ROWS]
        yield from rows.take(chosen).combine_chunks().to_batches()


def data_files(table: DeltaTable) -> list[DataFile]:
    """The table's files, oldest offsets first; a file that the table says no offsets of counts as having all."""
    actions = pa.table(table.get_add_actions(flatten=True)).to_pydict()
    nothing = [None] * len(actions["path"])

    def of(name: str) -> list[object]:
        return actions.get(name, nothing)

    rows = zip(
        actions["path"], actions["size_bytes"], of("num_records"), of("min.log_offset"), of("max.log_offset"),
        of("min.timestamp"), of("max.timestamp"), strict=True,
    )  # fmt: skip
    found = [
        DataFile(path, size, rows or 0, first or 0, 2**62 if last is None else last, _ms(oldest), _ms(newest))
        for path, size, rows, first, last, oldest, newest in rows
    ]
    return sorted(found, key=lambda file: file.first_offset)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000)


def joinable(files: list[DataFile]) -> list[DataFile]:
    """Files that should become one, oldest first: neighbours that fill one together, or many small ones.

    The newest come first. A file joins those after it only if it is not much larger than they are together, so that an event is
    written again about as often as its file doubles; files stay in the order of the log.
    """
    run: list[DataFile] = []
    rows = 0
    for file in reversed(files):
        if run and (file.rows >= FILE_ROWS or file.rows > rows + _APPENDED_ROWS):
            if len(run) >= SMALL_FILES:
                break
            run, rows = [], 0
        if file.rows >= FILE_ROWS:
            continue
        run.append(file)
        rows += file.rows
        if rows >= FILE_ROWS:
            return run[::-1]
    return run[::-1] if len(run) >= SMALL_FILES else []
