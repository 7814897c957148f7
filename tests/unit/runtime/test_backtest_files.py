"""Files of events and of rules, and the command that reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from antiphon.cli.main import main
from antiphon.errors import InvalidInput
from antiphon.model.backtest import Bounds, RuleFile
from antiphon.model.event import CLAMPED, LATE
from antiphon.model.workflow import SendStep
from antiphon.runtime.backtest.past_events import read_events
from antiphon.runtime.backtest.rule_file import parse_rule_file

RULE = """
name: Stuck
rule: count of api_call where status = 400 in the last 24 hours >= 3
expect: {messages: 1, users: [u1], not_users: [u2]}
"""


def _line(user="u1", minute=0, **more) -> str:
    at = f"2026-10-01T10:{minute:02}:00Z"
    return json.dumps({"event": "api_call", "userId": user, "timestamp": at, "properties": {"status": 400}} | more)


@pytest.fixture
def files(tmp_path: Path):
    """A rule file, and events of one who should be messaged and one who should not."""
    rule, events = tmp_path / "rule.yaml", tmp_path / "events.ndjson"
    rule.write_text(RULE)
    events.write_text("\n".join([_line("u1", 1), _line("u1", 2), "", _line("u1", 3), _line("u2", 4)]))
    return rule, events


def _run(*arguments):
    return CliRunner().invoke(main, ["backtest", *map(str, arguments)])


def test_the_command_says_who_and_when(files):
    """Readable by default, JSON when asked for; exit code 0 while the expectations hold."""
    rule, events = files
    result = _run(rule, "--events", events)
    assert result.exit_code == 0, result.output
    assert "1 message to 1 person" in result.output
    assert "2026-10-01 10:03:00  u1" in result.output
    report = json.loads(_run(rule, "--events", events, "--json").stdout)
    assert [message["subject_id"] for message in report["messages"]] == ["u1"]
    assert report["days"] == [{"day": "2026-10-01", "messages": 1, "entered": 1, "left": 0}]


def test_an_expectation_that_does_not_hold_fails_the_build(files):
    """Exit code 1, and what came instead on standard error."""
    rule, events = files
    rule.write_text(RULE.replace("users: [u1]", "users: [u2]").replace("messages: 1", "messages: {min: 2}"))
    result = _run(rule, "--events", events)
    assert result.exit_code == 1
    assert "not as expected: messages: expected at least 2, got 1" in result.stderr
    assert "not as expected: users who should have been messaged, and were not: u2" in result.stderr


@pytest.mark.parametrize(
    ("rule", "events", "said"),
    [
        ("rule: cout of x > 3", _line(), "column 6 of the rule"),
        ("rule: [1]", _line(), "$.rule"),
        ("rules: x", _line(), "rules"),
        ("a: b: c", _line(), "no YAML"),
        (RULE, "", "no events"),
        (RULE, _line() + "\n{", "line 2"),
        (RULE, json.dumps({"event": "x", "userId": "u"}), "needs a `timestamp`"),
        (RULE, _line(userId=None), "line 1: an event needs a `userId`"),
        (RULE, _line(type="order"), "`type` is 'order'"),
        (RULE, _line(timestamp="soon"), "line 1"),
    ],
)
def test_bad_input_is_exit_code_2(files, rule, events, said):
    """What is wrong with the rule or the events is one sentence that names the place, no traceback."""
    files[0].write_text(rule)
    files[1].write_text(events)
    result = _run(files[0], "--events", files[1])
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_files_that_are_not_there(files, tmp_path):
    """A missing rule file, file of events or data folder is said so."""
    for arguments in (
        (tmp_path / "none.yaml",),
        (files[0], "--events", tmp_path / "none"),
        (files[0], "--data", tmp_path / "no"),
    ):
        result = _run(*arguments)
        assert (result.exit_code, "Traceback" in result.output) == (2, False)


def test_a_rule_file_holds_a_workflow_and_bare_dates():
    """The workflow is in the product's own shape; a date that YAML reads as such is taken as it was written."""
    file = parse_rule_file(
        'rule: plan = "free"\nsince: 2026-10-01\nexpect: {per_day: {max: 3}}\n'
        "workflow: {entry: {reentry: every_time}, steps: [{id: mail, kind: send, template_id: 4}]}"
    )
    assert isinstance(file, RuleFile)
    assert (file.since, file.expect.per_day) == ("2026-10-01", Bounds(max=3))
    assert file.workflow.steps == [SendStep(id="mail", template_id=4)]
    assert file.workflow.entry.reentry == "every_time"
    with pytest.raises(InvalidInput, match="kind"):
        parse_rule_file("workflow: {steps: [{id: a, kind: dance}]}")


def test_events_are_taken_as_the_door_takes_them(tmp_path):
    """Types, redaction, route templates, company ids, and receipts of their own that make an event late or clamped."""
    path = tmp_path / "events.ndjson"
    rows = [
        {"type": "identify", "userId": 7, "traits": {"email": "a@b.io", "password": "x"}, "timestamp": "2026-10-01"},
        {"type": "group", "userId": "7", "groupId": "c1", "timestamp": "2026-10-01T00:00:01Z"},
        {
            "event": "api_call",
            "userId": "7",
            "timestamp": "2026-10-01T00:00:02Z",
            "properties": {"path": "/v1/items/42"},
        },
        {"event": "x", "userId": "7", "timestamp": "2026-10-01T00:00:03Z", "receivedAt": "2026-10-09T00:00:00Z"},
        {"event": "x", "userId": "7", "timestamp": "2026-10-09T00:00:00Z", "receivedAt": "2026-10-01T00:00:04Z"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    events = read_events(path)
    identify, group, call, clamped, late = events.between(0, 2**53)
    assert (identify.user_id, identify.properties) == ("7", {"email": "a@b.io", "password": "[redacted]"})
    assert (group.type, group.company_id, call.properties["route"]) == ("group", "c1", "/v1/items/{id}")
    assert (clamped.flags, late.flags, late.received_at) == (CLAMPED, LATE, events.span[1])
