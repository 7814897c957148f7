"""Workflows: who is enrolled, which steps run, what is queued, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from antiphon.model.clock import MINUTE
from antiphon.store import tables
from antiphon.store.engine import Store
from factories import NOW, ManualClock, api_call, identify, track
from pipeline import Pipeline, send_workflow

FIRST_CALL = "count of api_call ever >= 1"


@pytest.fixture
def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    return Pipeline(store, clock)


def newcomer(user_id: str = "u1") -> Any:
    return identify(user_id, email=f"{user_id}@example.com", name="Ann")


def started_by_an_event(pipeline: Pipeline, selector: str) -> None:
    """Two workflows that an event starts: 1 once, 2 every time."""
    for number, reentry in ((1, "once"), (2, "every_time")):
        definition = send_workflow(0, reentry=reentry)
        definition["trigger"] = {"kind": "event", "selector": selector}
        pipeline.workflow(definition, workflow_id=number)
    pipeline.settle()


def test_who_enters_a_segment_gets_the_mail_queued_once(pipeline: Pipeline) -> None:
    """One enrollment, one message, with the recipient and the time of the call that caused it."""
    rule = pipeline.rule(FIRST_CALL)
    pipeline.workflow(send_workflow(rule))
    pipeline.hear(newcomer(), api_call(), api_call())
    pipeline.hear(api_call())
    (message,) = pipeline.rows(tables.messages)
    assert (message["recipient"], message["status"], message["caused_at"]) == ("u1@example.com", "queued", NOW)
    assert pipeline.rows(tables.enrollments)[0]["status"] == "completed"


def test_a_restart_between_the_stages_repeats_nothing(pipeline: Pipeline) -> None:
    """The actor's cursor and what it queued are one transaction."""
    rule = pipeline.rule(FIRST_CALL)
    pipeline.workflow(send_workflow(rule))
    pipeline.hear(newcomer(), api_call())
    pipeline.restart()
    pipeline.settle()
    assert len(pipeline.rows(tables.messages)) == 1


def test_nobody_is_mailed_without_an_address(pipeline: Pipeline) -> None:
    """The step is skipped, with the reason stored."""
    rule = pipeline.rule(FIRST_CALL)
    pipeline.workflow(send_workflow(rule))
    pipeline.hear(api_call())
    assert pipeline.rows(tables.messages) == []
    assert pipeline.rows(tables.step_runs)[0]["reason"] == "no_address"


def test_those_who_match_when_a_rule_is_switched_on_are_not_mailed(pipeline: Pipeline) -> None:
    """A backfill is quiet."""
    pipeline.hear(newcomer(), api_call())
    rule = pipeline.rule(FIRST_CALL)
    pipeline.workflow(send_workflow(rule))
    pipeline.settle()
    assert pipeline.members(rule) == {"u1"}
    assert pipeline.rows(tables.enrollments) == []


def test_a_wait_is_durable_and_ends_on_time(pipeline: Pipeline) -> None:
    """The mail is queued after the wait, by a process that knows nothing of the one before."""
    rule = pipeline.rule(FIRST_CALL)
    definition = send_workflow(rule)
    definition["steps"].insert(0, {"id": "pause", "kind": "wait", "minutes": 10})
    pipeline.workflow(definition)
    pipeline.hear(newcomer(), api_call())
    pipeline.restart()
    pipeline.advance(10 * MINUTE - 1)
    assert pipeline.rows(tables.messages) == []
    pipeline.advance(1)
    assert len(pipeline.rows(tables.messages)) == 1


def test_who_is_inside_stays_on_their_version(pipeline: Pipeline) -> None:
    """A new version is for those who enter after it."""
    rule = pipeline.rule(FIRST_CALL)
    definition = send_workflow(rule)
    definition["steps"].insert(0, {"id": "pause", "kind": "wait", "minutes": 10})
    pipeline.workflow(definition)
    pipeline.hear(newcomer(), api_call())
    pipeline.workflow(send_workflow(rule, template_id=2), version=2)
    pipeline.hear(newcomer("u2"), api_call(user_id="u2"))
    pipeline.advance(10 * MINUTE)
    assert [(m["user_id"], m["template_id"]) for m in pipeline.rows(tables.messages)] == [("u2", 2), ("u1", 1)]


