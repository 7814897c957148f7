"""A formula in plain English words."""

from __future__ import annotations

from antiphon.model.subject import SubjectKind
from antiphon.rules import formula as f
from antiphon.rules.formula_check import as_condition
from antiphon.rules.formula_text import render_formula
from antiphon.rules.sentence import clause, measured, shown

_SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
_CALLS = {
    "min": "the smallest of {}",
    "max": "the largest of {}",
    "round": "{}, rounded",
    "floor": "{}, rounded down",
    "ceil": "{}, rounded up",
    "abs": "{} without its sign",
    "date": "the date in {}",
}


def formula_sentence(formula: f.Formula, subject_kind: SubjectKind) -> str:
    """The whole formula as one sentence: `For each user: the number of api_call this month divided by 30.`."""
    return f"For each {subject_kind}: {_words(formula)}."


def _words(node: f.Formula) -> str:  # noqa: PLR0911 - one line for each kind of node
    if isinstance(node, f.Operation):
        return f"{_inside(node.left)} {_SIGNS[node.sign]} {_inside(node.right)}"
    if isinstance(node, f.Choice):
        return f"{_words(node.then)} if {clause(node.condition)}, else {_words(node.otherwise)}"
    if isinstance(node, f.Call):
        first, *others = node.of
        if node.function == "round" and others:
            return f"{_CALLS['round'].format(_inside(first))} to {_words(others[0])} digits"
        return _CALLS[node.function].format(" and ".join(_inside(item) for item in node.of))
    if isinstance(node, f.Negative):
        return f"minus {_inside(node.of)}"
    if isinstance(node, f.Measured):
        return measured(as_condition(node))
    if isinstance(node, f.TraitInput):
        return node.name if node.owner == "own" else f"the {node.owner}'s {node.name}"
    if isinstance(node, (f.Number, f.Words)):
        return shown(node.value)
    return render_formula(node)


def _inside(node: f.Formula) -> str:
    words = _words(node)
    return f"({words})" if isinstance(node, (f.Operation, f.Choice)) else words
