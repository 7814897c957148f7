"""Every page of an installation where nothing has happened yet."""

from __future__ import annotations

import pytest

from e2e.looks import check_looks
from e2e.visitor import Visitor

PAGES = {
    "overview": "/",
    "events": "/events",
    "users": "/users",
    "companies": "/companies",
    "rules": "/rules",
    "rule-new": "/rules/new",
    "workflows": "/workflows",
    "workflow-new": "/workflows/new",
    "emails": "/emails",
    "email-new": "/emails/new",
    "inbox": "/inbox",
    "messages": "/messages",
    "settings": "/settings",
    "keys": "/settings?tab=keys",
    "account": "/settings?tab=account",
    "not-found": "/no/such/page",
}


@pytest.mark.usefixtures("axe")
@pytest.mark.parametrize("name", PAGES)
def test_empty_page(visitor: Visitor, name: str) -> None:
    """It is accessible in light and dark, wide and narrow, and asks nobody else for anything."""
    check_looks(visitor, PAGES[name], f"empty-{name}")


@pytest.mark.usefixtures("axe")
@pytest.mark.parametrize("path", ["/signin", "/signin?token=used-before", "/unsubscribe/broken"])
def test_page_without_a_session(visitor: Visitor, path: str) -> None:
    """The pages that the server makes, as somebody sees them who is not signed in."""
    kept = visitor.context.cookies()
    visitor.context.clear_cookies()
    visitor.expect_troubles(r"40[14] GET /(signin|unsubscribe)")
    check_looks(visitor, path, "public-" + path.strip("/").replace("/", "-").replace("?", "-"))
    visitor.context.add_cookies(kept)
