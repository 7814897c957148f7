"""The built-in inbox."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from antiphon.model.message import OutgoingEmail
from antiphon.store.outbox import put_in_inbox

HTML = '<html><head></head><body><a href="https://acme.test/x">go</a><script>alert(1)</script></body></html>'


@pytest.fixture
def mails(context):
    """Three mails, the last with a text and an HTML part."""
    with context.store.state.write() as conn:
        for number in range(3):
            mail = EmailMessage()
            mail["Subject"], mail["From"], mail["To"] = f"Grüße {number}", "a@acme.test", "b@acme.test"
            mail.set_content("Hello there,\nhow are you?")
            mail.add_alternative(HTML, subtype="html")
            email = OutgoingEmail(
                message_id="", idempotency_key="", sender="a@acme.test", recipient="b@acme.test",
                subject=f"Grüße {number}", html="", text="", headers={}, raw=mail.as_bytes(),
            )  # fmt: skip
            put_in_inbox(conn, [(number + 1, email)], 100 + number)


@pytest.mark.usefixtures("mails")
async def test_mails_are_listed_newest_first(admin):
    """In pages, with a beginning of the text."""
    page = (await admin.get("/api/inbox", params={"limit": 2})).json()
    assert ([m["id"] for m in page["items"]], page["total"]) == ([3, 2], 3)
    assert page["items"][0]["snippet"] == "Hello there, how are you?"
    rest = (await admin.get("/api/inbox", params={"cursor": page["next_cursor"]})).json()
    assert ([m["id"] for m in rest["items"]], rest["next_cursor"]) == ([1], None)


@pytest.mark.usefixtures("mails")
async def test_a_mail_is_shown_whole(admin):
    """Headers are decoded, the source is what was sent."""
    mail = (await admin.get("/api/inbox/1")).json()
    assert {"name": "Subject", "value": "Grüße 0"} in mail["headers"]
    assert mail["text"].startswith("Hello there,")
    assert "Content-Type: multipart/alternative" in mail["source"]
    assert mail["message_id"] == 1
    assert (await admin.get("/api/inbox/9")).status_code == 404


@pytest.mark.usefixtures("mails")
async def test_a_mails_html_can_do_nothing(owner):
    """The document belongs to no origin, runs nothing, loads nothing, and its links open beside the page."""
    url = (await owner.get("/api/inbox/1")).json()["html_url"]
    answer = await owner.get(url)
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert '<base target="_blank">' in answer.text
    assert answer.headers["cache-control"] == "no-store"
