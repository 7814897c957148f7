"""The figures of the first screen and the messages behind them, on both databases."""

from __future__ import annotations

from antiphon.model.clock import MINUTE
from antiphon.store import overview
from antiphon.store.log import append_events
from antiphon.store.messages import get_message, list_messages, queue_transactional
from antiphon.store.signals import set_cursor
from antiphon.store.tables import messages
from antiphon.web.rates import EventRate
from factories import NOW, track


def test_a_moments_place_in_the_log_is_found(store):
    """For every moment: the first offset committed at it or later."""
    with store.log.write() as conn:
        assert overview.offset_at(conn, 0, 5) == 0
        for at, count in ((10, 3), (10, 1), (20, 5), (40, 2)):
            append_events(conn, [track() for _ in range(count)], at)
        found = [overview.offset_at(conn, 0, at) for at in (0, 10, 11, 20, 21, 40, 41)]
        assert found == [0, 0, 4, 4, 9, 9, 11]
        assert overview.first_segment_at(conn) == 10


def test_minutes_are_counted_once(store, clock):
    """Each look adds what is new, minutes that are over an hour old leave."""
    start = NOW - NOW % MINUTE
    clock.now = start + 30_000
    with store.log.write() as conn:
        append_events(conn, [track()], start - 61 * MINUTE)
        append_events(conn, [track(), track()], start - MINUTE)
    rate = EventRate(store, clock)
    assert [c.count for c in rate.last_hour()][-2:] == [2, 0]
    with store.log.write() as conn:
        append_events(conn, [track()], clock.now)
    for _ in range(2):
        counts = rate.last_hour()
        assert [c.count for c in counts][-2:] == [2, 1]
        assert counts[-1].minute == start
    clock.now += 59 * MINUTE
    later = [c.count for c in rate.last_hour()]
    assert (later[0], sum(later)) == (1, 1)


def _queue(conn, key, **more):
    values = {
        "idempotency_key": key, "channel": "email", "user_id": "u", "recipient": "u@x.test", "template_id": 1,
        "template_version": 1, "variables": {"n": 1}, "now": 5,
    }  # fmt: skip
    return queue_transactional(conn, **(values | more))


def test_messages_are_counted_and_timed(store):
    """By status, by the quarter of an hour, and from the causing call to the sending."""
    fates = [("sent", 900_000, 899_000), ("sent", 900_001, 900_000), ("sent", 1_800_000, None), ("failed", None, 1)]
    with store.state.write() as conn:
        for number, (status, sent_at, caused_at) in enumerate(fates):
            _queue(conn, str(number))
            change = {"status": status, "sent_at": sent_at, "caused_at": caused_at}
            conn.execute(messages.update().where(messages.c.idempotency_key == str(number)).values(change))
        set_cursor(conn, "evaluate:0", 7)
    with store.state.read() as conn:
        assert overview.count_statuses(conn) == {"sent": 3, "failed": 1}
        assert dict(overview.count_sent_quarters(conn, 0)) == {900_000: 2, 1_800_000: 1}
        assert overview.list_times_to_message(conn) == [1, 1000]
        assert overview.count_events(conn) == 7
        assert (overview.count_active_rules(conn), overview.count_active_workflows(conn)) == (0, 0)


def test_a_message_is_queued_once_for_its_key(store):
    """The second request finds the first one's message, whatever became of it."""
    with store.state.write() as conn:
        first = _queue(conn, "k")
        conn.execute(messages.update().values(status="sent"))
        second = _queue(conn, "k")
    assert (first.status, first.fresh) == ("queued", True)
    assert (second.id, second.status, second.fresh) == (first.id, "sent", False)
    with store.state.read() as conn:
        assert get_message(conn, first.id).variables == {"n": 1}
        assert [m.id for m in list_messages(conn, status="sent", user_id="u", limit=5).items] == [first.id]
