"""Wakes reach every listener of a topic, in this process and in others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from antiphon.errors import ConfigError
from antiphon.store.wake import LocalWake

LONG = 60.0  # seconds; a wait that lasts this long is a failure, not a delay


@pytest.fixture
def wake(tmp_path):
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
    for _ in range(1000):
        wake.notify("log")
    assert await listener.wait(LONG)
    assert not await listener.wait(0)
    assert not listener.wait_sync(0)
    listener.close()


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


async def test_another_process_wakes_us(wake, tmp_path):
    """The sockets work across processes."""
    listener = wake.listen("signals")
    program = "import sys; from pathlib import Path; from antiphon.store.wake import LocalWake; LocalWake(Path(sys.argv[1])).notify('signals')"
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program, str(tmp_path)], check=True)
    assert done.returncode == 0
    assert await listener.wait(LONG)
    listener.close()


def test_a_dead_listener_is_forgotten(wake):
    """A socket file without a process behind it is removed by the next notify."""
    listener = wake.listen("log")
    listener._receiver.close()
    assert list(wake._folder.iterdir())
    wake.notify("log")
    assert not list(wake._folder.iterdir())


def test_notify_never_raises(wake):
    """Not even when the folder is gone."""
    wake._folder.rmdir()
    wake.notify("log")


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
