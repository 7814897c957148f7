"""Unsubscribing by the link in a mail."""

from __future__ import annotations

import pytest

from antiphon.store.signals import read_emissions
from antiphon.store.suppressions import is_suppressed
from antiphon.store.tables import messages
from antiphon.templates.links import sign_unsubscribe

ADDRESS = "Ada@acme.test"


@pytest.fixture
def link(context):
    """The unsubscribe link of a message to ada."""
    with context.store.state.write() as conn:
        row = {
            "idempotency_key": "k", "lane": "behavioural", "channel": "email", "user_id": "ada", "template_id": 1,
            "workflow_id": 4, "variables": {}, "status": "sent", "attempts": 1, "due_at": 1, "created_at": 1,
            "updated_at": 1,
        }  # fmt: skip
        conn.execute(messages.insert().values(row))

    def make(topic: str = "", message_id: int | None = 1) -> str:
        token = sign_unsubscribe(context.workspace().secret, message_id=message_id, address=ADDRESS, topic=topic)
        return f"/unsubscribe/{token}"

    return make


def _stored(context, topic=""):
    with context.store.state.read() as conn:
        return is_suppressed(conn, "ada@ACME.test", topic), read_emissions(conn, 10)[1]


async def test_a_get_asks_and_changes_nothing(anyone, context, link):
    """Scanners open links: the page only asks, with the workspace's name, without a request to anyone."""
    answer = await anyone.get(link())
    assert answer.status_code == 200
    assert "Acme &amp; Sons" in answer.text
    assert 'method="post"' in answer.text
    assert "<script" not in answer.text
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert _stored(context) == (False, [])


async def test_a_post_unsubscribes_before_it_answers(anyone, context, link):
    """One click (RFC 8058): no cookie, no redirect; on disk with a 2xx, and an event on its way, once."""
    for _ in range(2):
        answer = await anyone.post(link(), content="List-Unsubscribe=One-Click",
                                   headers={"content-type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    suppressed, events = _stored(context)
    assert suppressed
    assert [(e.id, e.name, e.user_id, e.properties["workflow_id"]) for e in events] == [
        ("unsubscribed:1:", "unsubscribed", "ada", 4)
    ]
    assert "emissions" in context.wake.topics


async def test_a_topic_is_left_alone(anyone, context, link):
    """Leaving one topic keeps the others."""
    assert "emails about news" in (await anyone.get(link("news"))).text
    await anyone.post(link("news"))
    assert _stored(context, "news")[0]
    assert not _stored(context, "offers")[0]


async def test_a_test_mails_link_works_without_a_message(anyone, context, link):
    """The address is suppressed; there is nobody whose event it could be."""
    assert (await anyone.post(link(message_id=None))).status_code == 200
    assert _stored(context) == (True, [])


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t + "x",
        lambda t: "/unsubscribe/" + t.rsplit("/", 1)[1].swapcase(),
        lambda _: "/unsubscribe/x",
    ],
)
async def test_a_damaged_link_does_nothing(anyone, context, link, change):
    """What we have not signed is answered with a page that helps, not with an error."""
    for method in ("GET", "POST"):
        answer = await anyone.request(method, change(link()))
        assert answer.status_code == 404
        assert "does not work" in answer.text
    assert not _stored(context)[0]
