"""The demo's rules, emails and workflows: complete as files, and set up once."""

import json

import pytest

from antiphon.cli import demo_content
from antiphon.errors import ConfigError
from antiphon.rules.text import parse
from antiphon.templates.compiled import EmailCache
from antiphon.templates.content import Rendered, RenderRequest, TemplateContent

SETS = demo_content.read_sets(demo_content.shipped("gallery") / "demo")
NAMES = [one.name for one in SETS]
USER = {
    "id": "cus_1",
    "first_name": "Ada",
    "company": "Cedar & Sons",
    "role": "Engineering",
    "plan": "starter",
    "daily_quota": 60,
    "email": "ada@cedar.example.com",
}


def test_the_sets():
    """The stories that the demo tells."""
    assert NAMES == ["first-call", "gone-quiet", "near-quota", "stuck-on-400s"]


@pytest.mark.parametrize("one", SETS, ids=NAMES)
def test_a_set_hangs_together(one):
    """The workflow names the rule and the template of its own set."""
    definition = one.workflow["definition"]
    assert definition["trigger"]["rule"] == one.rule["name"]
    assert [step["template"] for step in definition["steps"]] == [one.template["name"]]


@pytest.mark.parametrize("one", SETS, ids=NAMES)
def test_the_rules_text_parses(one):
    """Each rule is text of the rules' own language."""
    parse(one.rule["text"], one.rule["subject_kind"])


@pytest.mark.parametrize("user", [USER, {"id": "cus_2", "email": "x@y.example.com"}], ids=["known", "hardly known"])
@pytest.mark.parametrize("one", SETS, ids=NAMES)
def test_the_email_renders(one, user):
    """MJML without a warning for a user with all traits, and readable for one with hardly any; no images from afar."""
    content = TemplateContent(**one.template["content"])
    link = "https://mail.example.com/unsubscribe/x"
    context = {"user": user, "company": {}, "workspace": {"name": "Waybill"}, "unsubscribe_url": link}
    rendered = EmailCache().render(RenderRequest(content=content, context=context, now=1_800_000_000_000))
    assert isinstance(rendered, Rendered), rendered
    assert user is not USER or rendered.warnings == []
    assert "{{" not in rendered.subject + rendered.html + rendered.text
    assert "<img" not in rendered.html
    assert link in rendered.html
    assert link in rendered.text


def test_a_first_run_makes_and_switches_on_everything(api):
    """Rules active, templates and workflows published, with numbers in place of names."""
    demo_content.set_up(api, SETS, lambda _: None)
    assert [rule["status"] for rule in api.things["rules"]] == ["active"] * 4
    assert [template["published_version"] for template in api.things["templates"]] == [1] * 4
    assert [workflow["status"] for workflow in api.things["workflows"]] == ["active"] * 4
    for number, workflow in enumerate(api.things["workflows"], 1):
        definition = workflow["definition"]
        assert definition["trigger"] == {"kind": "enters", "rule_id": number}
        assert definition["steps"] == [
            {"id": "send", "kind": "send", "channel": "email", "variables": {}, "template_id": number}
        ]
    assert "<mjml>" in api.things["templates"][0]["content"]["body"]


def test_a_second_run_changes_nothing(api):
    """What is there by name is kept as people left it; what they paused is resumed."""
    demo_content.set_up(api, SETS, lambda _: None)
    api.things["rules"][0]["text"] = "count of x ever >= 1"
    api.things["workflows"][1]["status"] = "paused"
    api.calls.clear()
    said = []
    demo_content.set_up(api, SETS, said.append)
    assert [path for path, _ in api.calls] == ["/api/workflows/2/resume"]
    assert api.things["rules"][0]["text"] == "count of x ever >= 1"
    assert all("kept" in line for line in said)


def test_a_key_a_run(api):
    """Each run has a key of its own; what a killed run left is revoked."""
    api.things["keys"].append({"id": 1, "name": "mine"})
    api.post("/api/keys", {"name": demo_content.KEY_NAME, "kind": "write"})
    _, secret = demo_content.new_write_key(api)
    assert secret == "awk_secret"
    assert [key["name"] for key in api.things["keys"]] == ["mine", demo_content.KEY_NAME]


def test_broken_files_are_named(tmp_path):
    """An empty folder and a broken file say what is wrong where."""
    with pytest.raises(ConfigError, match="holds no sets"):
        demo_content.read_sets(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "rule.json").write_text(json.dumps({"name": "x"}))
    (tmp_path / "a" / "template.json").write_text("{")
    with pytest.raises(ConfigError, match=r"template\.json"):
        demo_content.read_sets(tmp_path)


def test_a_missing_folder_is_explained():
    """An installation without the folder says so."""
    with pytest.raises(ConfigError, match="nothing_like_it is missing"):
        demo_content.shipped("nothing_like_it")
