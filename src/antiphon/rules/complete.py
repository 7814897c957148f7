"""Completion: what may stand at a place in a rule's or formula's text.

The words come from the grammar: the parser is fed what stands before, and says which terminals it would take. What a name
there would be (an event, a property, a trait, a segment) is found by letting the parser take one and looking at which rule
of the grammar it goes to. So whatever is added to the tables of operators and aggregates completes by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol

import msgspec
from lark import Token, Tree, UnexpectedInput
from lark.parsers.lalr_interactive_parser import InteractiveParser

from antiphon.model.subject import SubjectKind
from antiphon.rules import render, tree
from antiphon.rules.builder import unquote
from antiphon.rules.formula_text import formula_parser
from antiphon.rules.grammar import OWNERS, SYMBOLS
from antiphon.rules.text import MAX_TEXT, parser

Language = Literal["rule", "formula"]
ItemKind = Literal["keyword", "operator", "unit", "event", "property", "value", "trait", "segment"]

MOST_ITEMS = 60
"""Items answered at most."""

_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|$)')
_SIGNS = "<>=!"
_WORD = re.compile(r"[\w$.:*\-/]+$|[<>=!]+$")
_MARK = "completion_mark"
_SYMBOL = {f"_{name}": symbol for symbol, name in SYMBOLS.items()}
_PHRASE_WORDS = 4
_SLOTS: dict[str, ItemKind] = {
    "exact": "event",
    "trait_name": "trait",
    "quoted_trait": "trait",
    "name": "property",
}
_NAMED = ("name", "trait_name", "quoted_trait", "owned_trait")


class CompletionItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may stand at the place: shown as `label`; `insert` replaces the text from `start` to `end`.

    Positions are 0-based offsets in characters (code points).
    """

    label: str
    kind: ItemKind
    insert: str
    start: int
    end: int
    detail: str = ""


class Seen(Protocol):
    """What has really been seen, the most frequent first."""

    def events(self) -> Iterable[str]:
        """Names of events."""
        ...

    def properties(self, event: str | None) -> Iterable[str]:
        """Properties of an event (None: of any)."""
        ...

    def values(self, event: str | None, name: str) -> Iterable[tree.Scalar]:
        """Values of a property."""
        ...

    def traits(self, kind: SubjectKind) -> Iterable[str]:
        """Traits of users or companies."""
        ...

    def trait_values(self, kind: SubjectKind, name: str) -> Iterable[tree.Scalar]:
        """Values of a trait."""
        ...

    def segments(self, kind: SubjectKind) -> Iterable[str]:
        """Rules whose segments can be read."""
        ...


def complete(
    text: str, position: int, kind: SubjectKind, seen: Seen, language: Language = "rule"
) -> list[CompletionItem]:
    """What may stand at `position` in a rule or formula about `kind`; nothing where the text before it is wrong already."""
    position = max(0, min(position, len(text), MAX_TEXT))
    before = text[:position]
    start = _start(before)
    end = _end(text, start, position)
    found = _at(text, before[start:], start, end, kind, seen, language)
    if start < position and before[start] in _SIGNS:  # `status=`: the operator may go on, or its value may come
        found += _at(text, "", position, position, kind, seen, language)
    return found[:MOST_ITEMS]


def _at(
    text: str, partial: str, start: int, end: int, kind: SubjectKind, seen: Seen, language: Language
) -> list[CompletionItem]:
    """What may stand in the place of `partial`, which begins at `start`."""
    at = _parse_up_to(text[:start], language)
    if at is None:
        return []
    accepted = at.accepts()
    words = [] if partial.startswith('"') else _fitting(_words(at, accepted, start, end), partial, MOST_ITEMS)
    names = _fitting(_names(at, accepted, kind, seen, start, end), partial, max(0, MOST_ITEMS - len(words)))
    return sorted([*names, *words], key=lambda item: not _begins(item, partial))


def _start(before: str) -> int:
    """Where the word, or the text in quotes, that is being written begins."""
    after = 0
    for found in _QUOTED.finditer(before):
        if not found.group().endswith('"') or len(found.group()) == 1:
            return found.start()
        after = found.end()
    word = _WORD.search(before, after)
    return len(before) if word is None else word.start()


