"""The text form of a formula, read and written; text -> formula -> text is stable."""

from __future__ import annotations

from functools import lru_cache

from lark import Lark, Token
from lark.tree import Meta
from lark.visitors import v_args

from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, render
from antiphon.rules import formula as f
from antiphon.rules.builder import RuleBuilder, unquote
from antiphon.rules.formula_check import check
from antiphon.rules.formula_grammar import formula_grammar, formula_words
from antiphon.rules.syntax import nonsense, reading
from antiphon.rules.tree import Ever

MAX_TEXT = 5_000
"""Longest text taken, in characters."""


def parse_formula(text: str, subject_kind: SubjectKind = "user") -> f.Formula:
    """Read a formula about a subject kind.

    Raises RuleSyntaxError; its details hold `position`, `line`, `column`, `expected` and `suggestion`.
    """
    builder = _FormulaBuilder()

    def read() -> f.Formula:
        return builder.transform(formula_parser().parse(text, start="formula_start"))

    found = reading(text, read, noun="formula", most=MAX_TEXT, too_deep=f.TOO_DEEP)
    for node, problem in check(found, subject_kind):
        raise nonsense(text, builder.places.get(id(node), 0), problem)
    return found


@lru_cache(maxsize=1)
def formula_parser() -> Lark:
    """The parser of the grammar, made once."""
    return Lark(formula_grammar(), parser="lalr", lexer="contextual", start=["formula_start"], propagate_positions=True)


@v_args(meta=True)  # pyright: ignore[reportUntypedClassDecorator] - lark's decorator gives the class back
class _FormulaBuilder(RuleBuilder):  # pyright: ignore[reportGeneralTypeIssues, reportUntypedBaseClass] - as above
    """One method for each rule of the grammar that is a formula's own; remembers where each node begins."""

    def __init__(self) -> None:
        """Start with no places."""
        super().__init__()
        self.places: dict[int, int] = {}

    def __default__(self, data: object, children: list[f.Formula], meta: Meta) -> object:
        """Functions, and what rules have of tables."""
        made, _, key = str(data).partition("_")
        if made == "call":
            return self._placed(meta, f.Call(key, tuple(children)))
        return super().__default__(data, children, meta)

    def _placed(self, meta: Meta, node: f.Formula) -> f.Formula:
        self.places[id(node)] = meta.start_pos
        return node

    def formula_start(self, _: Meta, children: list[f.Formula]) -> f.Formula:
        """The whole text."""
        return children[0]

    def choice(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """`if C then A else B`."""
        condition, then, otherwise = children
        return self._placed(meta, f.Choice(condition, then, otherwise))  # pyright: ignore[reportArgumentType] - lark gives no types

    def plus(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """`A + B`."""
        return self._placed(meta, f.Operation("+", *children))

    def minus(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """`A - B`."""
        return self._placed(meta, f.Operation("-", *children))

    def times(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """`A * B`."""
        return self._placed(meta, f.Operation("*", *children))

    def over(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """`A / B`."""
        return self._placed(meta, f.Operation("/", *children))

    def negative(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """`-A`."""
        return self._placed(meta, f.Negative(children[0]))

    def number(self, meta: Meta, children: list[Token]) -> f.Formula:
        """A number."""
        return self._placed(meta, f.Number(self.scalar(meta, children)))

    def words(self, meta: Meta, children: list[Token]) -> f.Formula:
        """A text in quotes."""
        return self._placed(meta, f.Words(unquote(children[0])))

    def now(self, meta: Meta, _: list[Token]) -> f.Formula:
        """`now`."""
        return self._placed(meta, f.Now())

    def this_day(self, meta: Meta, _: list[Token]) -> f.Formula:
        """`today`, as a date."""
        return self._placed(meta, f.Today())

    def input(self, meta: Meta, children: list[tuple[str, str]]) -> f.Formula:
        """A trait."""
        owner, name = children[0]
        return self._placed(meta, f.TraitInput(name, owner))  # pyright: ignore[reportArgumentType] - one of OWNERS

    def measured(self, meta: Meta, children: list[f.Formula]) -> f.Formula:
        """An aggregate over a window."""
        aggregate, window = children
        return self._placed(meta, f.Measured(aggregate, window or Ever()))  # pyright: ignore[reportArgumentType] - lark gives no types


# -- written -----------------------------------------------------------------------------------------------------

_LOOSE, _SUM, _PRODUCT, _PART = range(4)
"""How tightly a text binds: an `if`, a sum, a product, anything else."""

_BINDS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}


def render_formula(node: f.Formula) -> str:
    """A formula as one line of text; brackets stand where they are needed."""
    return _written(node)[0]


def _written(node: f.Formula) -> tuple[str, int]:  # noqa: PLR0911 - one line for each kind of node
    if isinstance(node, f.Operation):
        binds = _BINDS[node.sign]
        return f"{_inside(node.left, binds)} {node.sign} {_inside(node.right, binds + 1)}", binds
    if isinstance(node, f.Choice):
        condition = render.render(node.condition)
        return f"if {condition} then {render_formula(node.then)} else {render_formula(node.otherwise)}", _LOOSE
    if isinstance(node, f.Call):
        return f"{node.function}({', '.join(render_formula(item) for item in node.of)})", _PART
    if isinstance(node, f.Negative):
        inside = (
            f"({render_formula(node.of)})" if isinstance(node.of, (f.Number, f.Duration)) else _inside(node.of, _PART)
        )
        return f"-{inside}", _PART
    if isinstance(node, f.Measured):
        bare = isinstance(node.window, Ever) and aggregates.by_key()[node.aggregate.kind].gives in ("age", "value")
        over = "" if bare else f" {render.window(node.window)}"
        return f"{render.aggregate(node.aggregate)}{over}", _PART
    if isinstance(node, f.TraitInput):
        return _trait(node), _PART
    if isinstance(node, f.Now):
        return "now", _PART
    if isinstance(node, f.Today):
        return "today", _PART
    return (render.quoted(node.value) if isinstance(node, f.Words) else render.target(_plain(node))), _PART


def _plain(node: f.Number | f.Duration) -> int | float | f.Duration:
    return node.value if isinstance(node, f.Number) else node


def _inside(node: f.Formula, binds: int) -> str:
    text, own = _written(node)
    return text if own >= binds else f"({text})"


def _trait(node: f.TraitInput) -> str:
    """A trait's name; quoted with its owner where it would read as a word of the formula."""
    if node.owner == "own" and node.name.lower() in formula_words():
        return f"own.{render.quoted(node.name)}"
    return render.trait_name(node.name, node.owner, quotes=False)
