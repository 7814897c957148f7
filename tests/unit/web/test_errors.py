"""Errors: each kind has its status, all have one shape, none says what it should not."""

from __future__ import annotations

import pytest
from litestar import get
from litestar.datastructures import State
from litestar.testing import TestClient
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from antiphon import errors
from antiphon.web.access import PUBLIC
from antiphon.web.routing import build
from antiphon.web.wording import plain


def _all_errors(kind=errors.AntiphonError):
    return [kind, *(found for sub in kind.__subclasses__() for found in _all_errors(sub))]


def _answer(error: Exception):
    @get("/fails", access=PUBLIC, sync_to_thread=False)
    def fails() -> None:
        raise error

    with TestClient(build([fails], State()), raise_server_exceptions=False) as client:
        return client.get("/fails")


@pytest.mark.parametrize("kind", _all_errors(), ids=lambda kind: kind.__name__)
def test_each_error_of_ours_has_its_status(kind):
    """Code, message and details come out as they went in, with the error's own status."""
    answer = _answer(kind("What happened.", where="here"))
    assert answer.status_code == kind.status
    assert answer.json() == {"code": kind.code, "message": "What happened.", "details": {"where": "here"}}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("SELECT secret", {}, Exception("database is locked")), 503, "unavailable"),
        (PoolTimeoutError(), 503, "unavailable"),
        (IntegrityError("INSERT", {}, Exception("UNIQUE")), 409, "conflict"),
        (DataError("INSERT", {}, Exception("out of range")), 400, "invalid_input"),
        (OverflowError("int too large"), 400, "invalid_input"),
        (RecursionError(), 400, "invalid_input"),
        (ZeroDivisionError("secret"), 500, "internal"),
    ],
)
def test_what_is_not_ours_is_answered_without_its_words(error, status, code):
    """Storage trouble, odd values and our own mistakes have a status, and keep their text to themselves."""
    answer = _answer(error)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text


def test_who_should_wait_is_told_how_long():
    """429 carries the wait that was asked for, 503 a second."""
    assert _answer(errors.Overloaded("Wait.", retry_after=7)).headers["retry-after"] == "7"
    assert _answer(errors.Unavailable("Down.")).headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Expected `str`, got `int` - at `$.name`", "name: expected text, got a whole number"),
        ("Expected `str | null`, got `array`", "expected text or nothing, got a list"),
        ("Expected `str` of length >= 1 - at `$.name`", "name: must not be empty"),
        ("Expected `str` of length <= 200", "may have at most 200 characters"),
        ("Expected `str` of length >= 10", "needs at least 10 characters"),
        ("Expected `int` <= 500", "must be at most 500"),
        ("Object missing required field `name`", "“name” is missing"),
        ("Object contains unknown field `x`", "“x” is not known here"),
        ("Invalid enum value 'purple'", "'purple' is not one of the choices"),
        ("Invalid value 'loop' - at `$.kind`", "kind: 'loop' is not one of the choices"),
    ],
)
def test_decoders_are_translated(said, words):
    """What a decoder says is put into plain words, with the place first."""
    assert plain(said) == words


async def test_a_refused_body_names_each_field(admin):
    """Validation errors say where and what, for people and for programs."""
    answer = await admin.post("/api/rules", json={"name": "", "text": 5})
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == "invalid_input"
    assert body["details"]["fields"][0]["field"]
    assert "Expected" not in body["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"{" * 100_000, b"[" * 100_000])
async def test_broken_bodies_are_the_callers_mistake(admin, body):
    """Whatever the bytes, the answer is a 400."""
    answer = await admin.post("/api/rules", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


async def test_deeply_nested_values_are_the_callers_mistake(admin):
    """Nesting beyond any sense is refused, not crashed on."""
    deep = b'{"name":"r","tree":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001
    answer = await admin.post("/api/rules", content=deep, headers={"content-type": "application/json"})
    assert answer.status_code == 400


async def test_a_body_beyond_the_limit_is_refused(admin):
    """Four megabytes are enough for everything here."""
    body = b'{"name":"' + b"x" * 5_000_000 + b'"}'
    answer = await admin.post("/api/rules", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/api/nothing", "/api/rules/x", "/api/rules/1/nothing", "/api"])
async def test_an_unknown_address_of_the_api_is_not_the_page(admin, path):
    """Addresses below /api answer 404 in our shape, not the page's index."""
    answer = await admin.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_method_that_is_not_there_says_so(admin):
    """405, in our shape."""
    answer = await admin.request("PATCH", "/api/rules")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
