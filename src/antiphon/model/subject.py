"""Subjects: whom a rule is about."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SubjectKind = Literal["user", "company"]
"""What a rule can be about."""

StateKind = Literal["user", "anonymous", "company"]
"""What state is kept for; an anonymous subject joins the user that it is linked to."""


class SubjectKey(msgspec.Struct, frozen=True, order=True):
    """Identity of a piece of state."""

    kind: StateKind
    id: str


class Profile(msgspec.Struct, kw_only=True):
    """A user or company as people see it; times in ms since the epoch."""

    kind: StateKind
    id: str
    traits: dict[str, Any]
    company_id: str | None = None
    first_seen: int
    last_seen: int
