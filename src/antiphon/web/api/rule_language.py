"""The rule language for those who write rules: completion, the JSON Schema, PromQL, and backtests."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import InvalidInput
from antiphon.model.backtest import BacktestJob, RuleFile
from antiphon.model.subject import SubjectKind
from antiphon.rules.complete import CompletionItem, Language, complete
from antiphon.rules.promql import LABELS, METRIC, SUBJECTS, Names, Promql, promql
from antiphon.rules.schema import json_schema
from antiphon.rules.tree import decode
from antiphon.store.rules import get_rule
from antiphon.web.context import Context


class CompletionRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A text in the language of rules or of formulas, and the place in it: a 0-based offset in characters (code points)."""

    text: Annotated[str, msgspec.Meta(max_length=20_000)]
    position: Annotated[int, msgspec.Meta(ge=0)]
    subject_kind: SubjectKind = "user"
    language: Language = "rule"


class Completions(msgspec.Struct, kw_only=True):
    """What may stand there."""

    items: list[CompletionItem]


class RuleLanguageController(Controller):
    """What the rule language offers beside reading and writing rules."""

    path = "/api/rules"
    tags = ("Rules",)

    @post("/complete", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def complete_rule(self, context: Context, data: JSONBody[CompletionRequest]) -> Completions:
        """What may stand at a place of a rule's or formula's text: words of the language, and names and values that were seen."""
        if data.position > len(data.text):
            raise InvalidInput("`position` lies behind the text.")
        found = complete(data.text, data.position, data.subject_kind, context.seen, data.language)
        return Completions(items=found)

    @get("/schema", access="view", sync_to_thread=False)
    def get_rule_schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of a rule's tree."""
        return json_schema()

    @get("/{rule_id:int}/promql", access="view", sync_to_thread=True)
    def get_rule_promql(
        self,
        context: Context,
        rule_id: FromPath[int],
        metric: FromQuery[str] = METRIC,
        status: FromQuery[str] = LABELS["status"],
        route: FromQuery[str] = LABELS["route"],
        method: FromQuery[str] = LABELS["method"],
        user: FromQuery[str] = SUBJECTS["user"],
        company: FromQuery[str] = SUBJECTS["company"],
    ) -> Promql:
        """A rule as PromQL, or why it has none; the parameters say what metric and labels are called."""
        with context.store.state.read() as conn:
            rule = get_rule(conn, rule_id)
        labels = {"status": status, "route": route, "method": method}
        names = Names(metric=metric, labels=labels, subjects={"user": user, "company": company})
        return promql(decode(rule.tree), rule.subject_kind, names)

    @post("/backtest", access="edit", status_code=HTTP_200_OK)
    async def start_backtest(self, context: Context, data: JSONBody[RuleFile]) -> BacktestJob:
        """Replay a rule, with a workflow if it has one, over history: who would have been messaged, and when.

        What takes long goes on: ask for it by its id.
        """
        return await context.backtests.start(data)

    @get("/backtest/{job_id:str}", access="view", sync_to_thread=False)
    def get_backtest(self, context: Context, job_id: FromPath[str]) -> BacktestJob:
        """How a backtest stands: its progress, its report at the end."""
        return context.backtests.get(job_id)

    @delete("/backtest/{job_id:str}", access="edit", status_code=HTTP_200_OK)
    async def cancel_backtest(self, context: Context, job_id: FromPath[str]) -> BacktestJob:
        """End a backtest that runs."""
        return await context.backtests.cancel(job_id)
