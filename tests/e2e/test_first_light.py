"""The first hour with Antiphon, as a person sees it: from an empty page to a mail, and to no more mail."""

from __future__ import annotations

import re
import subprocess

from playwright.sync_api import Locator, Page, expect

from e2e.events import failed_calls, happening, person, send
from e2e.product import Product
from e2e.visitor import Visitor

RULE = "count of api_call where status = 400 in the last 24 hours >= 5"
MJML = """<mjml><mj-body>
  <mj-section><mj-column>
    <mj-text>Hello {{ user.name }}, your calls to {{ event.route | default: "the API" }} are refused.</mj-text>
    <mj-text><a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
  </mj-column></mj-section>
</mj-body></mjml>"""


def test_from_an_empty_page_to_a_mail_and_to_no_more_mail(product: Product, visitor: Visitor) -> None:
    """Sign in, first event, rule, email, workflow, the mail on the fifth error, unsubscribe: all by hand, all live."""
    page = visitor.page
    expect(page.get_by_role("heading", name="Waiting for your first event")).to_be_visible()

    key = make_write_key(visitor)
    visitor.go("Overview")
    send_the_first_event_with_curl(visitor, key)

    grace_was_stuck = [person("grace", "Grace Hopper"), *failed_calls("grace", 6)]
    send(product.url, key, *grace_was_stuck, person("ada", "Ada Lovelace"), *failed_calls("ada", 4))

    write_a_rule(visitor)
    make_an_email(visitor, "Calls refused", "{{ user.name }}, can we help?", seen_by="ada@example.com")
    make_a_workflow(visitor, "Help with refused calls", "Calls refused", rule="Five refused calls")

    visitor.go("Inbox")
    expect(page.get_by_role("heading", name="No mail yet")).to_be_visible()
    send(product.url, key, *failed_calls("ada", 1))
    mail = the_only_mail(page, "Ada Lovelace, can we help?")
    expect(mail.content_frame.get_by_text("Hello Ada Lovelace, your calls to")).to_be_visible()
    visitor.shoot("walk-inbox")

    unsubscribe(page, mail)

    make_a_workflow(visitor, "Export failed", "Calls refused", event="export_failed")
    send(product.url, key, happening("ada", "export_failed", pages=12))
    see_why_nothing_was_sent(visitor)
    visitor.go("Inbox")
    the_only_mail(page, "Ada Lovelace, can we help?")


def make_write_key(visitor: Visitor) -> str:
    """A key from the settings; its secret is shown once, and copied."""
    page = visitor.page
    page.get_by_role("link", name="Create a write key").click()
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    dialog.get_by_label("Name").fill("First light")
    dialog.get_by_role("button", name="Create the key").click()
    dialog = page.get_by_role("dialog", name="Copy the key now")
    dialog.get_by_role("button", name="Copy the key").click()
    key = visitor.clipboard()
    assert key.startswith("awk_")
    dialog.get_by_role("button", name="I have copied it").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("row", name=re.compile("First light"))).to_be_visible()
    return key


def send_the_first_event_with_curl(visitor: Visitor, key: str) -> None:
    """The snippet, copied and run in a shell; the page that waits for it notices by itself."""
    page = visitor.page
    page.get_by_role("button", name="Copy curl example").click()
    snippet = visitor.clipboard()
    assert visitor.url in snippet
    command = snippet.replace("YOUR_WRITE_KEY", key).replace("curl ", "curl --silent --show-error --fail ", 1)
    subprocess.run(["bash", "-c", command], check=True, capture_output=True, timeout=60)
    expect(page.get_by_text("Your first event arrived")).to_be_visible()
    page.get_by_role("link", name="See it in the live events").click()
    row = page.get_by_role("button", name=re.compile("hello_world"))
    expect(row).to_have_count(1)
    row.click()
    expect(page.get_by_text('"from": "curl"')).to_be_visible()


