from __future__ import annotations

import pytest

from antiphon.templates.links import UnsubscribeLink, read_unsubscribe, sign_unsubscribe

SECRET = "s" * 32


@pytest.mark.parametrize("message_id", [7, None])
def test_a_signed_link_reads_back(message_id):
    """What was signed comes out, in characters that a URL path takes as they are."""
    token = sign_unsubscribe(SECRET, message_id=message_id, address="ada+x@bücher.test", topic="tips")
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert read_unsubscribe(SECRET, token) == UnsubscribeLink(message_id, "ada+x@bücher.test", "tips")


def test_forged_damaged_and_foreign_tokens_are_nothing():
    """Another secret, a changed byte, other data, noise and great length."""
    token = sign_unsubscribe(SECRET, message_id=1, address="a@b.test")
    assert read_unsubscribe("other", token) is None
    assert read_unsubscribe(SECRET, token[:-2] + ("aa" if token[-2:] != "aa" else "bb")) is None
    assert read_unsubscribe(SECRET, "x" + token) is None
    assert read_unsubscribe(SECRET, "a" * 100_000) is None
    for noise in ("", ".", "..", "é.é", "\x00", token.replace(".", "")):
        assert read_unsubscribe(SECRET, noise) is None
