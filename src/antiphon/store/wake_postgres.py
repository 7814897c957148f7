"""Wakes over NOTIFY, for stages on several machines that share one PostgreSQL.

One thread a process listens and passes each wake on to this process's listeners through socket pairs, so that a
waiter costs no database connection.
"""

from __future__ import annotations

import select
import socket
import threading

import psycopg

from antiphon.store.wake import Listener, Topic

_CHANNEL = "antiphon_wake"
_RECONNECT_S = 1.0


class PostgresWake:
    """A `Wake` through the database at a libpq URL."""

    def __init__(self, url: str) -> None:
        """Connect at the first notify and the first listen, not now."""
        self._url = url
        self._lock = threading.Lock()
        self._notifier: psycopg.Connection | None = None
        self._senders: dict[Topic, list[socket.socket]] = {}
        self._closed = threading.Event()
        self._stop, self._stopper = socket.socketpair()
        self._listening = threading.Event()
        self._thread: threading.Thread | None = None

    def notify(self, topic: Topic) -> None:
        """See `Wake`. While the database cannot be reached, wakes are lost, as they may be."""
        with self._lock:
            try:
                if self._notifier is None:
                    self._notifier = psycopg.connect(self._url, autocommit=True)
                    # NOTIFY takes a transaction id; nobody has to wait for the disk for a hint
                    self._notifier.execute("SET synchronous_commit = off")
                self._notifier.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, topic))
            except psycopg.Error:
                if self._notifier is not None:
                    self._notifier.close()
                self._notifier = None

    def listen(self, topic: Topic) -> Listener:
        """See `Wake`."""
        receiver, sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.setblocking(False)
        with self._lock:
            self._senders.setdefault(topic, []).append(sender)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wake", daemon=True)
                self._thread.start()
        self._listening.wait(_RECONNECT_S)
        return Listener(receiver)

    def close(self) -> None:
        """See `Wake`."""
        self._closed.set()
        self._stopper.close()
        if self._thread is not None:
            self._thread.join()
        self._stop.close()
        with self._lock:
            if self._notifier is not None:
                self._notifier.close()
            for sender in (sender for senders in self._senders.values() for sender in senders):
                sender.close()
            self._senders.clear()

    def _run(self) -> None:
        lost = False
        while not self._closed.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as conn:
                    conn.execute(f"LISTEN {_CHANNEL}")
                    self._listening.set()
                    if lost:  # something may have been notified while we were away
                        for topic in list(self._senders):
                            self._pass_on(topic)
                    self._listen(conn)
            except psycopg.Error:
                lost = True
                self._listening.clear()
                self._closed.wait(_RECONNECT_S)

    def _listen(self, conn: psycopg.Connection) -> None:
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        while not self._closed.is_set():
            poll.poll()
            for notice in conn.notifies(timeout=0):
                self._pass_on(notice.payload)

    def _pass_on(self, topic: str) -> None:
        with self._lock:
            for known, senders in self._senders.items():
                if known == topic:
                    senders[:] = [sender for sender in senders if _sent(sender)]


def _sent(sender: socket.socket) -> bool:
    """Send a wake; False (and closed) when its listener is gone."""
    try:
        sender.send(b"!")
    except BlockingIOError:
        return True
    except OSError:
        sender.close()
        return False
    return True
