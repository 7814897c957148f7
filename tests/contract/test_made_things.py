"""Rules, templates, workflows, settings, accounts and tokens, on both databases."""

from __future__ import annotations

import msgspec
import pytest

from antiphon.errors import Conflict, NotFound
from antiphon.model.template import TemplateContent
from antiphon.model.workflow import EntersTrigger, SendStep, WorkflowDefinition
from antiphon.store import accounts, rules, settings, templates, tokens, uses, workflows
from antiphon.store.suppressions import is_suppressed, suppress
from antiphon.store.tables import tokens as tokens_table

RULE = {"description": "", "subject_kind": "user", "text": "t", "status": "draft", "now": 1}
CONTENT = TemplateContent(subject="s", body="b")


def test_a_rules_version_follows_its_meaning(store):
    """Key order is no meaning; 1, true, 1.0 and "1" are four of them."""
    with store.state.write() as conn:
        rule = rules.create_rule(conn, name="r", tree={"a": 1, "b": 2}, **RULE)
        versions = []
        for tree in ({"b": 2, "a": 1}, {"a": True, "b": 2}, {"a": 1, "b": 2}, {"a": 1.0, "b": 2}, {"a": "1", "b": 2}):
            change = {"name": "r", "description": "", "text": "t", "tree": tree, "now": 2}
            rule = rules.save_rule(conn, rule.id, revision=rule.revision, **change)
            versions.append(rule.version)
        assert versions == [1, 2, 3, 4, 5]
        assert rule.revision == 6


def test_a_taken_name_leaves_the_transaction_usable(store):
    """Conflict is an answer: what else the transaction did is kept."""
    with store.state.write() as conn:
        rules.create_rule(conn, name="a", tree={}, **RULE)
        other = rules.create_rule(conn, name="b", tree={}, **RULE)
        with pytest.raises(Conflict):
            rules.create_rule(conn, name="a", tree={}, **RULE)
        with pytest.raises(Conflict):
            rules.save_rule(conn, other.id, revision=1, name="a", description="", text="t", tree={}, now=1)
        templates.create_template(conn, name="a", channel="email", topic="", content=CONTENT, now=1)
        with pytest.raises(Conflict):
            templates.create_template(conn, name="a", channel="email", topic="", content=CONTENT, now=1)
        workflows.create_workflow(conn, name="a", definition=WorkflowDefinition(), now=1)
        with pytest.raises(Conflict):
            workflows.create_workflow(conn, name="a", definition=WorkflowDefinition(), now=1)
        accounts.create_account(conn, email="A@x.test", name="", role="owner", now=1)
        with pytest.raises(Conflict):
            accounts.create_account(conn, email="a@X.test", name="", role="owner", now=1)
    with store.state.read() as conn:
        assert [rule.name for rule in rules.list_rules(conn)] == ["a", "b"]
        assert templates.find_template(conn, "a").name == "a"
        assert accounts.find_account(conn, "A@X.TEST").role == "owner"


def test_templates_keep_their_versions(store):
    """Drafts pile up, publishing points at one, deleting hides all but the contents."""
    with store.state.write() as conn:
        made = templates.create_template(conn, name="t", channel="email", topic="", content=CONTENT, now=1)
        changed = TemplateContent(subject="s2", body="b")
        save = {"name": "t", "topic": "", "now": 2}
        saved = templates.save_template(conn, made.id, revision=1, content=changed, **save)
        assert (saved.latest_version, saved.content.subject) == (2, "s2")
        published = templates.publish_template(conn, made.id, revision=2, now=3)
        assert published.published_version == 2
        templates.archive_template(conn, made.id, 4)
        with pytest.raises(NotFound):
            templates.get_template(conn, made.id)
        assert templates.get_content(conn, made.id, 1).subject == "s"
        assert templates.list_templates(conn) == []


