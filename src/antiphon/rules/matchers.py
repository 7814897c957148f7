"""Operators as matchers of PromQL labels: (operator, pattern). A label is a text, and one that is missing is empty."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from antiphon.rules.values import written

Matcher = Callable[[Any], tuple[str, str]]

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def label_text(value: Any) -> str:
    """A value as a label holds it: its text form."""
    return written(value) or ""


def same(operator: str) -> Matcher:
    """The label is, or is not, the value itself."""
    return lambda operand: (operator, label_text(operand))


def one_of(operator: str) -> Matcher:
    """The label is, or is not, one of a list."""
    return lambda operand: (operator, "|".join(literal(item) for item in operand))


def around(before: str, after: str) -> Matcher:
    """The label has the value in it, with patterns around it; patterns of PromQL always cover the whole label."""
    return lambda operand: ("=~", f"{before}{literal(operand)}{after}")


def wildcard(operand: Any) -> tuple[str, str]:
    """The label fits a pattern with `*`."""
    return "=~", ".*".join(literal(part) for part in label_text(operand).split("*"))


def regex(operand: Any) -> tuple[str, str]:
    """The expression is found anywhere in the label."""
    return "=~", f".*(?:{operand}).*"


def literal(value: Any) -> str:
    """A value as a pattern that matches only itself."""
    return _SPECIAL.sub(r"\\\1", label_text(value))
