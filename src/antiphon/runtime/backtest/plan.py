"""Understanding a rule file: what it leaves out comes from the server's data, what cannot be used is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.backtest import RuleFile
from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EventTrigger, WorkflowDefinition
from antiphon.rules import formula as f
from antiphon.rules import segments as segment_rules
from antiphon.rules import tree
from antiphon.rules.computed import check_cycles, segment_node
from antiphon.rules.text import parse
from antiphon.rules.validate import validate
from antiphon.rules.zones import LocalDays
from antiphon.runtime.backtest.past_events import PastEvents
from antiphon.runtime.backtest.period import period

Definition = tuple[SubjectKind, tree.Tree]

Formulas = Mapping[tuple[SubjectKind, str], f.Formula]
"""Computed traits by kind and name."""

READ_BY_STEPS: tuple[tuple[SubjectKind, str], ...] = (("user", "email"),)
"""Traits that the steps of workflows read."""


class StoredWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow of a server, and the rule that starts it (None: an event does)."""

    definition: WorkflowDefinition
    rule_name: str | None = None
    rule: Definition | None = None


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule file is read against.

    The time zone, the rules that it may refer to by name, computed traits, workflows by name or id (raises InvalidInput
    or NotFound), and now (ms): the last two only where there is a server's data.
    """

    time_zone: str = "UTC"
    segments: Mapping[str, Definition] = {}
    computed: Formulas = {}
    workflow: Callable[[str | int], StoredWorkflow] | None = None
    now: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A rule file, understood: everything that the replay needs; times in ms.

    `segments` and `computed` are those that the rule reads, and that these read in turn.
    """

    name: str
    subject: SubjectKind
    rule: tree.Tree | None
    segments: dict[str, Definition]
    computed: dict[tuple[SubjectKind, str], f.Formula]
    workflow: WorkflowDefinition | None
    time_zone: str
    since: int
    until: int


def understand(file: RuleFile, past: PastEvents, world: World) -> Plan:
    """Check a rule file and fill in what it leaves out; raises InvalidInput."""
    name, subject, rule, workflow = file.name, file.subject, _rule(file), None
    if isinstance(file.workflow, WorkflowDefinition):
        workflow = file.workflow
    elif file.workflow is not None:
        if world.workflow is None:
            raise InvalidInput("A workflow by name needs a server's data; write its definition into the file instead.")
        stored = world.workflow(file.workflow)
        workflow = stored.definition
        if rule is None and stored.rule is not None:
            name, (subject, rule) = stored.rule_name or name, stored.rule
    if rule is None and not (workflow is not None and isinstance(workflow.trigger, EventTrigger)):
        raise InvalidInput("The file needs a `rule` (its text) or a `tree`.")
    known: dict[str, Definition] = {other: found for other, found in world.segments.items() if other != name}
    if rule is not None:
        known |= {other: (subject, parse(text, subject)) for other, text in file.segments.items() if other != name}
        segment_rules.check_segments(name, subject, rule, known)
        formulas = {key: _given(formula) for key, formula in world.computed.items()}
        rules: dict[str, Definition] = {**known, name: (subject, rule)}
        check_cycles(segment_node(name), formulas, rules.get)
    segments, computed = _needed(None if rule is None else (subject, rule), known, world.computed, workflow)
    zone = file.time_zone or world.time_zone
    LocalDays(zone)  # raises for a name that is none
    since, until = period(file, past.span, world.now, zone)
    return Plan(
        name=name,
        subject=subject,
        rule=rule,
        segments=segments,
        computed=computed,
        workflow=workflow,
        time_zone=zone,
        since=since,
        until=until,
    )


def _given(formula: f.Formula) -> Callable[[], f.Formula]:
    return lambda: formula


def _rule(file: RuleFile) -> tree.Tree | None:
    if file.rule is not None and file.tree is not None:
        raise InvalidInput("Give the rule as `rule` or as `tree`, one of the two.")
    if file.tree is not None:
        rule = tree.decode(file.tree)
        validate(rule, file.subject)
        return rule
    return None if file.rule is None else parse(file.rule, file.subject)


def _needed(
    rule: Definition | None, known: Mapping[str, Definition], formulas: Formulas, workflow: WorkflowDefinition | None
) -> tuple[dict[str, Definition], dict[tuple[SubjectKind, str], f.Formula]]:
    """The segments and computed traits that are read, and those that they read in turn; segments lowest first."""
    segments: dict[str, Definition] = {}
    computed: dict[tuple[SubjectKind, str], f.Formula] = {}
    names: list[str] = []
    traits: list[tuple[SubjectKind, str]] = [] if workflow is None else list(READ_BY_STEPS)
    if rule is not None:
        names += tree.segments(rule[1])
        traits += f.trait_keys(f.rule_traits(rule[1]), rule[0])
    while names or traits:
        while names:
            name = names.pop()
            if name not in segments and name in known:
                kind, read = segments[name] = known[name]
                names += tree.segments(read)
                traits += f.trait_keys(f.rule_traits(read), kind)
        while traits:
            key = traits.pop()
            if key not in computed and key in formulas:
                formula = computed[key] = formulas[key]
                names += f.segments(formula)
                traits += f.trait_keys(f.traits(formula), key[0])
    ordered = segment_rules.in_order({name: one for name, (_, one) in segments.items()})
    return {name: segments[name] for name in ordered}, computed
