"""The program in force: compiled once per change of a rule or a workflow."""

from __future__ import annotations

import msgspec

from antiphon.model.workflow import EventTrigger, WorkflowDefinition
from antiphon.rules import tree
from antiphon.rules.live import Program, RuleSpec, WatchSpec, compile_program
from antiphon.rules.text import parse_selector
from antiphon.store import workflow_runs
from antiphon.store import program as store
from antiphon.store.engine import Connection
from antiphon.store.program import RuleRow


class Source(msgspec.Struct):
    """The rows that a program is compiled from."""

    rules: list[RuleRow]
    watches: list[WatchSpec]
    time_zone: str

    def compile(self, rules: list[RuleRow] | None = None) -> Program:
        """The program of `rules` (all of them by default) and all watches."""
        chosen = self.rules if rules is None else rules
        specs = [RuleSpec(r.id, r.version, r.subject_kind, msgspec.convert(r.tree, tree.Rule), r.name) for r in chosen]
        return compile_program(specs, self.watches, time_zone=self.time_zone)


def read_source(conn: Connection, time_zone: str) -> Source:
    """The active rules and the event triggers of the active workflows."""
    return Source(store.active_rules(conn), _watches(conn), time_zone)


def _watches(conn: Connection) -> list[WatchSpec]:
    found: list[WatchSpec] = []
    for row in workflow_runs.published(conn):
        definition = msgspec.convert(row.definition, WorkflowDefinition)
        if row.status == "active" and isinstance(definition.trigger, EventTrigger):
            key = f"workflow:{row.workflow_id}:{row.version}"
            found.append(WatchSpec(key, parse_selector(definition.trigger.selector)))
    return found
