"""The product, Chromium and a signed-in visitor for each test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from e2e.product import Product
from e2e.visitor import AXE, Visitor
from postgres_server import free_port

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000
"""How long something may take to appear on a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium from the machine; one for each file, because Playwright's event loop must not outlive it."""
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert executable, "Chromium is needed: apt-get install chromium"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def new_context(chromium: Browser) -> Callable[[], BrowserContext]:
    """Gives browser profiles that know nothing yet."""

    def new() -> BrowserContext:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(PATIENCE_MS)
        return context

    return new


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product on an empty folder; one for each file, whose tests follow one another on it."""
    running = Product(tmp_path_factory.mktemp("product") / "data", free_port())
    yield running
    running.stop()


@pytest.fixture(scope="module")
def visitor(product: Product, new_context: Callable[[], BrowserContext]) -> Iterator[Visitor]:
    """Somebody who has just opened the one-time link."""
    context = new_context()
    somebody = Visitor(context, product.url)
    somebody.sign_in(product.sign_in_link)
    yield somebody
    context.close()


@pytest.fixture(autouse=True)
def _no_troubles(visitor: Visitor) -> Iterator[None]:
    """No test may leave an error on the console, a failed request, or one to another host."""
    visitor.begin()
    yield
    assert visitor.troubles == []


@pytest.fixture(scope="session")
def axe() -> None:
    """Installs axe with the page's development packages, where they are missing."""
    if not AXE.exists():
        npm = shutil.which("npm")
        assert npm, "Node 20 is needed"
        ui = AXE.parents[2]
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=ui, check=True, capture_output=True)
