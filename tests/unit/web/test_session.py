"""Signing in and out, passwords, one's own account."""

from __future__ import annotations

import pytest

from antiphon.model.clock import DAY, MINUTE
from antiphon.store.accounts import first_account
from antiphon.web.bootstrap import bootstrap, new_link
from antiphon.web.passwords import PER_ACCOUNT, PER_ADDRESS, SignInLimits
from antiphon.web.sessions import session_cookie
from antiphon.web.settings import WebSettings

EMAIL, PASSWORD = "ada@acme.test", "correct horse battery"


@pytest.fixture
async def with_password(owner):
    """The owner, who has chosen an address and a password."""
    answer = await owner.put("/api/account", json={"name": "Ada", "email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return owner


async def test_the_first_link_signs_the_owner_in_once(anyone, context):
    """The printed link gives a session, and only the first to follow it."""
    with context.store.state.write() as conn:
        link = bootstrap(conn, context.clock, admin_token="", write_key="").link
    first = await anyone.get("/signin", params={"token": link})
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    session = await anyone.get("/api/session")
    assert session.json()["account"] == {
        "id": 1, "email": "owner@localhost", "name": "Owner", "role": "owner", "has_password": False,
    }  # fmt: skip
    assert session.json()["workspace"]["sandbox"] is True
    anyone.cookies.clear()
    again = await anyone.get("/signin", params={"token": link})
    assert again.status_code == 401
    assert "used already" in again.text


async def test_a_link_ends_after_a_week_and_with_the_next(anyone, context, clock):
    """A link that lies around opens nothing."""
    with context.store.state.write() as conn:
        first = bootstrap(conn, clock, admin_token="", write_key="").link
        second = new_link(conn, clock)
    assert (await anyone.get("/signin", params={"token": first})).status_code == 401
    clock.now += 8 * DAY
    assert (await anyone.get("/signin", params={"token": second})).status_code == 401


@pytest.mark.usefixtures("with_password")
async def test_a_password_signs_in(anyone):
    """Address (whatever its case) and password give a session, by the API and by the form."""
    answer = await anyone.post("/api/session", json={"email": EMAIL.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["account"]["name"] == "Ada"
    assert (await anyone.get("/api/session")).status_code == 200
    anyone.cookies.clear()
    form = {"email": EMAIL, "password": PASSWORD}
    answer = await anyone.post("/signin", data=form, headers={"origin": "http://testserver"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.usefixtures("with_password")
async def test_a_wrong_password_says_no_more_than_a_wrong_address(anyone):
    """Who guesses does not learn which accounts there are."""
    wrong = await anyone.post("/api/session", json={"email": EMAIL, "password": "guess"})
    unknown = await anyone.post("/api/session", json={"email": "eve@acme.test", "password": "guess"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


@pytest.mark.usefixtures("with_password")
async def test_the_form_keeps_the_address_and_names_the_error(anyone):
    """A failed form is shown again, escaped, with an alert."""
    form = {"email": '"><script>', "password": "guess"}
    answer = await anyone.post("/signin", data=form, headers={"origin": "http://testserver"})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text


@pytest.mark.usefixtures("with_password")
async def test_the_form_takes_nothing_from_another_site(anyone):
    """Nobody is signed into somebody else's account by another site's form."""
    form = {"email": EMAIL, "password": PASSWORD}
    answer = await anyone.post("/signin", data=form, headers={"origin": "http://evil.test"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("with_password")
async def test_guessing_is_limited(anyone, clock):
    """After ten failures an account waits, right password or not; later it goes on."""
    for _ in range(PER_ACCOUNT):
        answer = await anyone.post("/api/session", json={"email": EMAIL, "password": "guess"})
        assert answer.status_code == 401
    answer = await anyone.post("/api/session", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    clock.now += 16 * MINUTE
    answer = await anyone.post("/api/session", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200


def test_an_address_that_tries_many_accounts_is_limited(clock):
    """Failures count by network address too; a success takes only itself back."""
    limits = SignInLimits(clock)
    for number in range(PER_ADDRESS - 1):
        limits.failed(f"{number}@acme.test", "192.0.2.1")
    limits.failed("mine@acme.test", "192.0.2.1")
    limits.succeeded("mine@acme.test", "192.0.2.1")
    limits.check("mine@acme.test", "192.0.2.1")
    limits.failed("x@acme.test", "192.0.2.1")
    with pytest.raises(Exception, match="Too many attempts"):
        limits.check("new@acme.test", "192.0.2.1")
    limits.check("new@acme.test", "192.0.2.2")


async def test_a_new_password_ends_every_other_session(with_password, anyone):
    """Changing the password signs everybody out but who changed it."""
    assert (await anyone.post("/api/session", json={"email": EMAIL, "password": PASSWORD})).status_code == 200
    change = {"password": "another good one", "current_password": PASSWORD}
    assert (await with_password.put("/api/account", json=change)).status_code == 200
    assert (await anyone.get("/api/session")).status_code == 401
    assert (await with_password.get("/api/session")).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"password": "another good one"}, 400, "current_password"),
        ({"password": "another good one", "current_password": "guess"}, 403, "current_password"),
        ({"email": "new@acme.test"}, 400, "current_password"),
        ({"password": "short", "current_password": PASSWORD}, 400, "password"),
        ({"email": "no address", "current_password": PASSWORD}, 400, "email"),
    ],
)
async def test_what_signs_in_is_changed_only_by_who_knows_it(with_password, change, status, field):
    """An open browser is not enough to take an account over; each refusal names its field."""
    answer = await with_password.put("/api/account", json=change)
    assert (answer.status_code, answer.json()["details"]["field"]) == (status, field)


async def test_a_token_has_no_account(admin):
    """An admin token sees a session without an account, and cannot change one."""
    assert (await admin.get("/api/session")).json()["account"] is None
    assert (await admin.put("/api/account", json={"name": "x"})).status_code == 403


async def test_who_is_signed_in_is_not_asked_again(owner):
    """The sign-in page leads on to the page."""
    answer = await owner.get("/signin")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_over_https_the_cookie_is_bound_to_the_host():
    """An https address gives a `__Host-` cookie with Secure and no domain."""
    header = session_cookie("s", WebSettings(public_url="https://mail.acme.test")).to_header(header="")
    assert header.startswith("__Host-antiphon=s")
    assert "Secure" in header
    assert "omain" not in header


def test_passwords_are_never_kept(context):
    """The first account has no password, and what is stored of one is its Argon2id hash."""
    with context.store.state.write() as conn:
        bootstrap(conn, context.clock, admin_token="", write_key="")
        assert first_account(conn).password_hash is None


async def test_an_open_browser_is_no_place_to_guess(with_password):
    """Guesses at the current password are limited like those at the door."""
    change = {"password": "another good one", "current_password": "guess"}
    answers = [(await with_password.put("/api/account", json=change)).status_code for _ in range(PER_ACCOUNT + 1)]
    assert answers == [403] * PER_ACCOUNT + [429]