def test_an_event_starts_a_workflow_each_time_or_once(pipeline: Pipeline) -> None:
    """`once` enrolls a person a single time, `every_time` at each event; other events start nothing."""
    started_by_an_event(pipeline, "cart_abandoned where total > 10")
    cart = {"properties": {"total": 20}}
    pipeline.hear(newcomer(), track("cart_abandoned", **cart), track("cart_abandoned", properties={"total": 5}))
    pipeline.hear(track("cart_abandoned", **cart))
    started = [row["workflow_id"] for row in pipeline.rows(tables.enrollments)]
    assert sorted(started) == [1, 2, 2]
    message = pipeline.rows(tables.messages)[0]
    assert message["variables"]["event"]["properties"] == {"total": 20}


def test_once_is_once_within_a_moment_too(pipeline: Pipeline) -> None:
    """Two events that are taken in together enroll who enters `once` a single time, and `every_time` twice."""
    started_by_an_event(pipeline, "cart_abandoned")
    pipeline.hear(newcomer(), newcomer("u2"))
    pipeline.hear(track("cart_abandoned"), track("cart_abandoned"), track("cart_abandoned", user_id="u2"))
    entered = sorted((row["workflow_id"], row["user_id"]) for row in pipeline.rows(tables.enrollments))
    assert entered == [(1, "u1"), (1, "u2"), (2, "u1"), (2, "u1"), (2, "u2")]
    assert len({row["idempotency_key"] for row in pipeline.rows(tables.messages)}) == 5


def test_more_people_than_a_transaction_takes(pipeline: Pipeline) -> None:
    """Everybody gets the mail once, who has no address is passed over, and each step that ran is recorded."""
    rule = pipeline.rule(FIRST_CALL)
    pipeline.workflow(send_workflow(rule))
    people = [f"u{number}" for number in range(1_203)]
    pipeline.hear(*(newcomer(user) for user in people[1:]), *(api_call(user_id=user) for user in people))
    pipeline.settle()
    assert sorted(row["user_id"] for row in pipeline.rows(tables.messages)) == sorted(people[1:])
    runs = pipeline.rows(tables.step_runs)
    assert [run["reason"] for run in runs if run["outcome"] == "skipped"] == ["no_address"]
    assert len(runs) == len(pipeline.rows(tables.enrollments)) == len(people)
    assert {row["status"] for row in pipeline.rows(tables.enrollments)} == {"completed"}


def test_leaving_a_segment_starts_a_workflow(pipeline: Pipeline) -> None:
    """The other edge of a membership."""
    rule = pipeline.rule('plan = "trial"')
    definition = send_workflow(rule)
    definition["trigger"]["kind"] = "leaves"
    pipeline.workflow(definition)
    pipeline.hear(newcomer(), identify("u1", plan="trial"))
    assert pipeline.rows(tables.messages) == []
    pipeline.hear(identify("u1", at=NOW + 1, plan="paid"))
    assert len(pipeline.rows(tables.messages)) == 1


def test_a_paused_workflow_holds_those_inside_and_lets_them_go_on_later(pipeline: Pipeline) -> None:
    """Nothing is sent while it is paused; who was waiting goes on when it is resumed."""
    rule = pipeline.rule(FIRST_CALL)
    definition = send_workflow(rule)
    definition["steps"].insert(0, {"id": "pause", "kind": "wait", "minutes": 10})
    pipeline.workflow(definition)
    pipeline.hear(newcomer(), api_call())
    _set_status(pipeline, "paused")
    pipeline.advance(20 * MINUTE)
    assert pipeline.rows(tables.messages) == []
    _set_status(pipeline, "active")
    pipeline.settle()
    assert len(pipeline.rows(tables.messages)) == 1


def _set_status(pipeline: Pipeline, status: str) -> None:
    w = tables.workflows
    with pipeline.store.state.write() as conn:
        conn.execute(update(w).values(status=status, revision=w.c.revision + 1, updated_at=pipeline.clock()))
