"""Batches, retries, bounds: against a server that misbehaves by script."""

import socket
import threading
import time
from email.utils import formatdate

import pytest

from antiphon_sdk import Client
from antiphon_sdk._retry import backoff, retry_after


def ids(request):
    return [event["messageId"] for event in request["body"]["batch"]]


@pytest.mark.parametrize("trouble", ["drop", (500, {}, {}), (503, {}, {}), (429, {}, {}), (408, {}, {})])
def test_trouble_is_retried_with_the_same_ids(server, make_client, failures, trouble):
    """Network errors, 408, 429 and 5xx: the same events again, each attempt with its own sentAt."""
    server.script += [trouble, trouble]
    client = make_client(backoff_base=0.01)
    client.track("a", user_id="u")
    client.track("b", user_id="u")
    assert client.flush()
    first, second, third = server.requests
    assert ids(first) == ids(second) == ids(third)
    assert len(ids(first)) == 2
    assert not failures
    assert client.stats()[1:] == (2, 0, 2)


def test_sent_at_is_the_moment_of_the_attempt(server, make_client):
    """The server corrects clocks by sentAt, so a retry must not carry the first attempt's."""
    server.script += [(429, {"Retry-After": "0.05"}, {})]
    client = make_client()
    client.track("a", user_id="u")
    client.flush()
    first, second = server.requests
    assert first["body"]["sentAt"] < second["body"]["sentAt"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_refusals_are_not_retried(server, make_client, failures, status):
    """Another 4xx will not get better: dropped once, with the server's own words."""
    server.script.append((status, {}, {"code": "some_code", "message": "some words"}))
    client = make_client()
    client.track("a", user_id="u")
    client.flush()
    assert len(server.requests) == 1
    (failure,) = failures
    assert (failure.reason, failure.status, failure.events) == ("refused", status, 1)
    assert "some_code: some words" in failure.message
    assert client.stats().dropped == 1


def test_a_redirect_names_the_right_address(server, make_client, failures):
    """A redirect would lose the body; the report says what to set instead."""
    server.script.append((301, {"Location": "https://new.example.com/v1/batch"}, {}))
    client = make_client()
    client.track("a", user_id="u")
    client.flush()
    assert "https://new.example.com" in failures[0].message


def test_a_batch_too_large_is_halved(server, make_client, failures):
    """413 for many events: the halves go by themselves, nothing is lost."""
    server.script += [(413, {}, {})]
    client = make_client(flush_interval=60)
    sent = [client.track("a", user_id="u") for _ in range(4)]
    client.flush()
    assert [len(ids(request)) for request in server.requests] == [4, 2, 2]
    assert ids(server.requests[1]) + ids(server.requests[2]) == sent
    assert not failures


def test_single_events_refused_are_reported(server, make_client, failures):
    """The batch is taken but for single events: they are counted, and the reason is given."""
    rejected = [{"index": 1, "message_id": "x", "code": "no_event_name", "message": "it needs a name"}]
    server.script.append((200, {}, {"success": True, "rejected": rejected}))
    client = make_client()
    client.track("a", user_id="u")
    client.track("b", user_id="u")
    client.flush()
    assert failures[0].reason == "partly_refused"
    assert "event 1: no_event_name: it needs a name" in failures[0].message
    assert client.stats()[1:3] == (1, 1)


def test_retries_end(server, make_client, failures):
    """After `max_retries` the batch is given up and reported; later events go on."""
    server.script += [(500, {}, {})] * 3
    client = make_client(max_retries=2)
    client.track("a", user_id="u")
    client.flush()
    assert (failures[0].reason, failures[0].status, failures[0].events) == ("unreachable", 500, 1)
    client.track("b", user_id="u")
    client.flush()
    assert server.requests[-1]["body"]["batch"][0]["event"] == "b"


def test_nobody_listens(failures):
    """A refused connection is retried, then reported, and never raised."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Client("k", f"http://127.0.0.1:{port}", max_retries=1, backoff_base=0.001, on_error=failures.append) as client:
        client.track("a", user_id="u")
        client.flush()
    assert failures[0].reason == "unreachable"
    assert isinstance(failures[0].error, OSError)


def test_one_connection_is_kept_and_replaced(server, make_client):
    """Batches share a connection; one that the server closed meanwhile costs no backoff and no event."""
    client = make_client(backoff_base=60)
    for name in "abc":
        client.track(name, user_id="u")
        client.flush()
    assert server.connections == 1
    server.script.append(server.DROP)
    client.track("d", user_id="u")
    assert client.flush(10)
    assert [event["event"] for event in server.events] == ["a", "b", "c", "d", "d"]
    assert server.connections == 2


def test_a_batch_leaves_when_enough_wait(server, make_client):
    """`flush_at` events wake the thread long before the interval."""
    client = make_client(flush_at=10, flush_interval=60)
    for _ in range(10):
        client.track("a", user_id="u")
    server.wait(1)
    assert len(server.events) == 10


def test_a_batch_leaves_after_the_interval(server, make_client):
    """A single event does not wait for company."""
    client = make_client(flush_interval=0.02)
    client.track("a", user_id="u")
    server.wait(1)


def test_batches_are_bounded_in_bytes_and_packed(server, make_client):
    """At most 500 kB a request before gzip; gzip makes it small."""
    client = make_client(flush_interval=60)
    for _ in range(40):
        client.track("a", {"text": "x" * 30_000}, user_id="u")
    client.flush()
    assert [len(ids(request)) for request in server.requests] == [16, 16, 8]
    assert all(request["headers"]["Content-Encoding"] == "gzip" for request in server.requests)
    assert all(request["size"] < 10_000 for request in server.requests)


def test_gzip_can_be_off(server, make_client):
    """For a proxy that does not know it."""
    client = make_client(gzip=False)
    client.track("a", {"text": "x" * 5_000}, user_id="u")
    client.flush()
    assert "Content-Encoding" not in server.requests[0]["headers"]


def test_the_queue_is_bounded(server, make_client, failures):
    """While the server is away the queue fills, then drops; it counts what it drops, and reports once."""
    server.script += [(503, {"Retry-After": "300"}, {})]
    client = make_client(max_queue=5, flush_at=1)
    client.track("first", user_id="u")
    server.wait(1)
    taken = [client.track("later", user_id="u") for _ in range(50)]
    assert sum(one is not None for one in taken) == 5
    assert client.stats().dropped == 45
    client.shutdown(5)
    dropped = [failure for failure in failures if failure.reason == "queue_full"]
    assert sum(failure.events for failure in dropped) == 45
    assert [event["event"] for event in server.events] == ["first", "first"] + ["later"] * 5


def test_a_shutdown_ends_in_time(server, make_client, failures):
    """A server that never recovers holds the application up for the deadline only; the rest is reported."""
    server.script += [(503, {}, {})] * 1000
    client = make_client(max_retries=1000)
    client.track("a", user_id="u")
    client.shutdown(0.3)
    assert [failure.reason for failure in failures] == ["shutdown"]
    assert client.track("b", user_id="u") is None


def test_flush_waits_no_longer_than_told(server, make_client):
    """Flush answers False when the time was too short."""
    server.script += [(503, {"Retry-After": "0.3"}, {})]
    client = make_client()
    client.track("a", user_id="u")
    assert client.flush(0.01) is False
    assert client.flush(10) is True


def test_many_threads(server, make_client):
    """Events of many threads all arrive, each once."""
    client = make_client()

    def work(name):
        for _ in range(200):
            client.track(name, user_id="u")

    threads = [threading.Thread(target=work, args=(f"t{index}",)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush()
    assert len({event["messageId"] for event in server.events}) == 1600


def test_full_jitter():
    """A random part of base * 2^attempt, never above the most."""
    assert backoff(0, 0.5, 30, lambda: 1.0) == 0.5
    assert backoff(3, 0.5, 30, lambda: 0.5) == 2.0
    assert backoff(500, 0.5, 30, lambda: 1.0) == 30


def test_retry_after_is_read_in_both_forms():
    """Seconds or a date; nonsense is ignored, and a day is cut to five minutes."""
    assert retry_after("2") == 2.0
    assert retry_after(formatdate(1000.0, usegmt=True), now=lambda: 990.0) == 10.0
    assert retry_after("-3") == 0.0
    assert retry_after("86400") == 300.0
    assert retry_after("soon") is None
    assert retry_after("nan") is None
    assert retry_after(None) is None


def test_retry_after_is_honoured(server, make_client):
    """The wait is the server's, not the backoff's."""
    server.script += [(429, {"Retry-After": "0.4"}, {})]
    client = make_client(backoff_base=0.0)
    begin = time.monotonic()
    client.track("a", user_id="u")
    client.flush()
    assert time.monotonic() - begin >= 0.4
    assert len(server.requests) == 2
