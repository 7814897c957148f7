from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.channels.email import mime
from antiphon.channels.email.mime import build_email, self_test
from antiphon.errors import ConfigError, InvalidInput

DEFAULTS = {
    "idempotency_key": "enrollment-1-step-2",
    "sender": "Acme <hello@acme.test>",
    "recipient": "ada@example.test",
    "subject": "Five errors today",
    "html": "<p>Hello</p>",
    "text": "Hello",
    "sent_at": 1_700_000_000_000,
}


def build(**fields):
    return build_email(**(DEFAULTS | fields))


def parse(email):
    return message_from_bytes(email.raw, policy=default)


def body(message, subtype):
    return message.get_body((subtype,)).get_content().replace("\r\n", "\n")


def test_a_typical_email_reads_back():
    """Every header and both parts, through the standard library's parser."""
    email = build(
        recipient_name="Ada Lovelace", reply_to="Help <help@acme.test>", unsubscribe_url="https://a.test/u/x.y-z"
    )
    message = parse(email)
    assert dict(message.items()) == {
        "From": "Acme <hello@acme.test>",
        "To": "Ada Lovelace <ada@example.test>",
        "Subject": "Five errors today",
        "Date": "Tue, 14 Nov 2023 22:13:20 +0000",
        "Message-ID": f"<{email.message_id}>",
        "Reply-To": "Help <help@acme.test>",
        "List-Unsubscribe": "<https://a.test/u/x.y-z>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body(message, "plain") == "Hello"
    assert body(message, "html") == "<p>Hello</p>"
    assert not message.defects
    assert list(email.headers) == message.keys()
    assert (email.sender, email.recipient) == ("hello@acme.test", "ada@example.test")


def test_the_message_id_follows_from_the_idempotency_key():
    """The same message in whatever attempt has one id, another message another."""
    assert build(sent_at=0).message_id == build(sent_at=10**12, html="x").message_id
    assert build().message_id != build(idempotency_key="other").message_id
    assert build().message_id.endswith("@acme.test")


def test_names_and_subjects_outside_ascii():
    """They are encoded, and read back as they were."""
    message = parse(
        build(sender="Zażółć <z@bücher.example>", recipient_name="Łódź, 日本", subject="Schöne Grüße 🎉 " * 12)
    )
    assert message["From"].addresses[0].display_name == "Zażółć"
    assert message["From"].addresses[0].addr_spec == "z@xn--bcher-kva.example"
    assert message["To"].addresses[0].display_name == "Łódź, 日本"
    assert message["Subject"] == ("Schöne Grüße 🎉 " * 12).strip()


@settings(deadline=None)  # other work shares this machine
@given(
    st.text(max_size=300),
    st.text(max_size=300) | st.lists(st.sampled_from([".", "\n", "\r\n", "From x", "=", " ", "\t", "é", "日本" * 40, "x" * 1200, "--=_", "\0"])).map("".join),
)  # fmt: skip
def test_any_body_survives(text, html):
    """All bytes are 7-bit, lines are CRLF and at most 998 long, and both parts read back."""
    email = build(text=text, html=html)
    raw = email.raw
    assert raw.isascii()
    assert raw.endswith(b"--\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    message = parse(email)
    for subtype, given_body in (("plain", text), ("html", html)):
        expected = given_body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
        part = message.get_body((subtype,)).get_payload(decode=True).decode().replace("\r\n", "\n")
        assert part == expected


def test_lone_surrogates_do_not_stop_a_mail():
    """Data from elsewhere may hold them; they become question marks."""
    email = build(text="a\ud800b", html="a\ud800b", subject="a\ud800b", recipient_name="\udfff")
    assert body(parse(email), "plain") == "a?b"


@pytest.mark.parametrize(
    "attack",
    [
        "x\r\nBcc: evil@evil.test",
        "x\nBcc: evil@evil.test",
        "x\rBcc: evil@evil.test",
        "x\r\n\r\n<script>",
        "=?utf-8?q?hi=0ABcc:_x@y.z?=",
        "=?utf-8?b?aGkKQmNjOiB4QHkueg==?=",
        "x\x0bBcc: evil@evil.test",
        "x\x85Bcc: evil@evil.test",
        "x\u2029Bcc: evil@evil.test",
    ],
)
def test_no_field_adds_a_header(attack):
    """Names, subjects, added headers: the set of headers stays what it was."""
    email = build(subject=attack, recipient_name=attack, sender=f'"{attack}" <a@b.test>', headers={"X-Campaign": attack})  # fmt: skip
    message = parse(email)
    assert message.keys() == list(email.headers)
    assert "Bcc" not in message
    for name in ("Subject", "X-Campaign"):
        assert "\n" not in message[name]


@pytest.mark.parametrize(
    "fields",
    [
        {"recipient": "ada@example.test\r\nBcc: x@y.z"},
        {"recipient": "ada"},
        {"sender": "nobody"},
        {"reply_to": "x\n<a@b.test>, c@d.test"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"unsubscribe_url": "https://a.test/>,<mailto:x@y.z"},
        {"unsubscribe_url": "https://a.test/\r\nBcc: x"},
        {"headers": {"Bcc": "x@y.z"}},
        {"headers": {"from": "x@y.z"}},
        {"headers": {"X-A\r\nBcc": "x"}},
        {"headers": {"X A": "x"}},
    ],
)
def test_what_cannot_be_sent_is_refused(fields):
    """Bad addresses, URLs and header names are errors, not repaired."""
    with pytest.raises(InvalidInput):
        build(**fields)


def test_the_self_test_passes_and_can_fail(monkeypatch):
    """It builds hostile mails at start; with the cleaning switched off it refuses to start."""
    self_test()
    monkeypatch.setattr(mime, "header", lambda name, value: f"{name}: {value}\r\n")
    with pytest.raises((ConfigError, InvalidInput)):
        self_test()


def test_the_check_behind_the_cleaning_works_alone(monkeypatch):
    """Were cleaning and encoding to fail, the allow-list check still stops the mail."""
    monkeypatch.setattr(mime, "header", lambda name, value: f"{name}: {value}\r\n")
    with pytest.raises(InvalidInput, match="malformed"):
        build(subject="x\r\nBcc: evil@evil.test")
