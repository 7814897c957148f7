"""The text form, read: one line that a person can write; text -> tree -> text is stable (see `render.py`)."""

from __future__ import annotations

from functools import lru_cache

from lark import Lark

from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.builder import Built, build
from antiphon.rules.grammar import grammar
from antiphon.rules.syntax import nonsense, reading
from antiphon.rules.validate import problems, selector_problems

MAX_TEXT = 20_000
"""Longest text taken, in characters."""


def parse(text: str, subject_kind: SubjectKind = "user") -> tree.Tree:
    """Read a rule about a subject kind.

    Raises RuleSyntaxError; its details hold `position`, `line`, `column`, `expected` and `suggestion`.
    """
    built = _read(text, "start")
    rule: tree.Tree = built.node
    nodes = dict(tree.walk(rule)) if tree.depth(rule) <= tree.MAX_DEPTH else {}
    for path, problem in problems(rule, subject_kind):
        raise nonsense(text, built.positions.get(id(nodes.get(path)), 0), problem)
    return rule


def parse_selector(text: str) -> tree.Selector:
    """Read a selector alone: `api_call where status = 400`.

    Raises RuleSyntaxError, as `parse` does.
    """
    selector: tree.Selector = _read(text, "selector_start").node
    for problem in selector_problems(selector):
        raise nonsense(text, 0, problem)
    return selector


def _read(text: str, start: str) -> Built:
    return reading(
        text, lambda: build(parser().parse(text, start=start)), noun="rule", most=MAX_TEXT, too_deep=tree.TOO_DEEP
    )


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser of the grammar, made once."""
    return Lark(
        grammar(), parser="lalr", lexer="contextual", start=["start", "selector_start"], propagate_positions=True
    )
