"""Wakes reach every listener of a topic, in this process and in others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from antiphon.errors import ConfigError
from antiphon.store.wake import LocalWake, open_wake
from antiphon.store.wake_postgres import PostgresWake

NOTIFY = """
import sys
from pathlib import Path
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.wake import open_wake
open_wake(open_store(StoreSettings(data=Path(sys.argv[1]), database_url=sys.argv[2]))).notify("signals")
"""
LONG = 60.0  # seconds; a wait that lasts this long is a failure, not a delay


@pytest.fixture
def wake(store):
    """What fits the store: sockets, or NOTIFY."""
    made = open_wake(store)
    yield made
    made.close()


@pytest.fixture
def local(tmp_path):
    """Sockets in a folder."""
    made = LocalWake(tmp_path)
    yield made
    made.close()


async def test_a_waiter_is_woken(wake):
    """Both kinds of waiter, from another thread."""
    listener = wake.listen("log")
    threading.Timer(0.01, wake.notify, ("log",)).start()
    assert await listener.wait(LONG)
    threading.Timer(0.01, wake.notify, ("log",)).start()
    assert await asyncio.to_thread(listener.wait_sync, LONG)
    listener.close()


async def test_a_wake_is_kept_for_the_next_wait(wake):
    """What is written between looking and waiting is not missed; many wakes count as one."""
    listener = wake.listen("log")
    other = wake.listen("outbox")
    for _ in range(1000):
        wake.notify("log")
    wake.notify("outbox")
    assert await other.wait(LONG), "wakes arrive in order, so now all have arrived"
    assert await listener.wait(LONG)
    assert not await listener.wait(0)
    assert not listener.wait_sync(0)
    listener.close()
    other.close()


async def test_every_listener_of_the_topic_and_no_other(wake):
    """Topics are separate; listeners do not take wakes from each other."""
    first, second, other = wake.listen("log"), wake.listen("log"), wake.listen("outbox")
    wake.notify("log")
    assert await first.wait(LONG)
    assert await second.wait(LONG)
    assert not await other.wait(0)
    for listener in (first, second, other):
        listener.close()


async def test_a_wait_ends_after_its_timeout(wake):
    """Nobody notified: the answer is no, and a later wake still arrives."""
    listener = wake.listen("log")
    assert not await listener.wait(0.01)
    assert not listener.wait_sync(0.01)
    wake.notify("log")
    assert await listener.wait(LONG)
    listener.close()


async def test_another_process_wakes_us(wake, store):
    """Wakes cross processes."""
    listener = wake.listen("signals")
    command = [sys.executable, "-c", NOTIFY, str(store.settings.data), store.settings.database_url]
    await asyncio.to_thread(subprocess.run, command, check=True)
    assert await listener.wait(LONG)
    listener.close()


def test_a_dead_listener_is_forgotten(local):
    """A socket file without a process behind it is removed by the next notify."""
    listener = local.listen("log")
    listener._receiver.close()
    assert list(local._folder.iterdir())
    local.notify("log")
    assert not list(local._folder.iterdir())


def test_notify_never_raises(local):
    """Not even when the folder is gone."""
    local._folder.rmdir()
    local.notify("log")


def test_a_long_path_uses_the_temporary_folder(tmp_path, monkeypatch):
    """A socket's path is short by law; two users of one data folder still meet."""
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    data = tmp_path / ("x" * 120)
    data.mkdir()
    here, there = LocalWake(data), LocalWake(data)
    listener = here.listen("log")
    there.notify("log")
    assert listener.wait_sync(LONG)
    assert here._folder.stat().st_mode & 0o777 == 0o700
    listener.close()
    here.close()
    there.close()
    here._folder.rmdir()


def test_a_temporary_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    """Others must not be able to listen in or to wake us without end."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = tmp_path / ("y" * 120)
    wake = LocalWake(data)
    folder = wake._folder
    wake.close()
    folder.chmod(0o777)
    with pytest.raises(ConfigError):
        LocalWake(data)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(ConfigError):
        LocalWake(data)
    folder.unlink()


async def test_listeners_come_and_go(wake):
    """A closed listener leaves the others alone."""
    gone, here = wake.listen("log"), wake.listen("log")
    gone.close()
    wake.notify("log")
    assert await here.wait(LONG)
    wake.notify("log")
    assert await here.wait(LONG)
    here.close()


def test_without_its_database_a_wake_is_only_lost(free_port):
    """Nobody waits or fails for a hint."""
    wake = PostgresWake(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    wake.notify("log")
    wake.close()
