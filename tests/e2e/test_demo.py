"""The demo, started from the empty Overview: its first mail, and every page while it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.looks import check_looks
from e2e.visitor import Visitor, get_json

FIRST_MAIL_MS = 60_000
"""What is promised on the button."""


@pytest.fixture(scope="module")
def demo(visitor: Visitor) -> Iterator[None]:
    """The demo runs, started by its button, and its first mail lies in the Inbox."""
    page = visitor.page
    visitor.open("/")
    page.get_by_role("button", name="Start demo traffic").click()
    expect(page.get_by_text("Demo traffic started")).to_be_visible()
    expect(page.get_by_text("Your first event arrived")).to_be_visible()
    visitor.go("Inbox")
    mails = page.get_by_role("navigation", name="Mails").get_by_role("link")
    expect(mails.first).to_be_visible(timeout=FIRST_MAIL_MS)
    yield
    visitor.open("/")
    page.get_by_role("button", name="Stop demo traffic").click()
    expect(page.get_by_text("Demo traffic stopped.")).to_be_visible()


@pytest.fixture(scope="module")
def paths(visitor: Visitor, demo: None) -> dict[str, str]:
    """The pages by what their pictures are called, with somebody on them about whom there is something to say."""
    del demo
    message = next(found for found in get_json(visitor, "/api/messages")["items"] if found["status"] == "sent")
    user = f"/users/{message['user_id']}"
    company = f"/companies/{get_json(visitor, '/api/companies?limit=1')['items'][0]['id']}"
    rule = f"/rules/{message['rule_id']}"
    workflow = f"/workflows/{message['workflow_id']}"
    return {
        "overview": "/",
        "events": "/events",
        "users": "/users",
        "user": user,
        "user-messages": f"{user}?tab=messages",
        "user-why": f"{user}?tab=why&rule={message['rule_id']}",
        "companies": "/companies",
        "company": company,
        "company-people": f"{company}?tab=people",
        "rules": "/rules",
        "rule": rule,
        "rule-members": f"{rule}?tab=members",
        "workflows": "/workflows",
        "workflow": workflow,
        "workflow-people": f"{workflow}?tab=people",
        "emails": "/emails",
        "email": f"/emails/{message['template_id']}",
        "inbox": "/inbox",
        "messages": "/messages",
        "message": f"/messages/{message['id']}",
        "keys": "/settings?tab=keys",
    }


PAGES = [
    "overview",
    "events",
    "users",
    "user",
    "user-messages",
    "user-why",
    "companies",
    "company",
    "company-people",
    "rules",
    "rule",
    "rule-members",
    "workflows",
    "workflow",
    "workflow-people",
    "emails",
    "email",
    "inbox",
    "messages",
    "message",
    "keys",
]


@pytest.mark.usefixtures("demo")
def test_demo_sends_a_first_mail(visitor: Visitor) -> None:
    """One click on the empty Overview, and within a minute a mail of a rule can be read, and why it was sent."""
    page = visitor.page
    page.get_by_role("navigation", name="Mails").get_by_role("link").first.click()
    mail = page.get_by_role("region", name="Mail", exact=True)
    expect(mail.locator("iframe").content_frame.get_by_role("link", name="Unsubscribe")).to_be_visible()
    mail.get_by_role("link", name="Why was it sent?").click()
    expect(page.get_by_text("A rule became true")).to_be_visible()
    page.get_by_role("link", name="why?").click()
    expect(page.get_by_text("In this rule", exact=True)).to_be_visible()


@pytest.mark.usefixtures("axe")
@pytest.mark.parametrize("name", PAGES)
def test_full_page(visitor: Visitor, paths: dict[str, str], name: str) -> None:
    """It is accessible in light and dark, wide and narrow, and asks nobody else for anything."""
    check_looks(visitor, paths[name], f"full-{name}", hold_still if name == "events" else None)


def hold_still(page: Page) -> None:
    """Pause the live events: what moves is slow to look at."""
    page.get_by_role("button", name="Pause").click()
