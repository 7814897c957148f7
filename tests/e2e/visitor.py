"""Somebody in front of the page: finds things by what they say, and notices what a browser only tells developers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, Route, expect

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
# One document at a time (axe's legacy mode): a mail in its frame belongs to its author.
AXE_RUN = """async () => {
  const { violations } = await axe.run(document, { iframes: false, resultTypes: ['violations'] });
  return violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\\n` + nodes.slice(0, 5).map((node) => `    ${node.target}  ${node.html.slice(0, 160)}`).join('\\n'));
}"""
WIDE, NARROW = (1440, 900), (390, 844)
LOCAL_SCHEMES = {"about", "blob", "data"}


class Visitor:
    """A signed-in person; `page` is the tab they look at."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        """Watch every tab of `context`; `url` is where the product serves."""
        self.context = context
        self.url = url
        self.troubles: list[str] = []
        """Errors on the console, uncaught exceptions, answers of 400 and above, and requests that left the host."""
        self._expected: re.Pattern[str] | None = None
        context.on("page", self._watch)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failed)
        self.page = context.new_page()

    def begin(self) -> None:
        """Forget the troubles of whatever was before."""
        self.troubles.clear()
        self._expected = None

    def expect_troubles(self, pattern: str) -> None:
        """Take what matches `pattern` for no trouble until the next test: it is provoked on purpose."""
        self._expected = re.compile(pattern)

    def sign_in(self, link: str) -> None:
        """Open the one-time link."""
        self.page.goto(link)
        expect(self.page).to_have_url(self.url + "/")

    def open(self, path: str) -> None:
        """Load a screen by its address."""
        self.page.goto(self.url + path)
        self.settle()

    def go(self, screen: str) -> None:
        """Choose a screen in the navigation, without loading the page anew."""
        self.page.get_by_role("navigation", name="Screens").get_by_role("link", name=screen).click()
        self.settle()
        expect(self.page.get_by_role("heading", level=1, name=screen)).to_be_visible()

    def settle(self) -> None:
        """Wait until the screen shows its content."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        expect(self.page.get_by_text("Loading", exact=True).filter(visible=True)).to_have_count(0)
        expect(self.page.get_by_label("Rendering", exact=True)).to_have_count(0)

    def write_code(self, label: str, text: str) -> None:
        """Replace what a code editor holds. Pasted in one piece: typing would complete brackets and names."""
        editor = self.page.get_by_role("textbox", name=label, exact=True)
        editor.click()
        editor.press("ControlOrMeta+a")
        editor.press("Delete")
        self.page.keyboard.insert_text(text)

    def choose(self, label: str, option: str, within: Locator | None = None) -> None:
        """Choose in a list that opens."""
        (within or self.page).get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option).click()

    def clipboard(self) -> str:
        """What was copied last."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    @contextmanager
    def changed(self, addresses: re.Pattern[str], change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Meanwhile `change` is done to each thing that the API gives at `addresses`, alone or in a list of items."""

        def answer(route: Route) -> None:
            response = route.fetch()
            found = response.json()
            for item in found.get("items", [found]):
                change(item)
            route.fulfill(response=response, json=found)

        self.page.route(addresses, answer)
        try:
            yield
        finally:
            # The page goes on asking: a question on its way is answered by the product, or not at all if it leaves.
            self.page.unroute_all(behavior="ignoreErrors")

    def look(self, scheme: str, size: tuple[int, int]) -> None:
        """Change to light or dark, and to a window of another size."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")

    def axe(self) -> list[str]:
        """What axe has against the current page, by rule with the first elements."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        return list(self.page.evaluate(AXE_RUN))

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page, if somebody wants to look: ANTIPHON_SHOTS names the folder."""
        if folder := os.environ.get("ANTIPHON_SHOTS"):
            self.page.evaluate("scrollTo(0, 0)")
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, animations="disabled")

    def _watch(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        # a failed request is noted with its address by _on_response; the console's line names none
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self._note(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in LOCAL_SCHEMES and not request.url.startswith(self.url + "/"):
            self._note(f"left the host: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.status} {response.request.method} {response.url.removeprefix(self.url)}")

    def _on_failed(self, request: Request) -> None:
        failure = request.failure or ""
        if "ERR_ABORTED" not in failure:  # leaving a screen ends its live stream and what it still asked for
            self._note(f"failed: {request.url.removeprefix(self.url)} ({failure})")

    def _note(self, trouble: str) -> None:
        if self._expected is None or not self._expected.search(trouble):
            self.troubles.append(trouble)


def get_json(visitor: Visitor, path: str) -> Any:
    """What the API answers to the signed-in person."""
    answer = visitor.context.request.get(visitor.url + path)
    assert answer.ok, answer.text()
    return answer.json()
