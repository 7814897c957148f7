"""A page in light and dark, wide and narrow: axe has nothing against it, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from e2e.visitor import NARROW, WIDE, Visitor

LOOKS = [("light", WIDE), ("dark", WIDE), ("dark", NARROW), ("light", NARROW)]


def check_looks(visitor: Visitor, path: str, name: str, before: Callable[[Page], None] | None = None) -> None:
    """Open `path`, do what is to be done there `before`, and look at it each way.

    `name` is what its pictures are called. Raises AssertionError.
    """
    visitor.look(*LOOKS[0])
    visitor.open(path)
    if before is not None:
        before(visitor.page)
    found: list[str] = []
    for scheme, size in LOOKS:
        visitor.look(scheme, size)
        visitor.settle()
        found += [f"{scheme} {size[0]}: {violation}" for violation in visitor.axe()]
        too_wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if too_wide > 0:
            found.append(f"{scheme} {size[0]}: the page is {too_wide} px wider than the window")
        visitor.shoot(f"{name}-{scheme}-{size[0]}")
    assert not found, "\n".join([path, *found])
