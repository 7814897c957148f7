"""Writers take turns."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from antiphon.store.turns import Turns


def _join_queue(turns: Turns, name: str, order: list[str]) -> threading.Thread:
    """Start a thread that writes its name when it is its turn; returns once it waits."""

    def work() -> None:
        with turns:
            order.append(name)

    before = turns.waiting
    thread = threading.Thread(target=work)
    thread.start()
    while turns.waiting == before:
        time.sleep(0.001)
    return thread


def test_who_has_waited_longest_is_next() -> None:
    """A thread that comes back at once after its own turn stands behind all who waited meanwhile."""
    turns, order = Turns(), list[str]()
    with turns:
        threads = [_join_queue(turns, name, order) for name in ("deliver", "act", "history")]
    with turns:
        order.append("evaluate again")
    for thread in threads:
        thread.join()
    assert order == ["deliver", "act", "history", "evaluate again"]


def test_one_at_a_time_and_free_after_an_error() -> None:
    """Many threads add up without losing anything, although half of them raise inside."""
    turns = Turns()
    total = 0

    def add(number: int) -> None:
        nonlocal total
        with turns:
            seen = total
            time.sleep(0)
            total = seen + 1
            if number % 2:
                raise RuntimeError

    def work(number: int) -> None:
        for _ in range(200):
            with contextlib.suppress(RuntimeError):
                add(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (total, turns.waiting) == (1600, 0)
    with pytest.raises(RuntimeError), turns:
        raise RuntimeError
    with turns:
        pass