def _end(text: str, start: int, position: int) -> int:
    """The end of what is replaced: the rest of a text in quotes belongs to it, the rest of a word does not."""
    if text[start : start + 1] == '"' and text[position : position + 1] == '"':
        return position + 1
    return position


def _parse_up_to(text: str, language: Language) -> InteractiveParser | None:
    if language == "formula":
        at = formula_parser().parse_interactive(text, start="formula_start")
    else:
        at = parser().parse_interactive(text, start="start")
    try:
        at.exhaust_lexer()
    except UnexpectedInput:
        return None
    return at


# -- words of the language ---------------------------------------------------------------------------------------


def _words(at: InteractiveParser, accepted: set[str], start: int, end: int) -> Iterator[CompletionItem]:
    for terminal in sorted(accepted):
        if terminal.startswith("_K_"):
            phrase = _phrase(at, terminal)
            yield CompletionItem(label=phrase, kind="keyword", insert=f"{phrase} ", start=start, end=end)
        elif terminal in _SYMBOL:
            symbol = _SYMBOL[terminal]
            yield CompletionItem(label=symbol, kind="operator", insert=f"{symbol} ", start=start, end=end)
        elif terminal == "UNIT":
            for unit in tree.UNIT_MS:
                yield CompletionItem(label=unit, kind="unit", insert=unit, start=start, end=end)


_State = tuple[str, tuple[int, ...], str]
"""Where a parser stands: its start (each parser numbers its states in its own way), its states, and a terminal."""

_phrases: dict[_State, str] = {}
_MOST_PHRASES = 20_000


def _phrase(at: InteractiveParser, terminal: str) -> str:
    """A word with those that must follow it: `in` alone is of no use where only `in the last` is meant."""
    key = _state(at, terminal)
    known = _phrases.get(key)
    if known is None:
        if len(_phrases) >= _MOST_PHRASES:
            _phrases.clear()
        known = _phrases[key] = _longest(at, terminal)
    return known


def _longest(at: InteractiveParser, terminal: str) -> str:
    words = [_word(terminal)]
    probe = at.copy()
    while len(words) < _PHRASE_WORDS:
        probe.feed_token(Token(terminal, words[-1]))
        follow = probe.accepts()
        if len(follow) != 1:
            break
        (terminal,) = follow
        if terminal == "LPAR":
            words.append("(")
            break
        if not terminal.startswith("_K_"):
            break
        words.append(_word(terminal))
    return " ".join(words)


def _state(at: InteractiveParser, terminal: str) -> _State:
    state = at.parser_state
    return state.parse_conf.start, tuple(state.state_stack), terminal


def _word(terminal: str) -> str:
    return terminal[3:].lower()


# -- names and values --------------------------------------------------------------------------------------------


def _names(
    at: InteractiveParser, accepted: set[str], kind: SubjectKind, seen: Seen, start: int, end: int
) -> Iterator[CompletionItem]:
    stack = at.parser_state.value_stack
    slots = _slots(at, accepted)
    event = _last_event(stack)

    def items(of: ItemKind, names: Iterable[tuple[str, str]], detail: str = "") -> Iterator[CompletionItem]:
        for label, insert in names:
            yield CompletionItem(label=label, kind=of, insert=insert, start=start, end=end, detail=detail)

    if "event" in slots:
        yield from items("event", ((name, render.name(name)) for name in seen.events()))
    if "segment" in slots:
        yield from items("segment", ((name, render.name(name)) for name in seen.segments(kind)))
    if "property" in slots:
        yield from items("property", ((name, render.name(name)) for name in seen.properties(event)), event or "")
    if "trait" in slots:
        yield from items("trait", ((name, render.trait_name(name, "own")) for name in seen.traits(kind)), kind)
        if kind == "user":
            company = ((f"company.{name}", render.trait_name(name, "company")) for name in seen.traits("company"))
            yield from items("trait", company, "company")
    if "value" in slots:
        values = _values(stack, event, kind, seen)
        wanted = [value for value in values if _fits(value, accepted)]
        yield from items("value", ((render.scalar(value), render.scalar(value)) for value in wanted))


