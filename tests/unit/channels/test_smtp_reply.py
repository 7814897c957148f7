from __future__ import annotations

import pytest

from antiphon.channels.email.smtp_reply import MAX_DETAIL, classify, garbage, lost


@pytest.mark.parametrize(
    ("phase", "code", "text", "outcome", "suppress", "pause"),
    [
        ("dot", 250, "2.0.0 Ok: queued as 4XyZ", "sent", False, False),
        ("dot", 200, "fine", "sent", False, False),
        ("rcpt", 450, "4.2.1 try later", "deferred", False, False),
        ("rcpt", 451, "4.7.1 greylisted", "deferred", False, False),
        ("rcpt", 452, "4.5.3 too many", "deferred", False, False),
        ("dot", 451, "4.3.0 disk", "deferred", False, False),
        ("rcpt", 421, "closing", "deferred", False, False),
        ("dot", 421, "4.3.2 closing", "deferred", False, False),
        ("session", 421, "too many connections", "deferred", False, False),
        ("session", 454, "4.7.0 temporary", "deferred", False, False),
        ("session", 535, "5.7.8 bad password", "deferred", False, True),
        ("session", 554, "no service", "deferred", False, True),
        ("mail", 550, "5.1.8 bad sender", "failed", False, True),
        ("mail", 452, "4.3.1 full", "deferred", False, False),
        ("rcpt", 550, "5.1.1 <a@b.c>: no such user", "failed", True, False),
        ("rcpt", 550, "5.1.2 bad domain", "failed", True, False),
        ("rcpt", 550, "5.1.3 bad syntax", "failed", True, False),
        ("rcpt", 550, "5.1.6 moved", "failed", True, False),
        ("rcpt", 556, "5.1.10 null MX", "failed", True, False),
        ("rcpt", 550, "5.1.100 else", "failed", False, False),
        ("rcpt", 550, "5.2.1 disabled", "failed", False, False),
        ("rcpt", 552, "5.2.2 mailbox full", "failed", False, False),
        ("dot", 552, "5.3.4 too big", "failed", False, False),
        ("dot", 550, "5.1.1 no such user", "failed", True, False),
        ("rcpt", 550, "5.7.1 blocked", "failed", False, True),
        ("dot", 550, "5.7.26 unauthenticated", "failed", False, True),
        ("dot", 554, "spam", "failed", False, False),
        ("rcpt", 550, "No such user here", "failed", True, False),
        ("rcpt", 550, "User unknown", "failed", True, False),
        ("rcpt", 550, "mailbox does not exist", "failed", True, False),
        ("rcpt", 553, "Unknown user", "failed", True, False),
        ("rcpt", 550, "rejected for policy reasons", "failed", False, False),
        ("rcpt", 550, "mailbox unavailable", "failed", False, False),
        ("dot", 550, "no such user", "failed", False, False),
        ("rcpt", 550, "5.7.1 user unknown or blocked", "failed", False, True),
        ("rcpt", 354, "what", "deferred", False, False),
        ("dot", 354, "what", "uncertain", False, False),
        ("dot", 999, "what", "uncertain", False, False),
        ("data", 250, "what", "deferred", False, False),
    ],
)
def test_replies(phase, code, text, outcome, suppress, pause):
    """Each reply's meaning for the message, the address and the lane."""
    result = classify(phase, code, text)
    assert (result.outcome, result.suppress, result.pause_lane) == (outcome, suppress, pause)
    assert result.detail


def test_the_queue_id_is_kept():
    """So that a person finds the message in the server's log."""
    assert classify("dot", 250, "2.0.0 Ok: queued as 4XyZ.1").provider_id == "4XyZ.1"
    assert classify("dot", 250, "ok").provider_id is None


def test_losing_the_connection():
    """Before the final dot nothing was sent; after it nobody knows."""
    for phase in ("session", "mail", "rcpt", "data"):
        assert lost(phase, "reset").outcome == "deferred"
        assert garbage(phase, "??").outcome == "deferred"
    assert lost("dot", "reset").outcome == "uncertain"
    assert garbage("dot", "??").outcome == "uncertain"


def test_details_are_short_and_printable():
    """A hostile server's text does not flood or forge records."""
    result = classify("rcpt", 450, "4.0.0 a\r\nb\x00\udcff" + "x" * 9999)
    assert len(result.detail) <= MAX_DETAIL + 4
    assert result.detail.isprintable()
