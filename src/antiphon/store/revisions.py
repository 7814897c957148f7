"""What people make is saved with the revision that they read, so that nobody overwrites a colleague."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import msgspec

from antiphon.errors import Conflict


class Made(Protocol):
    """A rule, a computed trait, an email or a workflow, as stored; `updated_at` in ms since the epoch."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def revision(self) -> int:
        """Counts its changes."""
        ...

    @property
    def updated_at(self) -> int:
        """When it was changed last."""
        ...


M = TypeVar("M", bound=Made)


def at_revision(stored: M, revision: int) -> M:
    """`stored` itself, where it is still what was read at `revision`. Conflict."""
    if stored.revision != revision:
        raise Conflict(
            f"Someone changed “{stored.name}” since you opened it. Reload to see their version.",
            revision=stored.revision,
            updated_at=stored.updated_at,
        )
    return stored


def name_taken(noun: str, name: str) -> Conflict:
    """The error for a name that another one has; `noun` with its article."""
    return Conflict(f"There is {noun} called “{name}” already. Choose another name.", field="name")


def same_meaning(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether two trees say the same. As Python values 1 and true would be equal, so their JSON is compared."""
    return msgspec.json.encode(before, order="deterministic") == msgspec.json.encode(after, order="deterministic")
