"""Every page of an installation where nothing has happened yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.looks import check_looks
from e2e.visitor import Visitor

PAGES = {
    "overview": "/",
    "events": "/events",
    "users": "/users",
    "companies": "/companies",
    "rules": "/rules",
    "rule-new": "/rules/new",
    "computed-traits": "/computed-traits",
    "computed-trait-new": "/computed-traits/new",
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


def press(name: str) -> Callable[[Page], None]:
    """Presses a button."""
    return lambda page: page.get_by_role("button", name=name).click()


def leave_unsaved(page: Page) -> None:
    """Write something and go elsewhere."""
    page.get_by_label("Name").fill("Half a thought")
    page.get_by_role("link", name="Users", exact=True).click()


OPENED: dict[str, tuple[str, Callable[[Page], None], Any]] = {
    "palette": ("/", press("Search and go"), "textbox"),
    "account-menu": ("/", press("Account"), "menu"),
    "new-key": ("/settings?tab=keys", press("New key"), "dialog"),
    "revoke-key": ("/settings?tab=keys", press("Revoke First write key"), "dialog"),
    "unsaved": ("/rules/new", leave_unsaved, "dialog"),
    "send-test": ("/emails/new", press("Send test"), "dialog"),
    "insert-menu": ("/emails/new", press("Insert"), "menu"),
    "add-step": ("/workflows/new", press("Add a step before step 1"), "menu"),
}


@pytest.mark.usefixtures("axe")
@pytest.mark.parametrize("name", OPENED)
def test_what_opens_over_a_page(visitor: Visitor, name: str) -> None:
    """Dialogs, menus and the palette, by the same measure as the pages."""
    path, opener, role = OPENED[name]

    def opened(page: Page) -> None:
        opener(page)
        expect(page.get_by_role(role).first).to_be_visible()

    check_looks(visitor, path, f"open-{name}", opened)


@pytest.mark.usefixtures("axe")
@pytest.mark.parametrize("path", ["/signin", "/signin?token=used-before", "/unsubscribe/broken"])
def test_page_without_a_session(visitor: Visitor, path: str) -> None:
    """The pages that the server makes, as somebody sees them who is not signed in."""
    kept = visitor.context.cookies()
    visitor.context.clear_cookies()
    visitor.expect_troubles(r"40[14] GET /(signin|unsubscribe)")
    check_looks(visitor, path, "public-" + path.strip("/").replace("/", "-").replace("?", "-"))
    visitor.context.add_cookies(kept)
