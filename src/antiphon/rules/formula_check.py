"""Whether a formula makes sense: what each part gives, and whether what stands around it can take that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, tree
from antiphon.rules import formula as f
from antiphon.rules.formula_functions import DATE, by_key
from antiphon.rules.validate import problems

Gives = Literal["number", "date", "text", "value"]
"""What a part gives; `value` is a trait's or a property's value, which is whatever is asked of it: else no value."""

Problem = tuple[f.Formula, str]
"""The part, and what is wrong with it."""

MOST_DIGITS = 9


def validate_formula(formula: f.Formula, subject_kind: SubjectKind) -> None:
    """Raise InvalidInput for the first part that does not make sense."""
    for _, problem in check(formula, subject_kind):
        raise InvalidInput(problem)


def check(formula: f.Formula, subject_kind: SubjectKind) -> Iterator[Problem]:
    """What is wrong with a formula, part by part."""
    if f.depth(formula) > f.MAX_DEPTH:
        yield formula, f.TOO_DEEP
        return
    for count, node in enumerate(f.walk(formula)):
        if count >= f.MAX_NODES:
            yield node, f"A formula has at most {f.MAX_NODES} parts."
            return
        for problem in _part(node, subject_kind):
            yield node, problem


def gives(node: f.Formula) -> Gives:  # noqa: PLR0911 - one line for each kind of node
    """What a part that makes sense gives."""
    if isinstance(node, f.Words):
        return "text"
    if isinstance(node, f.TraitInput):
        return "value"
    if isinstance(node, f.Measured):
        row = aggregates.by_key().get(node.aggregate.kind)
        return "value" if row is not None and row.gives == "value" else "number"
    if isinstance(node, (f.Now, f.Today)):
        return "date"
    if isinstance(node, f.Operation):
        of_dates = [gives(side) == "date" for side in (node.left, node.right)]
        return "date" if any(of_dates) and not (all(of_dates) and node.sign == "-") else "number"
    if isinstance(node, f.Call):
        alike = node.function in ("min", "max") and any(gives(item) == "date" for item in node.of)
        return "date" if alike or node.function == DATE else "number"
    if isinstance(node, f.Choice):
        return _together(gives(node.then), gives(node.otherwise)) or "value"
    return "number"


def as_condition(node: f.Measured) -> tree.Measure:
    """A condition of a rule that measures the same; what it compares with does not matter."""
    row = aggregates.by_key().get(node.aggregate.kind)
    value: tree.Target = tree.Duration(1, "days") if row is not None and row.gives == "age" else 1
    return tree.Measure(node.aggregate, ">=", value, node.window)


def _together(one: Gives, other: Gives) -> Gives | None:
    """What either of two gives: the same, a value standing in for anything; None when they do not go together."""
    if other in (one, "value"):
        return one
    return other if one == "value" else None


def _part(node: f.Formula, kind: SubjectKind) -> Iterator[str]:
    for condition in _conditions(node):
        yield from (problem for _, problem in problems(condition, kind))
    if isinstance(node, f.Choice):
        if _together(gives(node.then), gives(node.otherwise)) is None:
            yield f"Then gives a {gives(node.then)} and else a {gives(node.otherwise)}; both must give the same."
    elif isinstance(node, f.Operation):
        yield from _operation(node)
    elif isinstance(node, f.Negative):
        yield from _number(node.of, "-")
    elif isinstance(node, f.Call):
        yield from _call(node)
    elif isinstance(node, f.Number):
        if isinstance(node.value, bool) or abs(node.value) > f.LARGEST:
            yield "A number lies within 10^15 on either side of 0."
    elif isinstance(node, f.Duration) and not 0 <= node.ms <= f.LONGEST:
        yield "A length of time is at most a hundred years."


def _conditions(node: f.Formula) -> tuple[tree.Condition, ...]:
    """The rule's conditions that make sense when this part does."""
    if isinstance(node, f.TraitInput):
        return (tree.TraitCondition(node.name, "exists", owner=node.owner),)
    if isinstance(node, f.Measured):
        return (as_condition(node),)
    return (node.condition,) if isinstance(node, f.Choice) else ()


def _operation(node: f.Operation) -> Iterator[str]:
    left, right = gives(node.left), gives(node.right)
    if "date" not in (left, right) or node.sign in "*/":
        yield from _number(node.left, node.sign)
        yield from _number(node.right, node.sign)
    elif node.sign == "+":
        if left == right:
            yield "Two dates cannot be added; add a number of days to one."
        yield from _number(node.right if left == "date" else node.left, node.sign, beside_date=True)
    elif left != "date":
        yield "A date can be taken from a date only."
    elif right == "value":
        yield "Say what is taken from the date: date(...) of a trait that holds a date, 1 * ... of one that holds days."
    elif right != "date":
        yield from _number(node.right, node.sign)


def _number(node: f.Formula, sign: str, *, beside_date: bool = False) -> Iterator[str]:
    found = gives(node)
    if found in ("text", "date") and not (beside_date and found == "date"):
        yield f"{sign!r} takes numbers, not a {found}."


def _call(node: f.Call) -> Iterator[str]:
    if node.function == DATE:
        if len(node.of) != 1 or gives(node.of[0]) != "value":
            yield "date(...) takes one trait, or a first or last property."
        return
    row = by_key().get(node.function)
    if row is None:
        yield f"There is no function {node.function!r}; use one of {', '.join((*by_key(), DATE))}."
        return
    if len(node.of) < row.least or (row.most is not None and len(node.of) > row.most):
        most = "or more" if row.most is None else f"to {row.most}"
        yield f"{row.key}(...) takes {row.least}{'' if row.most == row.least else f' {most}'} of them, not {len(node.of)}."
        return
    if row.digits and len(node.of) == row.most and not _is_digits(node.of[-1]):
        yield f"The digits of {row.key}(...) are a whole number from -{MOST_DIGITS} to {MOST_DIGITS}."
    found = {gives(item) for item in node.of}
    if "text" in found or (row.takes == "numbers" and "date" in found):
        yield f"{row.key}(...) takes numbers{' or dates' if row.takes == 'alike' else ''}."
    elif "date" in found and len(found) > 1:
        yield f"{row.key}(...) takes numbers or dates, not both; write date(...) around a trait that holds a date."


def _is_digits(node: f.Formula) -> bool:
    return isinstance(node, f.Number) and isinstance(node.value, int) and abs(node.value) <= MOST_DIGITS
