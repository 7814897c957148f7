"""An absence needs an observed past: how long a subject must have been known for a condition to hold."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.rules import tree
from antiphon.rules.values import number
from antiphon.rules.windows import EverFrame, Frame

KnownAt = Callable[[int], int | None]
"""From a subject's first_seen, when it is known for long enough (ms); None: never."""


def known_from(node: tree.Measure, window: Frame | None) -> KnownAt | None:
    """From when on the subject is known for long enough for this condition; None when it need not be.

    An absence asks for the window's whole length, unless the rule says otherwise. Where there is no window (None), since its
    trait is missing, there is no value: then it matters to `!=`, which holds.
    """
    length = needed_length(node)
    if length is not None:
        return (lambda first_seen: first_seen + length) if length else None
    if is_absence(node) and window is not None and not isinstance(window, EverFrame):
        return window.known_at
    return None


def is_absence(node: tree.Measure) -> bool:
    """Whether a condition says that something did not happen: only a count of nothing makes it true."""
    if node.aggregate.kind not in ("count", "days_active", "distinct"):
        return False
    limit = number(node.value)
    if limit is None:
        return False
    return (node.op in ("=", "<=") and limit == 0) or (node.op == "<" and 0 < limit <= 1)


def needed_length(node: tree.Measure) -> int | None:
    """How long (ms) a subject must have been known, where that does not depend on where a window's edges lie.

    A baseline asks for the window's length and that of the windows before, unless the rule says otherwise.
    """
    if node.known_for is not None:
        return node.known_for.ms
    if isinstance(node.value, tree.Baseline) and isinstance(node.window, tree.Last):
        return node.window.length.ms + node.value.over.ms
    return None


def depends_on_known(node: tree.Measure) -> bool:
    """Whether a condition's truth depends on how long the subject has been known."""
    length = needed_length(node)
    return bool(length) if length is not None else is_absence(node) and not isinstance(node.window, tree.Ever)


def latest_first_seen(node: tree.Measure, window: Frame, now: int) -> int | None:
    """The same as `known_from`, seen from `now`: who was first seen by then is known for long enough.

    None when nobody is; it is only asked where `depends_on_known`.
    """
    length = needed_length(node)
    return window.known_by(now) if length is None else now - length
