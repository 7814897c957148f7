"""Group commit for asynchronous callers: what queues up while one transaction commits shares the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from antiphon.store.engine import Database

Result = TypeVar("Result")
Work = Callable[[Connection], Any]
MAX_GROUP = 500


class Committer:
    """Runs small pieces of work in shared write transactions, each awaited until it is on disk.

    Used from one event loop. When the shared transaction fails, each piece is tried once more alone, so that one
    bad piece does not take the others with it.
    """

    def __init__(self, database: Database) -> None:
        """Prepare; `start` must run in the loop that will use it."""
        self._database = database
        self._queue: asyncio.Queue[tuple[Work, asyncio.Future[Any]]] = asyncio.Queue()
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
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((work, future))
        return await future

    async def _run(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < MAX_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            outcomes = await asyncio.to_thread(self._commit, [work for work, _ in group])
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if not future.done():
                    if isinstance(outcome, _Failed):
                        future.set_exception(outcome.error)
                    else:
                        future.set_result(outcome)
                self._queue.task_done()

    def _commit(self, works: list[Work]) -> list[Any]:
        try:
            with self._database.write() as conn:
                return [work(conn) for work in works]
        except Exception as error:  # noqa: BLE001 - handed to the one who waits for it
            if len(works) == 1:
                return [_Failed(error)]
        return [outcome for work in works for outcome in self._commit([work])]


class _Failed:
    """An error on its way to the one who waits."""

    def __init__(self, error: Exception) -> None:
        self.error = error