def write_a_rule(visitor: Visitor) -> None:
    """First with a slip, which is underlined and explained; then right, with a count of who matches; then in force."""
    page = visitor.page
    visitor.go("Rules")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Name").fill("Five refused calls")
    visitor.expect_troubles("400 POST /api/rules/parse")  # the slip
    visitor.write_code("Rule", RULE.replace("in the last", "in teh last"))
    expect(page.get_by_role("alert").filter(has_text="'teh' cannot stand after")).to_be_visible()
    expect(page.locator(".cm-lintRange-error")).to_have_text(re.compile("teh"))
    expect(page.get_by_role("textbox", name="Rule", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Switch on…")).to_be_disabled()
    visitor.shoot("walk-rule-with-a-slip")

    visitor.write_code("Rule", RULE)
    matching = page.get_by_role("region", name="Matching now")
    expect(matching).to_contain_text("1of 3 users")
    expect(matching.get_by_role("link", name="Grace Hopper")).to_be_visible()
    visitor.shoot("walk-rule")

    page.get_by_role("button", name="Switch on…").click()
    page.get_by_role("button", name="Switch on for 1 user").click()
    expect(page.get_by_role("tab", name="Members · 1")).to_be_visible()  # Grace, who gets no mail for what is past


def make_an_email(visitor: Visitor, name: str, subject: str, seen_by: str) -> None:
    """In code, previewed as a real user, and published."""
    page = visitor.page
    visitor.go("Emails")
    page.get_by_role("link", name="New email").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Subject").fill(subject)
    visitor.write_code("Body", MJML)
    page.get_by_role("combobox", name="Seen by").fill(seen_by)
    page.get_by_role("option", name=seen_by).click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview.get_by_text("Ada Lovelace, can we help?")).to_be_visible()
    frame = preview.locator("iframe")
    frame.scroll_into_view_if_needed()  # Chromium does not lay out a foreign frame that is out of sight
    seen = frame.content_frame
    expect(seen.get_by_text("Hello Ada Lovelace, your calls to the API are refused.")).to_be_visible()
    visitor.shoot("walk-email")
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_text(f"“{name}” is published.")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def make_a_workflow(visitor: Visitor, name: str, email: str, *, rule: str = "", event: str = "") -> None:
    """Who enters the rule, or does the event, gets the email, every time; published."""
    page = visitor.page
    visitor.go("Workflows")
    page.get_by_role("link", name="New workflow").first.click()
    page.get_by_label("Name").fill(name)
    if rule:
        visitor.choose("Rule", rule)
    else:
        page.get_by_text("Does something").click()
        page.get_by_label("Event", exact=True).fill(event)
    visitor.choose("Email", email)
    visitor.shoot(f"walk-workflow-{'rule' if rule else 'event'}")
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_text(f"“{name}” is published.")).to_be_visible()


def the_only_mail(page: Page, subject: str) -> Locator:
    """The frame of the one mail in the inbox."""
    mails = page.get_by_role("navigation", name="Mails").get_by_role("link")
    expect(mails).to_have_count(1)
    expect(mails).to_contain_text("ada@example.com")
    expect(page.get_by_role("heading", level=2, name=subject)).to_be_visible()
    return page.locator(f'iframe[title="Mail: {subject}"]')


def unsubscribe(page: Page, mail: Locator) -> None:
    """The link in the mail opens a page of its own, which asks first."""
    with page.expect_popup() as popup:
        mail.content_frame.get_by_role("link", name="Unsubscribe").click()
    asking = popup.value
    expect(asking.get_by_text("ada@example.com will get no more")).to_be_visible()
    asking.get_by_role("button", name="Unsubscribe").click()
    expect(asking.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    asking.close()


def see_why_nothing_was_sent(visitor: Visitor) -> None:
    """The second message is there, held back, and says why."""
    page = visitor.page
    visitor.go("Messages")
    held_back = page.get_by_role("row").filter(has_text="Export failed")
    expect(held_back).to_contain_text("suppressed")
    expect(held_back).to_contain_text("unsubscribed")
    visitor.shoot("walk-messages")
    held_back.get_by_role("link").first.click()
    expect(page.get_by_role("alert").filter(has_text="They have unsubscribed")).to_be_visible()
    expect(page.get_by_role("link", name="Open the mail")).to_have_count(0)
    visitor.shoot("walk-message-held-back")
