"""Group commit for asynchronous callers: what queues up while one transaction commits shares the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from antiphon.store.engine import Database

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_GROUP = 500
_CROWD = 4
_GATHER_S = 0.004
"""So long a transaction waits for company when the last one had a crowd: a transaction costs more than a piece of work."""


class Committer:
    """Runs small pieces of work in shared write transactions, each awaited until it is on disk.

    Used from one event loop. When the shared transaction fails, each piece is tried once more alone, so that one
    bad piece does not take the others with it.
    """

    def __init__(self, database: Database) -> None:
        """Prepare; `start` must run in the loop that will use it."""
        self._database = database
        self._queue: asyncio.Queue[_Piece] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin committing."""
        self._task = asyncio.create_task(self._run(), name="committer")

    async def close(self) -> None:
        """Finish what is queued and stop."""
        if self._task is not None:
            await self._queue.join()
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """The result of `work(conn)`, once its transaction is durable; its error otherwise."""
        return await self.join(lambda conn, _: [work(conn)], None)

    async def join(self, work: Callable[[Connection, list[Item]], Sequence[Result]], item: Item) -> Result:
        """What `work(conn, items)` says of `item`, once its transaction is durable; its error otherwise.

        `work`, a function or method that is the same for all, is given the items that came together and answers with a result for each:
        a statement for many costs little more than one for one. It must do with them what it would do with each alone.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Piece(work, item, future))
        return await future

    async def _run(self) -> None:
        crowded = False
        while True:
            group = [await self._queue.get()]
            if crowded:
                await asyncio.sleep(_GATHER_S)
            while len(group) < MAX_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            outcomes = await asyncio.to_thread(self._commit, group)
            for piece, outcome in zip(group, outcomes, strict=True):
                if not piece.future.done():
                    if isinstance(outcome, _Failed):
                        piece.future.set_exception(outcome.error)
                    else:
                        piece.future.set_result(outcome)
                self._queue.task_done()
            crowded = len(group) >= _CROWD

    def _commit(self, pieces: list[_Piece]) -> list[Any]:
        try:
            with self._database.write() as conn:
                return _work(conn, pieces)
        except Exception as error:  # noqa: BLE001 - handed to the one who waits for it
            if len(pieces) == 1:
                return [_Failed(error)]
        return [outcome for piece in pieces for outcome in self._commit([piece])]


def _work(conn: Connection, pieces: list[_Piece]) -> list[Any]:
    """Do the work of all pieces; their results, in order."""
    places: dict[Any, list[int]] = {}
    for place, piece in enumerate(pieces):
        places.setdefault(piece.work, []).append(place)
    results: list[Any] = [None] * len(pieces)
    for work, at in places.items():
        for place, result in zip(at, work(conn, [pieces[place].item for place in at]), strict=True):
            results[place] = result
    return results


class _Piece(msgspec.Struct, frozen=True, eq=False):
    work: Callable[[Connection, list[Any]], Sequence[Any]]
    item: Any
    future: asyncio.Future[Any]


class _Failed:
    """An error on its way to the one who waits."""

    def __init__(self, error: Exception) -> None:
        self.error = error
