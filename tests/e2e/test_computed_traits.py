"""A computed trait, from an example to a profile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.events import failed_calls, person, send
from e2e.looks import check_looks
from e2e.product import Product
from e2e.visitor import Visitor

TRAIT = re.compile(r"/api/computed-traits(/\d+)?(\?.*)?$")


@pytest.mark.usefixtures("axe")
def test_a_computed_trait_from_an_example_to_a_profile(product: Product, visitor: Visitor) -> None:
    """Its values show before it is saved, a wrong word is pointed at, and a moment after saving it is on the profile."""
    page = visitor.page
    send(product.url, product.write_key, person("ada", "Ada Lovelace"), *failed_calls("ada", 3, status=200))
    visitor.open("/computed-traits")
    page.get_by_role("link", name="Start from the example: Used event count").click()
    values = page.get_by_role("region", name="Values now")
    expect(values.get_by_text("have one")).to_be_visible(timeout=20_000)
    expect(values.get_by_text("Ada Lovelace")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("For each user: the number of api_call")).to_be_visible()

    formula = page.get_by_role("textbox", name="Formula")
    visitor.expect_troubles(r"400 POST /api/computed-traits/parse")
    formula.press("End")
    formula.press_sequentially(" plus 1")
    expect(page.get_by_text("cannot stand after")).to_be_visible()
    for _ in range(len(" plus 1")):
        formula.press("Backspace")

    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_enabled(timeout=20_000)
    save.press("Enter")
    expect(page).to_have_url(re.compile(r"/computed-traits/\d+$"))
    editor = page.url.removeprefix(product.url)
    visitor.open("/users/ada")
    expect(page.get_by_role("link", name="computed", exact=True)).to_be_visible(timeout=20_000)
    expect(page.get_by_role("cell", name="used_event_count")).to_be_visible()
    check_looks(visitor, editor, "computed-trait")
    check_looks(visitor, "/computed-traits", "computed-traits")
    check_looks(visitor, "/users/ada", "user-with-computed-trait")

    why = "The events of the past cannot be read: a file is gone."

    def cannot_read(trait: dict[str, Any]) -> None:
        trait |= {"filled": False, "error": why, "retry_at": None}

    with visitor.changed(TRAIT, cannot_read):
        check_looks(visitor, editor, "computed-trait-stuck")
        check_looks(visitor, "/computed-traits", "computed-traits-stuck")
        page.get_by_text("cannot read the past").hover()
        expect(page.get_by_text(f"{why} All other traits go on.")).to_be_visible()
