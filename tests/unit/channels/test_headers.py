from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.channels.email.headers import (
    MAX_VALUE,
    address_header,
    check_block,
    clean,
    header,
    parse_address,
    parse_sender,
)
from antiphon.errors import InvalidInput

HOSTILE = st.lists(
    st.sampled_from(
        [
            "\r\n",
            "\n",
            "\r",
            "\x00",
            "\u2028",
            "\x85",
            "Bcc: x@y.z",
            "=?utf-8?q?",
            "hi=0ABcc:_x@y.z",
            "?=",
            "=?",
            " ",
            "\t",
            "é",
            "😀",
            '"',
            "\\",
            "<",
            ">",
            ",",
            "\ud800",
        ]
    )
    | st.text(max_size=60)
).map("".join)


def parsed(line):
    return message_from_bytes(line.encode() + b"\r\nbody", policy=default)


@settings(deadline=None)  # other work shares this machine
@given(HOSTILE)
def test_no_value_becomes_another_header(value):
    """Whatever the value, one header comes out, its lines fit, and it reads back as the cleaned value."""
    line = header("Subject", value)
    assert line.endswith("\r\n")
    assert check_block(line.encode("ascii"), ["Subject"]) == ""
    message = parsed(line)
    assert message.keys() == ["Subject"]
    assert " ".join(message["Subject"].split()) == clean(value)


@settings(deadline=None)  # other work shares this machine
@given(HOSTILE)
def test_no_name_becomes_another_address(name):
    """A display name is one phrase before one address, even where it holds quotes, commas and brackets."""
    line = address_header("To", name, "ada@example.test")
    assert check_block(line.encode("ascii"), ["To"]) == ""
    message = parsed(line)
    assert message.keys() == ["To"]
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.test"]


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("plain", "plain"),
        (" a \r\n b\x00c ", "a b c"),
        ("=?utf-8?q?hi=0ABcc:_x@y.z?=", ""),
        ("a =?x?Q?b?= c", "a c"),
        ("=?=?u?q?x?=u?q?y?=", ""),
        ("2 =? 3", "2 =? 3"),
        ("x" * 2000, "x" * MAX_VALUE),
    ],
)
def test_values_are_cleaned(value, cleaned):
    """Control characters become spaces; encoded words go, also those that appear when one is taken out."""
    assert clean(value) == cleaned


def test_long_values_are_folded():
    """Lines of at most 78 where there are spaces, never an empty first line, and the same text when read."""
    text = "word " * 60
    line = header("Subject", text)
    assert max(len(part) for part in line.split("\r\n")) <= 78
    assert parsed(line)["Subject"] == text.strip()
    foreign = "Grüße an alle, " * 20
    line = header("Subject", foreign)
    assert max(len(part) for part in line.split("\r\n")) <= 78 + len("Subject: ")
    assert parsed(line)["Subject"] == foreign.strip()
    assert header("Subject", "x" * 900) == f"Subject: {'x' * 900}\r\n"


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (b"Subject: a\r\n", ""),
        (b"Subject: a\r\n b\r\n", ""),
        (b"Subject: a\r\nBcc: b\r\n", "found"),
        (b"Subject: a\nBcc: b\r\n", "no header"),
        (b"Subject: a\r\n\r\nbody\r\n", "no header"),
        (b"Subject: a\r\n \r\n", "continuation"),
        (b" a\r\n", "continuation"),
        (b"Subject: \xc3\xa9\r\n", "no header"),
        (b"Subject: " + b"x" * 1000 + b"\r\n", "998"),
        (b"", "no header"),
    ],
)
def test_the_finished_block_is_checked(block, problem):
    """The last line of defence sees every way in which a block can differ from what was meant."""
    said = check_block(block, ["Subject"])
    assert (said == "") == (problem == "")
    assert problem in said


@pytest.mark.parametrize(
    ("given_address", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.L+x@Example.com ", "Ada.L+x@Example.com"),
        ("ada@localhost", "ada@localhost"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_addresses(given_address, address):
    """Common addresses pass as they are; international domains become ASCII."""
    assert parse_address(given_address) == address


@pytest.mark.parametrize(
    "bad",
    ["", "ada", "@x.y", "a@", "a b@c.d", "a@b@c.d", "a@b.c\r\nRCPT TO:<x@y.z>", "a@b.c>", "<a@b.c>", "a..b@c.d", "a@-x.y", "a@x..y", "x" * 65 + "@y.zz", "a@" + "x." * 130 + "zz", "a,b@c.d", "\u2028@x.yz", "a@[127.0.0.1]", '"a b"@c.de'],
)  # fmt: skip
def test_what_is_no_address(bad):
    """Nothing that could end the envelope's bracket, or name two, is an address."""
    with pytest.raises(InvalidInput, match="not an email address"):
        parse_address(bad)


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [
        ("a@b.test", "", "a@b.test"),
        ("Acme <a@b.test>", "Acme", "a@b.test"),
        ('"Acme, Inc." <a@b.test>', "Acme, Inc.", "a@b.test"),
        (r'"A \"B\" C" <a@b.test>', 'A "B" C', "a@b.test"),
        ("Akmé <a@b.test>", "Akmé", "a@b.test"),
        ("<a@b.test>", "", "a@b.test"),
    ],
)
def test_senders(sender, name, address):
    """A sender is an address, with or without a name."""
    assert parse_sender(sender) == (name, address)


def test_what_is_no_sender():
    """Two addresses, or none."""
    for bad in ("Acme", "A <a@b.test> <c@d.test>", "a@b.test, c@d.test", "A <>"):
        with pytest.raises(InvalidInput):
            parse_sender(bad)
