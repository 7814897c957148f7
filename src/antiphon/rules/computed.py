"""Computed traits in a program: what each reads, and their ring-free order among themselves and with segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import formula as f
from antiphon.rules import tree
from antiphon.rules.compile import Compiler, of_company
from antiphon.rules.formula_check import as_condition
from antiphon.rules.formula_values import Evaluate, FormulaCompiler
from antiphon.rules.known import depends_on_known
from antiphon.rules.segments import find_cycle
from antiphon.rules.zones import LocalDays

_SEGMENT = "segment "

FIRST_KEY = 2**29
"""The key of the computed trait numbered 0: beyond all ids of rules, and half of what a block's directory has room for."""


class ComputedSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A computed trait to keep; `name` is the trait's."""

    id: int
    version: int
    subject_kind: SubjectKind
    name: str
    formula: f.Formula

    @property
    def key(self) -> int:
        """Its number beside the rules', whose ids it must not meet."""
        return FIRST_KEY + self.id


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule or formula looks at: metrics, own traits, the company's, segments, how long the subject is known."""

    kind: SubjectKind
    keys: frozenset[str]
    own_traits: frozenset[str]
    company_traits: frozenset[str]
    segments: frozenset[str]
    known_for: bool


class Computed(msgspec.Struct, frozen=True):
    """A computed trait, compiled."""

    spec: ComputedSpec
    evaluate: Evaluate
    reads: Reads


def compile_computed(spec: ComputedSpec, compiler: Compiler, days: LocalDays) -> Computed:
    """Compile a computed trait, adding its metrics to the rules'. Raises InvalidInput for one that cannot be evaluated."""
    evaluate = FormulaCompiler(compiler, days).value(spec.formula)
    measured: list[tree.Leaf] = [as_condition(node) for node in f.measures(spec.formula)]
    asked = [leaf for condition in f.conditions(spec.formula) for _, leaf in tree.leaves(condition)]
    traits, segments = f.traits(spec.formula), f.segments(spec.formula)
    reads = reads_of(spec.subject_kind, compiler, asked, traits, segments, measured)
    return Computed(spec, evaluate, reads)


def reads_of(
    kind: SubjectKind,
    compiler: Compiler,
    conditions: Iterable[tree.Leaf],
    traits: Iterable[tuple[str, tree.Owner]],
    segments: Iterable[str],
    measured: Iterable[tree.Leaf] = (),
) -> Reads:
    """What conditions look at, with `traits` and `segments` by name; of `measured` only the value counts, not the truth."""
    conditions = list(conditions)
    own: set[str] = set()
    company: set[str] = set()
    for name, owner in traits:
        (company if of_company(owner, kind) else own).add(name)
    return Reads(
        kind=kind,
        keys=frozenset(key for leaf in (*conditions, *measured) for key in compiler.keys(leaf)),
        own_traits=frozenset(own),
        company_traits=frozenset(company),
        segments=frozenset(segments),
        known_for=any(isinstance(leaf, tree.Measure) and depends_on_known(leaf) for leaf in conditions),
    )


def check_cycles(
    start: str,
    computed: Mapping[tuple[SubjectKind, str], Callable[[], f.Formula]],
    rule: Callable[[str], tuple[SubjectKind, tree.Tree] | None],
) -> None:
    """Refuse a computed trait or rule that leads back to itself, through traits or segments.

    `start` is what is being saved, as `trait_node` or `segment_node` names it; `computed` are all there are, `rule` finds one by name,
    both with what is being saved among them. Only what can be reached is looked at. Raises InvalidInput, naming the whole cycle.
    """
    traits = {trait_node(*key): key for key in computed}

    def references(node: str) -> list[str]:
        if node in traits:
            (kind, _), formula = traits[node], computed[traits[node]]()
            read, segments = f.traits(formula), f.segments(formula)
        else:
            found = rule(node.removeprefix(_SEGMENT))
            if found is None:
                return []
            kind, (read, segments) = found[0], (f.rule_traits(found[1]), tree.segments(found[1]))
        known = sorted(f.trait_keys(read, kind) & computed.keys())
        return [*(trait_node(*key) for key in known), *map(segment_node, segments)]

    cycle = find_cycle(start, references)
    if cycle is not None:
        raise InvalidInput(f"These refer to each other in a circle: {' -> '.join(cycle)}.", cycle=cycle)


def trait_node(kind: SubjectKind, name: str) -> str:
    """How a computed trait is named in a cycle."""
    return f"{kind} trait {name}"


def segment_node(name: str) -> str:
    """How a rule's segment is named in a cycle."""
    return f"{_SEGMENT}{name}"
