"""Without a mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.visitor import NARROW, Visitor


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """The Overview, with nothing focused."""
    visitor.open("/")
    return visitor.page


def test_tab_leads_past_the_navigation_or_into_it(page: Page) -> None:
    """The first stop skips to the content; without it Tab goes through header and navigation in reading order."""
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    stops = tab_stops(page, 8)
    assert stops[:3] == ["Antiphon, overview", "SANDBOX", "Search and go"]
    assert stops[-3:] == ["Overview", "Live events", "Users"]
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/users$"))
    expect(page.get_by_role("main")).to_be_focused()

    skip.focus()
    page.keyboard.press("Enter")
    inside = tab_stops(page, 1)
    assert inside == ["Search users"] or page.evaluate("document.activeElement.closest('main') !== null"), inside


def test_palette_finds_and_goes(page: Page) -> None:
    """Ctrl+K opens it, typing narrows it, Enter goes, Escape closes it and gives the focus back."""
    page.get_by_role("button", name="Account").focus()
    page.keyboard.press("Control+k")
    field = page.get_by_role("textbox", name="Search and go")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(page.get_by_role("button", name="Account")).to_be_focused()

    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("workf")
    expect(page.get_by_role("button", name="New workflow")).to_be_visible()
    expect(page.get_by_role("button", name="Companies")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/workflows$"))
    expect(field).to_be_hidden()


def test_dialog_keeps_the_focus_and_gives_it_back(visitor: Visitor, page: Page) -> None:
    """Tab stays inside; Escape closes; the button that opened it has the focus again."""
    visitor.open("/settings?tab=keys")
    opener = page.get_by_role("button", name="New key")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New key")
    expect(dialog.get_by_label("Name")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert has_focus_inside(dialog)
    page.keyboard.press("Shift+Tab")
    assert has_focus_inside(dialog)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_key_is_not_lost_to_escape(visitor: Visitor, page: Page) -> None:
    """A secret that is shown once stays until somebody says that they have it; all of it by keyboard."""
    visitor.open("/settings?tab=keys")
    page.get_by_role("button", name="New key").press("Enter")
    page.get_by_role("dialog").get_by_label("Name").press_sequentially("By keyboard")
    page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name="Copy the key now")
    expect(shown).to_be_visible()
    page.keyboard.press("Escape")
    expect(shown).to_be_visible()
    shown.get_by_role("button", name="I have copied it").press("Enter")
    expect(shown).to_be_hidden()


def test_code_editor_is_no_trap(visitor: Visitor, page: Page) -> None:
    """Tab leaves the editor of a rule instead of indenting."""
    visitor.open("/rules/new")
    editor = page.get_by_role("textbox", name="Rule", exact=True)
    editor.focus()
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()


def test_unsaved_work_is_asked_about(visitor: Visitor, page: Page) -> None:
    """Leaving a half-written rule by the navigation asks first; staying keeps what was written."""
    visitor.open("/rules/new")
    page.get_by_label("Name").fill("Half a thought")
    page.get_by_role("link", name="Users", exact=True).press("Enter")
    question = page.get_by_role("dialog")
    expect(question).to_be_visible()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(page.get_by_label("Name")).to_have_value("Half a thought")


def test_narrow_navigation_opens_and_closes(visitor: Visitor, page: Page) -> None:
    """On a telephone the navigation hides behind a button, and closes after a choice."""
    visitor.look("light", NARROW)
    page.get_by_role("button", name="Open navigation").press("Enter")
    page.get_by_role("link", name="Rules", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1, name="Rules")).to_be_visible()
    expect(page.get_by_role("button", name="Open navigation")).to_be_visible()


def tab_stops(page: Page, times: int) -> list[str]:
    """What each of the next presses of Tab leads to, by its label or text."""
    names: list[str] = []
    for _ in range(times):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText).trim()"
            )
        )
    return names


def has_focus_inside(dialog: Locator) -> bool:
    """Whether the focus is somewhere in the dialog."""
    return bool(dialog.evaluate("(dialog) => dialog.contains(document.activeElement)"))