def _slots(at: InteractiveParser, accepted: set[str]) -> set[ItemKind]:
    key = _state(at, _last_terminal(at))
    known = _known_slots.get(key)
    if known is None:
        if len(_known_slots) >= _MOST_PHRASES:
            _known_slots.clear()
        known = _known_slots[key] = frozenset(_found_slots(at, accepted))
    return set(known)


_known_slots: dict[_State, frozenset[ItemKind]] = {}


def _found_slots(at: InteractiveParser, accepted: set[str]) -> Iterator[ItemKind]:
    """What a name or a text in quotes would be here: the rule of the grammar that it is reduced to."""
    for terminal, written in (("NAME", _MARK), ("STRING", f'"{_MARK}"')):
        if terminal not in accepted:
            continue
        taken = at.copy()
        taken.feed_token(Token(terminal, written))
        rules: set[str] = set()
        for following in taken.accepts():
            probe = taken.copy()
            probe.feed_token(Token(following, "" if following == "$END" else _sample(following)))
            rules.update(_rules_of_mark(probe.parser_state.value_stack))
        segment = _last_terminal(at) == "_K_SEGMENT"
        for rule in rules & _SLOTS.keys():
            yield "segment" if segment else _SLOTS[rule]
        if terminal == "STRING" and not rules & {*_SLOTS, "words"}:  # a formula's own text is nobody's value
            yield "value"


def _sample(terminal: str) -> str:
    return {"NUMBER": "1", "UNIT": "days"}.get(terminal, "x")


def _rules_of_mark(values: Iterable[Any]) -> Iterator[str]:
    """The rules whose node holds the mark itself."""
    for value in values:
        if isinstance(value, Tree):
            for node in value.iter_subtrees():
                if any(isinstance(child, Token) and _MARK in child for child in node.children):
                    yield str(node.data)


def _last_terminal(at: InteractiveParser) -> str:
    stack = at.parser_state.value_stack
    return stack[-1].type if stack and isinstance(stack[-1], Token) else ""


def _last_event(stack: list[Any]) -> str | None:
    """The event whose selector is being written; None for a pattern or when there is none."""
    for value in reversed(stack):
        if isinstance(value, Tree):
            for node in value.iter_subtrees_topdown():
                if node.data == "exact":
                    return _unquoted(node.children[0])
                if node.data in ("wildcard", "regex"):
                    return None
    return None


def _values(stack: list[Any], event: str | None, kind: SubjectKind, seen: Seen) -> Iterable[tree.Scalar]:
    """Values of what stands before: a property of an event, or a trait."""
    for value in reversed(stack):
        if not isinstance(value, Tree):
            continue
        for node in value.iter_subtrees():
            if node.data not in _NAMED:
                continue
            name = _unquoted(node.children[-1])
            if node.data == "name":
                return seen.values(event, name)
            owner, dot, rest = name.partition(".")
            if node.data == "owned_trait":
                owner, rest, dot = str(node.children[0]).rstrip("."), name, "."
            elif node.data == "quoted_trait" or owner not in OWNERS:
                owner, rest, dot = "own", name, "."
            of_company = dot and owner == "company"
            return seen.trait_values("company" if of_company else kind, rest)
    return ()


def _unquoted(token: Any) -> str:
    return unquote(token) if isinstance(token, Token) else str(token)


def _fits(value: tree.Scalar, accepted: set[str]) -> bool:
    if isinstance(value, bool):
        return "_K_TRUE" in accepted
    return "STRING" in accepted if isinstance(value, str) else "NUMBER" in accepted


# -- choosing ----------------------------------------------------------------------------------------------------


def _fitting(items: Iterable[CompletionItem], partial: str, most: int) -> list[CompletionItem]:
    """Those that go with what is written already, in their order; one with it inside only while there is room."""
    beginning: dict[tuple[str, str], CompletionItem] = {}
    inside: dict[tuple[str, str], CompletionItem] = {}
    for item in items:
        if len(beginning) >= most:
            break
        if _begins(item, partial):
            beginning.setdefault((item.kind, item.label), item)
        elif len(inside) < most and _bare(partial) in _bare(item.label):
            inside.setdefault((item.kind, item.label), item)
    return [*beginning.values(), *inside.values()][:most]


def _begins(item: CompletionItem, partial: str) -> bool:
    return _bare(item.label).startswith(_bare(partial))


def _bare(text: str) -> str:
    return text.strip('"').lower()
