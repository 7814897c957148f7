"""Explain by hand: each condition of a rule for one subject, its sides, its truth, and when it will be looked at again."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from antiphon.rules import aggregates, render, tree
from antiphon.rules.conditions import Compiled
from antiphon.rules.sentence import clause, measured, shown, trait, wanted
from antiphon.rules.state import SubjectView


class ConditionReport(msgspec.Struct, kw_only=True):
    """One condition for one subject, JSON-ready.

    `path` is the condition's place (`""` is the rule itself, `"0.2"` the third in the first), `text` its text form,
    `value` and `rhs` its two sides (an age is in ms), `recheck_at` in ms since the epoch, `words` all of it in a sentence.
    """

    path: str
    text: str
    value: Any
    rhs: Any
    truth: bool
    recheck_at: int | None
    words: str


class Compiles(Protocol):
    """What makes conditions ready for use, see `compile.Compiler`."""

    def condition(self, node: tree.Condition) -> Compiled:
        """Compile one condition."""
        ...


def report(rule: tree.Tree, compiler: Compiles, view: SubjectView, now: int) -> list[ConditionReport]:
    """Explain each condition of a rule at `now` (ms), the rule itself first."""
    reports: list[ConditionReport] = []
    for path, node in tree.walk(rule):
        condition = compiler.condition(node)
        truth, recheck_at = condition.verdict(view, now)
        value, right = condition.sides(view, now)
        reports.append(
            ConditionReport(
                path=path,
                text=render.render(node),
                value=value,
                rhs=list(right) if isinstance(right, tuple) else right,
                truth=truth,
                recheck_at=recheck_at,
                words=words(node, value, right, truth=truth),
            )
        )
    return reports


def words(node: tree.Condition, value: Any, right: Any, *, truth: bool) -> str:
    """One condition in a sentence: `The number of api_call is 7; it is at least 5: yes`."""
    answer = "yes" if truth else "no"
    if isinstance(node, tree.GROUPS):
        return f"{value} of {len(node.of)} conditions hold: {answer}."
    if isinstance(node, tree.Measure):
        gives = aggregates.by_key()[node.aggregate.kind].gives
        return f"{_capital(measured(node))} is {shown(value, gives)}; it {wanted(node, right)}: {answer}."
    if isinstance(node, tree.TraitCondition):
        return f"{trait(node)} is {shown(value)}; it {wanted(node, right)}: {answer}."
    return f"{_capital(clause(node))}: {answer}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
