"""Rule files: YAML or JSON to what a backtest is asked for, and the world of a server's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from antiphon.errors import InvalidInput
from antiphon.model.backtest import RuleFile
from antiphon.model.clock import Clock
from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EntersTrigger, LeavesTrigger
from antiphon.rules import formula, tree
from antiphon.runtime.backtest.plan import Definition, StoredWorkflow, World
from antiphon.store import program
from antiphon.store.computed_traits import list_computed_traits
from antiphon.store.engine import Store
from antiphon.store.rules import get_rule
from antiphon.store.settings import read_workspace
from antiphon.store.workflows import list_workflows


def read_rule_file(path: Path) -> RuleFile:
    """Read a rule file; raises InvalidInput naming the place that is wrong."""
    try:
        return parse_rule_file(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8.") from error
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}", **error.details) from error


def parse_rule_file(text: str) -> RuleFile:
    """The rule file in a text of YAML or JSON; raises InvalidInput."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"This is no YAML: {' '.join(str(error).split())}.") from error
    try:
        return msgspec.convert(_plain(value), RuleFile)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{error}.") from error


def _plain(value: Any) -> Any:
    """YAML reads a bare 2026-10-01 as a date; here it is the text that was written. Keys are texts."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def world_of(store: Store, clock: Clock) -> World:
    """A server's rules, computed traits, workflows and time zone, as they stand now."""
    with store.state.read() as conn:
        zone = read_workspace(conn).time_zone
        segments: dict[str, Definition] = {
            row.name: (row.subject_kind, tree.decode(row.tree)) for row in program.active_rules(conn)
        }
        computed: dict[tuple[SubjectKind, str], formula.Formula] = {
            (trait.subject_kind, trait.name): formula.decode(trait.formula) for trait in list_computed_traits(conn)
        }
    return World(
        time_zone=zone, segments=segments, computed=computed, workflow=lambda name: _workflow(store, name), now=clock()
    )


def _workflow(store: Store, name: str | int) -> StoredWorkflow:
    with store.state.read() as conn:
        known = list_workflows(conn)
        found = [workflow for workflow in known if name in {workflow.id, workflow.name}]
        if not found:
            names = ", ".join(f"“{workflow.name}”" for workflow in known) or "none"
            raise InvalidInput(f"There is no workflow {name!r}; there are: {names}.")
        definition = found[0].definition
        trigger = definition.trigger
        if not isinstance(trigger, EntersTrigger | LeavesTrigger) or trigger.rule_id is None:
            return StoredWorkflow(definition=definition)
        rule = get_rule(conn, trigger.rule_id)
    return StoredWorkflow(definition=definition, rule_name=rule.name, rule=(rule.subject_kind, tree.decode(rule.tree)))
