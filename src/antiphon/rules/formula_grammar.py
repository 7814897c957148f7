"""The grammar of formulas: that of rules, with sums, products and functions around the same aggregates and traits."""

from __future__ import annotations

from antiphon.rules import grammar
from antiphon.rules.formula_functions import DATE, FUNCTIONS

_FORMULA = r"""
formula_start: formula

?formula: sum | _K_IF condition _K_THEN formula _K_ELSE formula -> choice
?sum: product | sum "+" product -> plus | sum "-" product -> minus
?product: part | product "*" part -> times | product "/" part -> over
?part: "-" part -> negative
     | NUMBER -> number
     | STRING -> words
     | duration
     | _K_NOW -> now
     | _K_TODAY -> this_day
     | trait_value -> input
     | aggregate [window] -> measured
     | "(" formula ")"
     | call
"""


def formula_words() -> list[str]:
    """The words of formulas that are not those of rules."""
    known = set(grammar.keywords())
    words = ["if", "then", "else", "now", DATE, *(row.key for row in FUNCTIONS)]
    return [word for word in words if word not in known]


def formula_grammar() -> str:
    """The whole grammar; its start is `formula_start`."""
    calls = [f'_K_{key.upper()} "(" formula ("," formula)* ","? ")" -> call_{key}' for key in _functions()]
    terminals = [rf"_K_{word.upper()}.2: /{word}(?![\w.:*\-])/i" for word in formula_words()]
    return "\n".join([grammar.grammar(), _FORMULA, f"call: {' | '.join(calls)}", *terminals])


def _functions() -> list[str]:
    return [*(row.key for row in FUNCTIONS), DATE]
