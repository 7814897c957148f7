"""Completion, schema, PromQL and backtests through the API."""

from __future__ import annotations

from antiphon.model.backtest import RuleFile
from antiphon.rules.text import parse
from antiphon.rules.tree import encode
from antiphon.store.rules import create_rule
from factories import NOW


async def test_completion_through_the_api(admin):
    """The items say what to insert and what that replaces; a place behind the text is refused."""
    answer = await admin.post("/api/rules/complete", json={"text": "count of ord", "position": 12})
    assert answer.json()["items"] == [
        {"label": "order placed", "kind": "event", "insert": '"order placed"', "start": 9, "end": 12, "detail": ""}
    ]
    assert (await admin.post("/api/rules/complete", json={"text": "x", "position": 2})).status_code == 400


async def test_the_schema_is_served(admin):
    """The JSON Schema names the operators and aggregates there are."""
    schema = (await admin.get("/api/rules/schema")).json()
    assert schema["$schema"].endswith("2020-12/schema")
    assert "count" in schema["$defs"]["Aggregate"]["properties"]["kind"]["enum"]


async def test_promql_through_the_api(admin, context):
    """The names of metric and labels are the caller's; a rule without PromQL says why."""
    texts = ("count of api_call where status = 400 in the last 24 hours >= 5", 'plan = "free"')
    with context.store.state.write() as conn:
        for text in texts:
            create_rule(
                conn, name=text, description="", subject_kind="user", text=text, tree=encode(parse(text)),
                status="draft", now=NOW,
            )  # fmt: skip
    found = (await admin.get("/api/rules/1/promql", params={"metric": "calls_total", "user": "customer"})).json()
    assert found["expression"] == 'sum by (customer) (increase(calls_total{status="400"}[24h])) >= 5'
    assert "not in Prometheus" in (await admin.get("/api/rules/2/promql")).json()["reason"]


async def test_a_backtest_is_started_watched_and_cancelled(admin, context):
    """The body is a rule file; what runs is asked for by its id, and ends when it is told to."""
    body = {
        "rule": "met",
        "since": "30d",
        "workflow": {"steps": [{"id": "m", "kind": "send"}]},
        "expect": {"messages": 3},
    }
    started = (await admin.post("/api/rules/backtest", json=body)).json()
    assert (started["id"], started["status"], started["done"], started["total"]) == ("b1", "running", 1, 2)
    assert isinstance(context.backtests.file, RuleFile)
    assert context.backtests.file.expect.messages == 3
    assert (await admin.get("/api/rules/backtest/b1")).json()["status"] == "running"
    assert (await admin.delete("/api/rules/backtest/b1")).json()["status"] == "cancelled"
    assert (await admin.get("/api/rules/backtest/none")).status_code == 404
    assert (await admin.post("/api/rules/backtest", json={"rules": "met"})).status_code == 400
