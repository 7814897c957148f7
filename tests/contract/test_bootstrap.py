"""What the first start makes, and what later starts leave alone."""

from __future__ import annotations

import pytest

from antiphon.errors import ConfigError
from antiphon.store.accounts import change_account, first_account
from antiphon.store.tokens import find_token, list_tokens
from antiphon.web.bootstrap import bootstrap, new_link

ADMIN, WRITE = "an-admin-token-of-mine", "a-write-key-of-mine-1"


def _start(store, clock, admin="", write=""):
    with store.state.write() as conn:
        return bootstrap(conn, clock, admin_token=admin, write_key=write)


def test_the_first_start_makes_a_link_and_a_write_key(store, clock):
    """On both databases: an owner, a link, a write key that works; the second start makes no second key."""
    first = _start(store, clock)
    second = _start(store, clock)
    assert first.write_key.startswith("awk_")
    assert second.write_key is None
    assert second.link not in {None, first.link}
    with store.state.read() as conn:
        assert find_token(conn, first.write_key, clock()).kind == "write"
        assert find_token(conn, first.link, clock()) is None
        assert first_account(conn).role == "owner"


def test_given_tokens_are_put_in_force_once(store, clock):
    """A script's tokens work after any number of starts, and no other write key is made."""
    for _ in range(2):
        assert _start(store, clock, ADMIN, WRITE).write_key is None
    with store.state.read() as conn:
        assert find_token(conn, ADMIN, clock()).kind == "admin"
        assert find_token(conn, WRITE, clock()).kind == "write"
        assert len(list_tokens(conn, ("admin", "write"), clock())) == 2


def test_an_admin_token_that_is_no_longer_given_ends(store, clock):
    """Changing or removing the setting takes the old token out of force; the write key of clients stays."""
    _start(store, clock, ADMIN, WRITE)
    _start(store, clock, "another-admin-token", "")
    with store.state.read() as conn:
        assert find_token(conn, ADMIN, clock()) is None
        assert find_token(conn, WRITE, clock()) is not None
    _start(store, clock)
    with store.state.read() as conn:
        assert find_token(conn, "another-admin-token", clock()) is None


def test_nobody_gets_a_link_once_there_is_a_password(store, clock):
    """A link is printed only while it is the only way in; asked for by hand it is given."""
    _start(store, clock)
    with store.state.write() as conn:
        change_account(conn, first_account(conn).id, password_hash="x")
    assert _start(store, clock).link is None
    with store.state.write() as conn:
        assert new_link(conn, clock).startswith("asl_")


def test_a_token_that_is_easily_guessed_is_refused(sqlite_store, clock):
    """A short token stops the start with a message that names it; so does one that is in use for something else."""
    with pytest.raises(ConfigError, match="ANTIPHON_ADMIN_TOKEN"):
        _start(sqlite_store, clock, "short")
    _start(sqlite_store, clock, "", WRITE)
    with pytest.raises(ConfigError, match="in use"):
        _start(sqlite_store, clock, WRITE)


def test_before_the_first_start_there_is_nobody_to_sign_in(sqlite_store, clock):
    """A link for nobody is refused with what to do."""
    with sqlite_store.state.write() as conn, pytest.raises(ConfigError, match="antiphon serve"):
        new_link(conn, clock)


def test_an_admin_token_that_was_taken_away_can_be_given_again(store, clock):
    """Started with it, without it, and with it again: it is in force, then not, then again."""
    found = []
    for given in (ADMIN, "", ADMIN):
        _start(store, clock, given)
        with store.state.read() as conn:
            found.append(find_token(conn, ADMIN, clock()) is not None)
    assert found == [True, False, True]
