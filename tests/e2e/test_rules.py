"""A rule's way: from an example into force, out of it, into the archive and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.events import failed_calls, person, send
from e2e.looks import check_looks
from e2e.product import Product
from e2e.visitor import Visitor

RULE = re.compile(r"/api/rules(/\d+)?(\?.*)?$")


@pytest.fixture(scope="module")
def stuck(product: Product, visitor: Visitor) -> str:
    """The address of a rule that Ada is in: from an example to in force, without a mouse."""
    page = visitor.page
    send(product.url, product.write_key, person("ada", "Ada Lovelace"), *failed_calls("ada", 5))
    visitor.open("/rules/new")
    page.get_by_role("link", name="Start from the example: Stuck on client errors").press("Enter")
    expect(page.get_by_role("region", name="Matching now")).to_contain_text("1of 1 users", timeout=20_000)
    page.get_by_role("button", name="Switch on…").press("Enter")
    asked = page.get_by_role("dialog", name="Switch this rule on?")
    expect(asked.get_by_role("button", name="Switch on for 1 user")).to_be_focused()
    asked.get_by_role("radio", name="Count them").press("ArrowDown")
    expect(asked.get_by_role("button", name="Switch on and message 1 user")).to_be_enabled()
    asked.get_by_role("radio", name="Message them too").press("ArrowUp")
    asked.get_by_role("button", name="Switch on for 1 user").press("Enter")
    expect(page.get_by_role("tab", name="Members · 1")).to_be_visible()
    return page.url.removeprefix(product.url)


def press(name: str) -> Callable[[Page], None]:
    """Presses a button."""
    return lambda page: page.get_by_role("button", name=name).press("Enter")


@pytest.mark.usefixtures("axe")
def test_what_opens_over_a_rule(visitor: Visitor, stuck: str) -> None:
    """The menu and the dialog of a change are accessible in light and dark; a rule in force is not deleted."""

    def menu(page: Page) -> None:
        press("More actions")(page)
        expect(page.get_by_role("menuitem", name="Delete")).to_be_disabled()

    def change(page: Page) -> None:
        rule = page.get_by_role("textbox", name="Rule", exact=True)
        rule.press("End")
        rule.press_sequentially("0")
        expect(page.get_by_role("button", name="Save changes")).to_be_enabled()
        press("Save changes")(page)
        expect(page.get_by_role("dialog").get_by_role("button", name="Apply")).to_be_enabled()

    check_looks(visitor, stuck, "rule-menu", menu)
    check_looks(visitor, stuck, "rule-change", change)


@pytest.mark.usefixtures("axe")
def test_new_editors_offer_examples_and_say_what_is_missing(visitor: Visitor) -> None:
    """Under an empty text there is something to start from; beside a button that waits, what it waits for."""
    page = visitor.page
    visitor.open("/rules/new")
    expect(page.get_by_role("link", name="Start from the example: Gone silent")).to_be_visible()
    visitor.write_code("Rule", "count of api_call ever >= 1")
    expect(page.get_by_text("It still needs a name.")).to_be_visible()
    expect(page.get_by_role("link", name="Start from the example: Gone silent")).to_have_count(0)
    page.get_by_label("Name").fill("Has called")
    expect(page.get_by_text("It still needs")).to_have_count(0)


@pytest.mark.usefixtures("axe")
def test_a_rule_on_its_way_shows_how_far_it_is(visitor: Visitor, stuck: str) -> None:
    """A bar, what is going on, and the way to call it off, above the editor; a badge in the list."""
    page = visitor.page

    def on_its_way(rule: dict[str, Any]) -> None:
        filling = {"phase": "counting", "done": 38, "total": 100, "error": None, "retry_at": None}
        rule |= {"filled": False, "filling": filling}

    def ask(page: Page) -> None:
        expect(page.get_by_text("Not in force yet: counting the past, 38%")).to_be_visible()
        press("Cancel…")(page)
        expect(page.get_by_role("dialog", name="Switch this rule off?")).to_be_visible()

    with visitor.changed(RULE, on_its_way):
        check_looks(visitor, stuck, "rule-filling")
        check_looks(visitor, stuck, "rule-filling-cancel", ask)
        check_looks(visitor, "/rules", "rules-filling")
        expect(page.get_by_text("counting the past 38%")).to_be_visible()


def test_an_archived_rule_is_found_again(visitor: Visitor, stuck: str) -> None:
    """Switched off and archived it leaves the list; with the archived ones shown it can be opened and made a draft."""
    page = visitor.page
    visitor.open(stuck)
    press("More actions")(page)
    page.get_by_role("menuitem", name="Switch off").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Switch off").press("Enter")
    expect(page.get_by_text("is switched off.")).to_be_visible()
    press("More actions")(page)
    page.get_by_role("menuitem", name="Archive").press("Enter")
    expect(page.get_by_text("is archived.")).to_be_visible()

    visitor.open("/rules")
    expect(page.get_by_text("Every rule is archived.")).to_be_visible()
    page.get_by_role("checkbox", name="Archived too").press("Space")
    page.get_by_role("link", name="Stuck on client errors").press("Enter")
    press("More actions")(page)
    page.get_by_role("menuitem", name="Back to the drafts").press("Enter")
    expect(page.get_by_role("button", name="Save draft")).to_be_visible()
