"""What rules and computed traits have in common on their way in: one text, one tree, either of which may be sent."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Annotated, Any

import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.web.context import RuleFaces

Description = Annotated[str, msgspec.Meta(max_length=2_000)]


def faces_of(
    text: str | None,
    tree: dict[str, Any] | None,
    kind: SubjectKind,
    *,
    parse: Callable[[str, SubjectKind], RuleFaces],
    read: Callable[[dict[str, Any], SubjectKind], RuleFaces],
    names: tuple[str, str],
) -> RuleFaces:
    """The faces of what was sent as text (`parse`) or as a tree (`read`), of which exactly one must be there.

    `names` are what it is called and the tree's field. InvalidInput, RuleSyntaxError.
    """
    if (text is None) == (tree is None):
        raise InvalidInput(f"Send the {names[0]} as `text` or as `{names[1]}`, one of the two.")
    return read(tree, kind) if tree is not None else parse(text or "", kind)


class Stopwatch:
    """Says how long something took."""

    def __init__(self) -> None:
        """Starts."""
        self._started = perf_counter()

    def ms(self) -> float:
        """Milliseconds since the start, with one digit."""
        return round((perf_counter() - self._started) * 1_000, 1)
