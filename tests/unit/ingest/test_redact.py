"""Secrets never reach the log, however their keys are written."""

from __future__ import annotations

import pytest

from antiphon.ingest.redact import DEFAULT_KEYS, LONGEST_NAME, MOST_NAMES, REDACTED, Redactor


@pytest.mark.parametrize(
    "key",
    ["Authorization", "PASSWORD", "x-api-key", "X_API_KEY", "apiKey", "api-key", "Set-Cookie", "setCookie", "cardNumber", "CVV"],
)  # fmt: skip
def test_keys_are_recognised_in_any_spelling(key):
    """Case, dashes and underscores do not matter."""
    value = {key: "hush", "path": "/"}
    Redactor(DEFAULT_KEYS).redact(value)
    assert value == {key: REDACTED, "path": "/"}


def test_any_depth():
    """Objects in lists in objects, and whole objects under a secret key."""
    value = {"a": [{"headers": {"Cookie": "x", "accept": "*"}}, [{"token": 1}]], "secret": {"deep": "hush"}, "n": 1}
    Redactor(DEFAULT_KEYS).redact(value)
    assert value == {
        "a": [{"headers": {"Cookie": REDACTED, "accept": "*"}}, [{"token": REDACTED}]],
        "secret": REDACTED,
        "n": 1,
    }


def test_similar_names_stay():
    """Only whole names count: tokens used is a figure that rules need."""
    value = {"tokens_used": 5, "token_count": 3, "secretary": "x", "password": None}
    Redactor(DEFAULT_KEYS).redact(value)
    assert value == {"tokens_used": 5, "token_count": 3, "secretary": "x", "password": None}


def test_the_workspace_decides():
    """Its list replaces ours; an empty one redacts nothing."""
    for keys, expected in ((["ssn"], {"ssn": REDACTED, "password": "x"}), ([], {"ssn": "1", "password": "x"})):
        value = {"ssn": "1", "password": "x"}
        Redactor(keys).redact(value)
        assert value == expected


def test_the_same_names_again():
    """What was found harmless once is not looked at again; what was not, is."""
    redactor = Redactor(DEFAULT_KEYS)
    for _ in range(2):
        value = {"plan": "pro", "password": "x"}
        redactor.redact(value)
        assert value == {"plan": "pro", "password": REDACTED}


def test_made_up_names_do_not_fill_memory():
    """At most so many names, of at most so many characters, are remembered."""
    redactor = Redactor(DEFAULT_KEYS)
    for start in range(0, MOST_NAMES + 1000, 500):
        redactor.redact({f"k{start + i}": 1 for i in range(500)})
    redactor.redact({"y" * (LONGEST_NAME + 1): 1})
    assert len(redactor._harmless) == MOST_NAMES
    value = {"new": 1, "Password": "x"}
    redactor.redact(value)
    assert value == {"new": 1, "Password": REDACTED}
