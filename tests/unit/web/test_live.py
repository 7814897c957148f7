"""The live tail."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from antiphon.store.log import append_events
from antiphon.store.signals import set_cursor
from antiphon.store.tables import log_duplicates
from antiphon.web import live
from antiphon.web.live import LiveTail
from factories import NOW, track


@pytest.fixture
def arrive(context):
    """Events that arrive and are evaluated at once."""

    def add(*events, duplicates=()):
        with context.store.log.write() as conn:
            start = append_events(conn, list(events), NOW)
        with context.store.state.write() as conn:
            for offset in duplicates:
                conn.execute(log_duplicates.insert().values(partition=0, offset=offset, conflicting=False))
            set_cursor(conn, "evaluate:0", start + len(events))

    return add


@pytest.fixture
async def watch(context):
    """Opens streams and reads events from them."""
    tail = LiveTail(context)
    streams = []

    async def start(wanted=lambda _: True, last_id=None):
        stream = tail.stream(wanted, last_id)
        assert (await anext(stream)).startswith(b"retry:")
        streams.append(stream)
        return stream

    start.tail = tail
    yield start
    for stream in streams:
        await stream.aclose()
    assert tail._task is None


def _events(chunk: bytes):
    """(event, id, data) of each message in a chunk; comments left out."""
    found = []
    for message in chunk.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in message.split("\n") if line and not line.startswith(":"))
        if fields:
            found.append((fields["event"], fields.get("id"), msgspec.json.decode(fields["data"])))
    return found


async def _next(stream, count=1):
    found = []
    while len(found) < count:
        found += _events(await asyncio.wait_for(anext(stream), 20))
    return found


async def test_events_arrive_with_their_offset(watch, arrive):
    """What was there before is not shown; what comes is, with the offset as its id."""
    arrive(track("before"))
    stream = await watch()
    arrive(track("hello", properties={"n": 1}), track("world"))
    first, second = await _next(stream, 2)
    assert (first[0], first[1], first[2]["name"], first[2]["properties"]) == ("event", "1", "hello", {"n": 1})
    assert (second[1], second[2]["name"]) == ("2", "world")


async def test_only_what_evaluation_has_passed_and_no_duplicates(watch, arrive, context):
    """An event in the log waits for evaluation, which knows the duplicates; those are left out."""
    stream = await watch()
    with context.store.log.write() as conn:
        append_events(conn, [track("early")], NOW)
    arrive(track("again"), track("last"), duplicates=[1])
    assert [data["name"] for _, _, data in await _next(stream, 2)] == ["early", "last"]


async def test_each_watcher_sees_what_it_wants(watch, arrive):
    """Filters are each watcher's own."""
    everything = await watch()
    calls = await watch(lambda event: event.name == "call")
    arrive(track("hello"), track("call"))
    assert [data["name"] for _, _, data in await _next(calls)] == ["call"]
    assert [data["name"] for _, _, data in await _next(everything, 2)] == ["hello", "call"]


async def test_who_comes_back_gets_what_it_missed(watch, arrive):
    """The last id leads on without a gap; too long away is said as a number."""
    arrive(*[track(f"e{n}") for n in range(5)])
    stream = await watch(last_id=2)
    assert [data["name"] for _, _, data in await _next(stream, 2)] == ["e3", "e4"]
    arrive(track("new"))
    assert [data["name"] for _, _, data in await _next(stream)] == ["new"]


async def test_away_for_too_long(watch, arrive, monkeypatch):
    """Only the newest are shown again, the others are counted."""
    monkeypatch.setattr(live, "REPLAYED", 2)
    arrive(*[track(f"e{n}") for n in range(6)])
    found = await _next(await watch(last_id=0), 3)
    assert found[0][::2] == ("skipped", {"count": 3})
    assert [data["name"] for _, _, data in found[1:]] == ["e4", "e5"]


@pytest.mark.usefixtures("arrive")
async def test_a_slow_reader_loses_the_oldest_and_is_told(watch, monkeypatch):
    """A queue that is full drops its oldest; memory stays bounded, the reader learns how many."""
    monkeypatch.setattr(live, "QUEUE", 3)
    stream = await watch()
    watcher = next(iter(watch.tail._watchers))
    for offset in range(10):
        watcher.push((offset, track(), b"{}"))
    found = _events(await anext(stream))
    assert found[0] == ("skipped", None, {"count": 7})
    assert [ident for _, ident, _ in found[1:]] == ["7", "8", "9"]


async def test_a_burst_is_shown_by_its_newest(watch, arrive, monkeypatch):
    """Of more events than one read takes, the newest are shown and the others counted."""
    monkeypatch.setattr(live, "BATCH", 3)
    stream = await watch()
    arrive(*[track(f"e{n}") for n in range(8)])
    found = await _next(stream, 4)
    assert found[0][::2] == ("skipped", {"count": 5})
    assert [data["name"] for _, _, data in found[1:]] == ["e5", "e6", "e7"]


async def test_silence_is_kept_alive_and_ends(watch, monkeypatch):
    """A comment now and then, and after a while an end, so that rights are asked for again."""
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)
    stream = await watch()
    assert await anext(stream) == b": heartbeat\n\n"
    monkeypatch.setattr(live, "STREAM_S", 0.0)
    other = watch.tail.stream(lambda _: True, None)
    chunks = [chunk async for chunk in other]
    assert len(chunks) == 1


@pytest.mark.usefixtures("context")
async def test_the_route_streams_with_filters(app, key, arrive):
    """Over HTTP: event-stream, not kept anywhere, filtered by name, user and text; closed when the reader goes."""
    sent: list[dict] = []
    gone, more = asyncio.Event(), asyncio.Event()

    async def receive():
        if not sent:
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        more.set()

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/api/events/live", "raw_path": b"/api/events/live",
        "query_string": b"name=call&user_id=u1&search=REPORT", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("testserver", 80), "headers": [(b"authorization", f"Bearer {key('admin')}".encode())],
    }  # fmt: skip
    running = asyncio.create_task(app(scope, receive, send))

    async def until(count):
        while len(sent) < count:
            await more.wait()
            more.clear()

    await asyncio.wait_for(until(2), 20)
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    arrive(
        track("call", "u2", properties={"x": "report"}),
        track("other", "u1", properties={"x": "report"}),
        track("call", "u1", properties={"x": "else"}),
        track("call", "u1", properties={"x": "My Report"}),
    )
    await asyncio.wait_for(until(3), 20)
    assert [data["properties"]["x"] for _, _, data in _events(sent[2]["body"])] == ["My Report"]
    gone.set()
    await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 20)
