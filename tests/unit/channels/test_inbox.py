from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.channels.email.inbox import framed, read_mail, snippet
from antiphon.channels.email.mime import build_email

MAIL = build_email(
    idempotency_key="k",
    sender="Akmé <a@b.test>",
    recipient="ada@example.test",
    recipient_name="Łucja",
    subject="Grüße " * 30,
    html="<html><head><title>x</title></head><body>Zażółć " + "日本" * 50 + "</body></html>",
    text="Line one\n\nLine  two é",
    sent_at=0,
    unsubscribe_url="https://a.test/u/" + "x" * 200,
)


def test_what_was_stored_is_read_back():
    """Headers decoded and in order, both parts, and the source as it stands."""
    mail = read_mail(MAIL.raw)
    headers = dict(mail.headers)
    assert [name for name, _ in mail.headers] == list(MAIL.headers)
    assert headers["From"] == "Akmé <a@b.test>"
    assert headers["To"] == "Łucja <ada@example.test>"
    assert headers["Subject"] == ("Grüße " * 30).strip()
    assert headers["List-Unsubscribe"] == "<https://a.test/u/" + "x" * 200 + ">"
    assert mail.text == "Line one\n\nLine  two é"
    assert mail.html.startswith("<html><head><title>x")
    assert "日本日本" in mail.html
    assert mail.source.encode() == MAIL.raw


def test_snippet():
    """One line for the list."""
    assert snippet(MAIL.raw) == "Line one Line two é"
    assert snippet(MAIL.raw, 8) == "Line one"


@settings(deadline=None)  # other work shares this machine
@given(st.binary(max_size=400) | st.lists(st.sampled_from([b"Subject: =?x?b?", b"?=", b"\r\n", b"\r\n\r\n", b"Content-Type: text/html; charset=nope\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"\xff", b"Content-Transfer-Encoding: base64\r\n", b"=?utf-8?q?=FF?=", b"From: a\r\n"])).map(b"".join))  # fmt: skip
def test_no_mail_breaks_the_reader(raw):
    """Whatever bytes are stored, the page shows something."""
    mail = read_mail(raw)
    assert isinstance(mail.text + mail.html, str)
    snippet(raw)


def test_links_open_in_a_new_tab():
    """The base goes into the head, wherever that is."""
    assert framed("<html><head lang=x><title>") == '<html><head lang=x><base target="_blank"><title>'
    assert framed("<html><body>") == '<html><base target="_blank"><body>'
    assert framed("<p>x") == '<base target="_blank"><p>x'
    assert framed("<header>x") == '<base target="_blank"><header>x'
