"""Work that shares transactions: together when it comes together, and nobody's failure is another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select

from antiphon.store import tables
from antiphon.store.committer import Committer
from antiphon.store.engine import Store


@pytest_asyncio.fixture
async def committer(store: Store) -> AsyncIterator[Committer]:
    """One that runs."""
    made = Committer(store.state)
    made.start()
    yield made
    await made.close()


def names(store: Store) -> set[str]:
    with store.state.read() as conn:
        return set(conn.execute(select(tables.cursors.c.name)).scalars())


async def test_items_that_come_together_are_given_together(store: Store, committer: Committer):
    """Each gets its own result, whatever else queued up between them."""
    groups: list[list[int]] = []

    def double(conn: Connection, items: list[int]) -> list[int]:
        conn.execute(insert(tables.cursors), [{"name": str(item), "position": item} for item in items])
        groups.append(items)
        return [2 * item for item in items]

    answers = await asyncio.gather(
        committer.join(double, 1),
        committer.run(lambda _: "other"),
        committer.join(double, 2),
        committer.join(double, 3),
    )
    assert answers == [2, "other", 4, 6]
    assert groups == [[1, 2, 3]]
    assert names(store) == {"1", "2", "3"}
    more = await asyncio.gather(*[committer.join(double, item) for item in range(10, 40)])  # after a crowd it gathers
    assert more == [2 * item for item in range(10, 40)]
    assert len(names(store)) == 33


async def test_a_bad_item_fails_alone(store: Store, committer: Committer):
    """What it had written is taken back; the others are written, and get their results."""

    def write(conn: Connection, items: list[str]) -> list[str]:
        for item in items:
            conn.execute(insert(tables.cursors).values(name=item, position=1))
            if item == "bad":
                raise ValueError(item)
        return items

    answers = await asyncio.gather(*[committer.join(write, name) for name in ("a", "bad", "b")], return_exceptions=True)
    assert [str(answer) for answer in answers] == ["a", "bad", "b"]
    assert isinstance(answers[1], ValueError)
    assert names(store) == {"a", "b"}


async def test_too_few_results_are_an_error(committer: Committer):
    """Nobody waits for ever, and nobody gets another's result."""
    with pytest.raises(ValueError, match="shorter"):
        await committer.join(lambda _conn, _items: [], 1)
