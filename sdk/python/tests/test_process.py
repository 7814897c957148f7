"""Forks and exits of the process that the client lives in."""

import os
import subprocess
import sys
import textwrap

import pytest


def run(code, server, *, timeout=60):
    """Run a script in a process of its own, with its client pointed at the server."""
    environment = {**os.environ, "ANTIPHON_WRITE_KEY": "awk_test", "ANTIPHON_URL": server.url}
    script = "from antiphon_sdk import Client\n" + textwrap.dedent(code)
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, env=environment, timeout=timeout, capture_output=True, text=True, check=False)


def test_what_waits_is_sent_at_exit(server):
    """A script that ends right after its call loses nothing."""
    done = run(
        """
        client = Client(flush_interval=60)
        client.track("last words", user_id="u")
        """,
        server,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [event["event"] for event in server.events] == ["last words"]


def test_an_exit_is_not_held_up(server):
    """With the server in trouble, the exit comes at the deadline and says what was lost."""
    server.script += [(503, {"Retry-After": "300"}, {})] * 1000
    done = run(
        """
        client = Client(shutdown_timeout=0.3)
        client.track("lost", user_id="u")
        """,
        server,
    )
    assert done.returncode == 0
    assert "shutdown" in done.stderr
    assert "(1 events lost)" in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_begins_anew(server):
    """Parent's events are sent by the parent only; the child's by a thread of its own, with ids of its own."""
    done = run(
        """
        import os
        client = Client(flush_interval=60)
        client.track("warm", user_id="u")
        client.flush()
        client.track("before", user_id="u")
        child = os.fork()
        client.track("child" if child == 0 else "parent", user_id="u")
        if child == 0:
            ok = client.flush(10) and client.stats().waiting == 0
            os._exit(0 if ok else 1)
        assert os.waitpid(child, 0)[1] == 0
        client.track("after", user_id="u")
        """,
        server,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(event["event"] for event in server.events) == ["after", "before", "child", "parent", "warm"]
    assert len({event["messageId"] for event in server.events}) == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_in_the_middle_of_a_retry(server):
    """The child of a process that is waiting to try again neither waits nor sends that batch."""
    server.script += [(503, {"Retry-After": "0.5"}, {})]
    done = run(
        """
        import os, time
        client = Client(flush_at=1)
        client.track("before", user_id="u")
        while client.stats().waiting != 1 or client._worker._queue:
            time.sleep(0.01)
        child = os.fork()
        if child == 0:
            client.track("child", user_id="u")
            os._exit(0 if client.flush(10) else 1)
        assert os.waitpid(child, 0)[1] == 0
        """,
        server,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(event["event"] for event in server.events) == ["before", "before", "child"]
