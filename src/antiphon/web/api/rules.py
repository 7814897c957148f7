"""Rules: written, parsed, counted, switched on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import Parameter
from litestar.status_codes import HTTP_200_OK

from antiphon.model.subject import SubjectKind

Status = Literal["draft", "active", "archived"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=20_000)]


class RuleOut(msgspec.Struct, kw_only=True):
    """A rule; `members` counts who is in it now, `filled` says whether evaluation has caught up with this version."""

    id: int
    name: str
    description: str
    subject_kind: SubjectKind
    status: Status
    version: int
    revision: int
    text: str
    tree: dict[str, Any]
    sentence: str
    members: int
    filled: bool
    created_at: int
    updated_at: int


class RuleList(msgspec.Struct, kw_only=True):
    """Rules by name."""

    items: list[RuleOut]


class RuleSource(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A rule as `text` or as `tree` (one of the two)."""

    subject_kind: SubjectKind = "user"
    text: Text | None = None
    tree: dict[str, Any] | None = None


class RuleCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new rule, as `text` or as `tree` (one of the two)."""

    name: Name
    description: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    subject_kind: SubjectKind = "user"
    text: Text | None = None
    tree: dict[str, Any] | None = None
    status: Literal["draft", "active"] = "draft"


class RuleUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A changed rule; `revision` is the one that was read, a newer one answers 409."""

    revision: int
    name: Name
    description: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    text: Text | None = None
    tree: dict[str, Any] | None = None


class RuleStatusChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Switch a rule on, back to draft, or archive it."""

    status: Status
    revision: int


class ParsedRule(msgspec.Struct, kw_only=True):
    """The faces of one rule."""

    text: str
    tree: dict[str, Any]
    sentence: str


class ConditionCount(msgspec.Struct, kw_only=True):
    """How many meet one condition by itself; `path` is its place in the tree."""

    path: str
    text: str
    count: int


class SampleSubject(msgspec.Struct, kw_only=True):
    """Somebody who matches, and why."""

    id: str
    name: str | None
    email: str | None
    reasons: list[str]


class RulePreview(msgspec.Struct, kw_only=True):
    """How many match: `total` of `of` known subjects, as of `as_of` (ms)."""

    total: int
    of: int
    conditions: list[ConditionCount]
    sample: list[SampleSubject]
    took_ms: float
    as_of: int


class RuleMember(msgspec.Struct, kw_only=True):
    """Somebody who is in a rule since `since` (ms), for the `episode`-th time."""

    id: str
    name: str | None
    email: str | None
    episode: int
    since: int


class RuleMemberPage(msgspec.Struct, kw_only=True):
    """Members, the newest first."""

    items: list[RuleMember]
    next_cursor: str | None
    total: int


class RuleController(Controller):
    """Rules."""

    path = "/api/rules"
    tags = ("Rules",)

    @get(access="view", sync_to_thread=True)
    def list_rules(self, archived: bool = False) -> RuleList:
        """All rules by name; archived ones only when asked for."""
        raise NotImplementedError

    @post(access="edit", sync_to_thread=True)
    def create_rule(self, data: RuleCreate) -> RuleOut:
        """Create a rule."""
        raise NotImplementedError

    @post("/parse", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def parse_rule(self, data: RuleSource) -> ParsedRule:
        """Text to tree, or tree to text; an error (400 `rule_syntax`) names the position and what was expected."""
        raise NotImplementedError

    @post("/preview", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def preview_rule(self, data: RuleSource) -> RulePreview:
        """How many match now, in total and by condition, and a few of them with the reasons."""
        raise NotImplementedError

    @get("/{rule_id:int}", access="view", sync_to_thread=True)
    def get_rule(self, rule_id: int) -> RuleOut:
        """One rule."""
        raise NotImplementedError

    @put("/{rule_id:int}", access="edit", sync_to_thread=True)
    def update_rule(self, rule_id: int, data: RuleUpdate) -> RuleOut:
        """Save a rule; a changed meaning starts a new version."""
        raise NotImplementedError

    @delete("/{rule_id:int}", access="edit", sync_to_thread=True)
    def delete_rule(self, rule_id: int) -> None:
        """Delete a rule that was never switched on, or archived, and that no workflow uses."""
        raise NotImplementedError

    @post("/{rule_id:int}/status", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def set_rule_status(self, rule_id: int, data: RuleStatusChange) -> RuleOut:
        """Switch a rule on or off."""
        raise NotImplementedError

    @get("/{rule_id:int}/members", access="view", sync_to_thread=True)
    def list_rule_members(
        self,
        rule_id: int,
        limit: Annotated[int, Parameter(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> RuleMemberPage:
        """Who is in the rule, the newest first."""
        raise NotImplementedError
