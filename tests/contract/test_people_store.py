"""Profiles, memberships and enrollments, on both databases."""

from __future__ import annotations

import pytest

from antiphon.errors import InvalidInput
from antiphon.store import paging, people
from antiphon.store.enrollments import Counts, count_enrollments, list_enrollments
from antiphon.store.rules import count_members, create_rule, list_members
from antiphon.store.tables import enrollments, identities, memberships, messages, profiles


@pytest.fixture
def known(store):
    """Five users of two companies, two of them seen at the same moment, and one with odd signs."""
    with store.state.write() as conn:
        for number in range(5):
            row = {
                "kind": "user", "id": f"u{number}", "traits": {"name": f"N{number}"}, "search": f"u{number} n{number}",
                "company_id": f"c{number % 2}", "first_seen": 1, "last_seen": 10 + number // 2,
            }  # fmt: skip
            conn.execute(profiles.insert().values(row))
        row = {"kind": "user", "id": "odd", "traits": {}, "search": "100%_\\x", "first_seen": 1, "last_seen": 1}
        conn.execute(profiles.insert().values(row))
    return store


def test_pages_join_without_gap_or_overlap(known):
    """Whatever the size of a page, the pages together are the list."""
    with known.state.read() as conn:
        whole = [p.id for p in people.list_profiles(conn, "user", limit=100).items]
        for size in (1, 2, 3, 6):
            found, cursor = [], None
            while True:
                page = people.list_profiles(conn, "user", limit=size, cursor=cursor)
                found += [p.id for p in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert found == whole == ["u4", "u3", "u2", "u1", "u0", "odd"]


@pytest.mark.parametrize("search", ["%", "_", "\\", "100%_\\X"])
def test_signs_in_a_search_are_signs(known, search):
    """LIKE's own signs are looked for as they stand."""
    with known.state.read() as conn:
        page = people.list_profiles(conn, "user", search=search, limit=10)
    assert ([p.id for p in page.items], page.total) == (["odd"], 1)


def test_filters_count_what_they_list(known):
    """Company and rule narrow list and total alike."""
    with known.state.write() as conn:
        for number, member in ((0, True), (1, True), (2, False)):
            row = {"rule_id": 7, "subject_kind": "user", "subject_id": f"u{number}", "episode": 1}
            conn.execute(memberships.insert().values(**row, member=member, since=5))
    with known.state.read() as conn:
        in_rule = people.list_profiles(conn, "user", rule_id=7, limit=10)
        in_both = people.list_profiles(conn, "user", rule_id=7, company_id="c0", limit=10)
        assert people.count_profiles(conn, "user", company_id="c1") == 2
    assert ({p.id for p in in_rule.items}, in_rule.total) == ({"u0", "u1"}, 2)
    assert ([p.id for p in in_both.items], in_both.total) == (["u0"], 1)


def test_an_id_leads_to_the_user_that_it_means_now(known):
    """A profile is itself, another id the user it was linked to, anything else nobody."""
    with known.state.write() as conn:
        conn.execute(identities.insert().values(kind="anonymous", id="a1", user_id="u1", linked_at=3))
        conn.execute(identities.insert().values(kind="user", id="old", user_id="u1", linked_at=2))
    with known.state.read() as conn:
        assert [people.resolve_user(conn, i) for i in ("u1", "a1", "old", "no")] == ["u1", "u1", "u1", None]
        assert [i.id for i in people.list_identities(conn, "u1")] == ["old", "a1"]
        assert set(people.get_profiles(conn, "user", ["u1", "no"])) == {"u1"}


def test_members_and_their_rules(known):
    """A rule lists who is in it, a subject the rules it is and was in."""
    with known.state.write() as conn:
        made = {"description": "", "subject_kind": "user", "text": "t", "tree": {}, "status": "active", "now": 1}
        ids = [create_rule(conn, name=name, **made).id for name in ("B", "A")]
        for rule_id, member in ((ids[0], True), (ids[1], False)):
            row = {"rule_id": rule_id, "subject_kind": "user", "subject_id": "u1", "episode": 3}
            conn.execute(memberships.insert().values(**row, member=member, since=5))
    with known.state.read() as conn:
        assert count_members(conn, ids) == {ids[0]: 1}
        assert [m.id for m in list_members(conn, ids[0], limit=5, cursor=None).items] == ["u1"]
        assert [(m.name, m.member) for m in people.list_memberships(conn, "user", "u1")] == [("B", True), ("A", False)]
        assert people.get_membership(conn, "user", "u1", ids[0]).episode == 3
        assert people.get_membership(conn, "user", "u2", ids[0]) is None


def test_enrollments_are_counted_and_listed(known):
    """By workflow and status, with the messages that were sent."""
    with known.state.write() as conn:
        for number, status in enumerate(("active", "active", "exited")):
            row = {
                "workflow_id": 1, "version": 1, "user_id": f"u{number}", "trigger_key": "k", "status": status,
                "visit": 1, "context": {}, "created_at": number,
            }  # fmt: skip
            conn.execute(enrollments.insert().values(row))
        row = {
            "idempotency_key": "k", "lane": "behavioural", "channel": "email", "user_id": "u1", "template_id": 1,
            "workflow_id": 1, "variables": {}, "status": "sent", "attempts": 1, "due_at": 1, "created_at": 1,
            "updated_at": 1,
        }  # fmt: skip
        conn.execute(messages.insert().values(row))
    with known.state.read() as conn:
        assert count_enrollments(conn, [1, 2]) == {1: Counts(active=2, exited=1, sent=1)}
        page = list_enrollments(conn, 1, status="active", limit=1, cursor=None)
        rest = list_enrollments(conn, 1, status="active", limit=1, cursor=page.next_cursor)
        assert [page.items[0].user_id, rest.items[0].user_id, rest.next_cursor] == ["u1", "u0", None]
        assert page.items[0].traits == {"name": "N1"}
        assert people.count_messages(conn, "u1") == 1


@pytest.mark.parametrize("cursor", ["x", "====", "bnVsbA", "WzFd" * 50, "WyJ4IiwxXQ", "ü"])
def test_a_cursor_that_we_did_not_give_is_refused(cursor):
    """Made-up cursors are the caller's mistake."""
    with pytest.raises(InvalidInput):
        paging.decode(cursor)


def test_a_cursor_comes_back_as_it_went():
    """What is encoded is decoded; no cursor is the first page."""
    place = paging.After(2**53, "ü/ %")
    assert paging.decode(paging.encode(place)) == place
    assert paging.decode("") is None
