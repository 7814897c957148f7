"""The grammar of the text form, made from the tables of operators and aggregates (LALR, for lark)."""

from __future__ import annotations

import re

from antiphon.rules.aggregates import AGGREGATES
from antiphon.rules.dates import DATE_OPERATORS
from antiphon.rules.operators import OPERATORS

NAME = r"[^\W\d][\w$]*(?:[.:\-][\w$]+)*"
"""A name that needs no quotes."""

SYMBOLS = {"=": "EQ", "!=": "NE", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}

OWNERS = ("own", "user", "company")

_OPERANDS = {
    "scalar": "scalar",
    "ordered": "ordered",
    "text": "text",
    "pattern": "pattern",
    "regex": "text",
    "list": "list",
    "none": "",
}

_WORDS = """
    all any none at least of where and matching in the last ever today this week month known for segment not to true
    false did then within since between billing period yearly from time zone its average over previous
"""

_FIXED = r"""
start: condition
selector_start: selector

?condition: group | measure | trait | segment | sequence | follow_up

?group: _K_ALL _K_OF "(" _items ")" -> all_of
      | _K_ANY _K_OF "(" _items ")" -> any_of
      | _K_NONE _K_OF "(" _items ")" -> none_of
      | _K_AT _K_LEAST NUMBER _K_OF "(" _items ")" -> at_least
_items: condition (";" condition)* ";"?

measure: aggregate [window] comparison [_known]
_known: ","? _K_KNOWN _K_FOR _K_AT _K_LEAST duration

sequence: _K_DID selector ("," _K_THEN selector)+ "," _K_WITHIN duration
follow_up: _K_DID selector "," _K_THEN _K_NOT selector "," _K_FOR duration

selector: event [_where]
event: NAME -> exact | STRING -> exact | WILDCARD -> wildcard
     | _K_MATCHING STRING -> wildcard | _K_MATCHING _K_REGEX STRING -> regex
_where: _K_WHERE predicate (_K_AND predicate)*
predicate: name operation

window: _K_IN _K_THE _K_LAST span -> last
      | _K_EVER -> ever
      | _K_TODAY [_zone] -> today
      | _K_THIS _K_WEEK [_zone] -> this_week
      | _K_THIS _K_MONTH [_zone] -> this_month
      | _K_THIS _K_BILLING _K_PERIOD [_from] -> billed_monthly
      | _K_THIS _K_YEARLY _K_BILLING _K_PERIOD [_from] -> billed_yearly
      | _K_SINCE trait_name -> since
      | _K_WITHIN duration _K_OF trait_name -> within
      | _K_BETWEEN DATE _K_AND DATE -> between
_zone: _K_IN _K_THE WHOSE _K_TIME _K_ZONE
_from: _K_FROM trait_name

target: scalar -> literal | duration | NUMBER "%" -> percent
      | trait_value -> whole_trait | NUMBER "%" _K_OF trait_value -> part_of_trait
      | _baseline -> whole_baseline | NUMBER "%" _K_OF _baseline -> part_of_baseline
_baseline: _K_ITS _K_AVERAGE _K_OVER _K_THE _K_PREVIOUS span
?trait_value: NAME -> trait_name | OWNER STRING -> owned_trait

trait: trait_name (operation | date_operation)
?trait_name: NAME -> trait_name | STRING -> quoted_trait | OWNER STRING -> owned_trait

segment: _K_IN _K_SEGMENT name -> inside | _K_NOT _K_IN _K_SEGMENT name -> outside

name: NAME | STRING
duration: NUMBER UNIT
?span: duration | UNIT -> one
scalar: STRING | NUMBER | _K_TRUE -> true | _K_FALSE -> false
ordered: STRING | NUMBER
text: STRING
pattern: STRING | PATTERN
list: "(" scalar ("," scalar)* ","? ")"

STRING: /"(?:[^"\\\n]|\\.)*"/
NUMBER: /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/
UNIT.3: /(?:minutes?|hours?|days?|weeks?|months?)(?![\w.:*\-])/i
DATE.3: /\d{4}-\d{2}-\d{2}(?![\w.:*\-])/
WHOSE.3: /(?:user|company)'s(?![\w])/i
OWNER.3: /(?:own|user|company)\.(?=")/
WILDCARD.1: /[\w$.:\-]*\*[\w$.:\-*]*/
PATTERN: /[^\s;,()"]+/
%ignore /\s+/
"""


def _terminal(word: str) -> str:
    return f"_{SYMBOLS[word]}" if word in SYMBOLS else f"_K_{word.upper()}"


def alias(key: str) -> str:
    """An operator's key as it may stand in a grammar."""
    return SYMBOLS.get(key, key).lower()


def _sequence(text: str) -> str:
    return " ".join(_terminal(word) for word in text.split())


def keywords() -> list[str]:
    """The words that the text form is made of."""
    texts = [_WORDS, "regex", *(row.text for row in (*OPERATORS, *AGGREGATES))]
    texts += [f"{row.before} {row.after}" for row in DATE_OPERATORS]
    words = dict.fromkeys(word for text in texts for word in text.split())
    return [word for word in words if word not in SYMBOLS]


def grammar() -> str:
    """The whole grammar."""
    operations = [f"{_sequence(row.text)} {_OPERANDS[row.operand]} -> op_{alias(row.key)}" for row in OPERATORS]
    comparisons = [f"{_terminal(row.text)} target -> compare_{alias(row.key)}" for row in OPERATORS if row.compare]
    dates = [f"{_sequence(row.before)} span {_sequence(row.after)} -> date_{row.key}" for row in DATE_OPERATORS]
    follow = {"selector": "selector", "property": "name _K_OF selector", "ratio": "selector _K_TO selector"}
    aggregates = [f"{_sequence(row.text)} {follow[row.form]} -> agg_{row.key}" for row in AGGREGATES]
    rules = {"operation": operations, "comparison": comparisons, "date_operation": dates, "aggregate": aggregates}
    made = [f"{name}: {' | '.join(choices)}" for name, choices in rules.items()]
    terminals = [rf"_K_{word.upper()}.2: /{re.escape(word)}(?![\w.:*\-])/i" for word in keywords()]
    terminals += [f'_{name}: "{symbol}"' for symbol, name in SYMBOLS.items()]
    return "\n".join([_FIXED, f"NAME: /{NAME}/", *made, *terminals])
