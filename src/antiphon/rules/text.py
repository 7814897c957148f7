"""The text form, read: one line that a person can write; text -> tree -> text is stable (see `render.py`)."""

from __future__ import annotations

from functools import lru_cache

from lark import Lark, UnexpectedInput
from lark.exceptions import VisitError

from antiphon.errors import RuleSyntaxError
from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.builder import Built, build
from antiphon.rules.grammar import grammar
from antiphon.rules.syntax import place, syntax_error
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
        raise _nonsense(text, built.positions.get(id(nodes.get(path)), 0), problem)
    return rule


def parse_selector(text: str) -> tree.Selector:
    """Read a selector alone: `api_call where status = 400`.

    Raises RuleSyntaxError, as `parse` does.
    """
    selector: tree.Selector = _read(text, "selector_start").node
    for problem in selector_problems(selector):
        raise _nonsense(text, 0, problem)
    return selector


def _read(text: str, start: str) -> Built:
    if len(text) > MAX_TEXT:
        raise _nonsense(text, MAX_TEXT, f"A rule's text has at most {MAX_TEXT} characters.")
    try:
        return build(parser().parse(text, start=start))
    except UnexpectedInput as error:
        raise syntax_error(text, error) from error
    except VisitError as error:
        if isinstance(error.orig_exc, RuleSyntaxError):
            position = error.orig_exc.details.get("position", 0)
            raise _nonsense(text, position if isinstance(position, int) else 0, error.orig_exc.message) from error
        raise
    except RecursionError as error:
        raise _nonsense(text, 0, tree.TOO_DEEP) from error


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser of the grammar, made once."""
    return Lark(
        grammar(), parser="lalr", lexer="contextual", start=["start", "selector_start"], propagate_positions=True
    )


def _nonsense(text: str, position: int, message: str) -> RuleSyntaxError:
    return RuleSyntaxError(message, expected=[], suggestion=None, **place(text, position))