def test_what_hangs_on_a_rule_or_a_template(store):
    """Uses are read from what is published, also from versions that people may still be in."""

    def definition(rule_id, template_id):
        steps = [SendStep(id="s", template_id=template_id)]
        return WorkflowDefinition(trigger=EntersTrigger(rule_id=rule_id), steps=steps)

    with store.state.write() as conn:
        flow = workflows.create_workflow(conn, name="w", definition=definition(1, 10), now=1)
        assert uses.workflows_with_rule(conn, 1) == []
        flow = workflows.publish_workflow(conn, flow.id, revision=1, now=2)
        change = {"name": "w", "definition": definition(2, 20), "now": 3}
        flow = workflows.save_workflow(conn, flow.id, revision=2, **change)
        assert (flow.latest_version, flow.published_version) == (2, 1)
        assert [u.name for u in uses.workflows_with_rule(conn, 1)] == ["w"]
        assert uses.workflows_with_template(conn, 20) == []
        workflows.publish_workflow(conn, flow.id, revision=3, now=4)
        assert uses.workflows_with_rule(conn, 1) == []
        assert [len(uses.workflows_with_template(conn, t)) for t in (10, 20)] == [1, 1]
        workflows.set_workflow_status(conn, flow.id, "paused", 5)
        assert uses.workflows_with_rule(conn, 2) == []
        assert [u.name for u in uses.workflows_started_by(conn, 2)] == ["w"]


def test_settings_have_a_revision_and_the_secret_stays(store):
    """A stale save is refused; the secret is made once."""
    with store.state.write() as conn:
        first = settings.read_workspace(conn)
        saved = settings.save_workspace(conn, msgspec.structs.replace(first, time_zone="Asia/Tokyo"), 5)
        with pytest.raises(Conflict):
            settings.save_workspace(conn, first, 6)
        assert settings.read_workspace(conn) == saved
        secret = settings.signing_secret(conn)
        assert len(secret) == 32
        assert settings.signing_secret(conn) == secret


def test_tokens_are_found_by_their_secret_only(store):
    """The database holds a digest and a beginning; what ended or was revoked is not found."""
    with store.state.write() as conn:
        secret = tokens.new_secret("server")
        token = tokens.add_token(conn, "server", secret, name="n", now=1, expires_at=100)
        assert tokens.find_token(conn, secret, 99) == token
        assert tokens.find_token(conn, secret, 100) is None
        assert tokens.find_token(conn, secret[:-1], 99) is None
        assert secret not in str(conn.execute(tokens_table.select()).all())
        assert not tokens.revoke_token(conn, token.id, ("write",), 5)
        assert tokens.revoke_token(conn, token.id, ("server",), 5)
        assert not tokens.revoke_token(conn, token.id, ("server",), 6)
        assert tokens.find_token(conn, secret, 9) is None
        assert tokens.list_tokens(conn, ("server",), 9) == []


def test_sessions_of_one_account_end_together(store):
    """Everybody else's go on."""
    with store.state.write() as conn:
        secrets = [tokens.new_secret("session") for _ in range(3)]
        for secret, account in zip(secrets, (1, 1, 2), strict=True):
            tokens.add_token(conn, "session", secret, name="", now=1, account_id=account)
        assert tokens.revoke_all(conn, 1, ("session", "link"), 2) == 2
        assert [tokens.find_token(conn, secret, 3) is not None for secret in secrets] == [False, False, True]


def test_a_suppressed_address_stays_so_for_its_first_reason(store):
    """Whatever the case; a topic by itself, everything for all topics."""
    with store.state.write() as conn:
        assert suppress(conn, " A@x.test", topic="news", reason="unsubscribed", message_id=1, now=1)
        assert not suppress(conn, "a@X.test", topic="news", reason="manual", message_id=None, now=2)
        assert is_suppressed(conn, "a@x.test", "news")
        assert not is_suppressed(conn, "a@x.test", "offers")
        suppress(conn, "a@x.test", reason="bounced", message_id=None, now=3)
        assert is_suppressed(conn, "a@x.test", "offers")
