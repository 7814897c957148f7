"""What users and companies have in common on the page: profiles, pages of them, memberships."""

from __future__ import annotations

from typing import Any

import msgspec

from antiphon.model.subject import StateKind


class ProfileOut(msgspec.Struct, kw_only=True):
    """A user or company; `name` and `email` are picked from the traits, times in ms since the epoch."""

    kind: StateKind
    id: str
    name: str | None
    email: str | None
    traits: dict[str, Any]
    company_id: str | None
    first_seen: int
    last_seen: int


class ProfilePage(msgspec.Struct, kw_only=True):
    """Profiles, last seen first; `total` counts everything that the filter takes."""

    items: list[ProfileOut]
    next_cursor: str | None
    total: int


class Membership(msgspec.Struct, kw_only=True):
    """A rule that a subject is or was in; `episode` counts its stays from 1, `since` is when this one began or ended."""

    rule_id: int
    name: str
    member: bool
    episode: int
    since: int


class ReasonedCondition(msgspec.Struct, kw_only=True):
    """One condition of a rule for one subject.

    `path` is its place in the tree, `depth` how deep to indent it; `value` and `needed` are in words, None for a group.
    """

    path: str
    depth: int
    text: str
    value: str | None
    needed: str | None
    met: bool
    recheck_at: int | None


class MessageReason(msgspec.Struct, kw_only=True):
    """Why a workflow that hangs on the rule did or did not send; `outcome` is in words, from what was stored."""

    workflow_id: int
    workflow_name: str
    outcome: str
    at: int | None
    message_id: int | None


class Explanation(msgspec.Struct, kw_only=True):
    """Why a subject is, or is not, in a rule."""

    rule_id: int
    rule_name: str
    subject_id: str
    member: bool
    episode: int
    since: int | None
    met: bool
    recheck_at: int | None
    as_of: int
    conditions: list[ReasonedCondition]
    messages: list[MessageReason]
