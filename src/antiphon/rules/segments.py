"""Rules that refer to other rules' segments: unknown names and cycles are refused when a rule is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import tree

Definition = tuple[SubjectKind, tree.Tree]
"""A rule as others see it: what it is about, and its tree."""


def check_segments(name: str, subject_kind: SubjectKind, rule: tree.Tree, others: Mapping[str, Definition]) -> None:
    """Refuse a rule that refers to a segment that is not there, is about another kind, or leads back to itself.

    `others` are the other rules by name; one of the same name is replaced by `rule`.
    Raises InvalidInput, naming the segment or the whole cycle.
    """
    known = {**others, name: (subject_kind, rule)}
    for found in tree.segments(rule):
        if found not in known:
            raise InvalidInput(f"There is no segment {found!r}.", segment=found)
        if known[found][0] != subject_kind:
            raise InvalidInput(
                f"The segment {found!r} is about {known[found][0]} subjects, this rule about {subject_kind} subjects.",
                segment=found,
            )
    cycle = find_cycle(name, lambda one: tree.segments(known[one][1]) if one in known else ())
    if cycle is not None:
        raise InvalidInput(f"These segments refer to each other in a circle: {' -> '.join(cycle)}.", cycle=cycle)


def find_cycle(start: str, references: Callable[[str], Iterable[str]]) -> list[str] | None:
    """A path along references from `start` back to it, both ends named; None when there is none.

    `references` is asked once about each name that can be reached.
    """
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for name in references(path[-1]):
            if name == start:
                return [*path, start]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return None


def in_order(rules: Mapping[str, tree.Tree]) -> list[str]:
    """The names, each after those that it refers to; the order in which to evaluate them. Cycles have been refused."""
    ordered: dict[str, None] = {}

    def place(name: str) -> None:
        if name in ordered or name not in rules:
            return
        for needed in tree.segments(rules[name]):
            place(needed)
        ordered[name] = None

    for name in rules:
        place(name)
    return list(ordered)
