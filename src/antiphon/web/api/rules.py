"""Rules: written, parsed, counted, switched on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import Conflict
from antiphon.model.subject import SubjectKind
from antiphon.store import fills
from antiphon.store.engine import Connection
from antiphon.store.rules import (
    Rule,
    count_members,
    create_rule,
    delete_rule,
    get_rule,
    list_members,
    list_rules,
    save_rule,
    set_rule_status,
)
from antiphon.store.uses import workflows_with_rule
from antiphon.web.api.people import Person, called, called_by_id
from antiphon.web.api.writing import Description, Stopwatch, faces_of
from antiphon.web.context import Context, RuleFaces, WebContext

Status = Literal["draft", "active", "archived"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=20_000)]


class RuleFilling(msgspec.Struct, kw_only=True):
    """A rule on its way into force: `counting` what it needs over history, or `judging` everybody; `done` of `total`.

    `error` says why it stands still, in plain words; it begins anew at `retry_at` (ms).
    """

    phase: Literal["counting", "judging"]
    done: int
    total: int
    error: str | None
    retry_at: int | None


class RuleOut(msgspec.Struct, kw_only=True):
    """A rule; `members` counts who is in it now, `filled` says whether evaluation has caught up with this version.

    `filling` tells how far that is while it goes on; switching the rule off ends it.
    """

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
    filling: RuleFilling | None
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
    description: Description = ""
    subject_kind: SubjectKind = "user"
    text: Text | None = None
    tree: dict[str, Any] | None = None
    status: Literal["draft", "active"] = "draft"


class RuleUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A changed rule; `revision` is the one that was read, a newer one answers 409."""

    revision: int
    name: Name
    description: Description = ""
    text: Text | None = None
    tree: dict[str, Any] | None = None


class RuleStatusChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Switch a rule on, back to draft, or archive it.

    `message_members` has those who match already when it is switched on messaged too, and not only counted.
    """

    status: Status
    revision: int
    message_members: bool = False


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


class SampleSubject(Person, kw_only=True):
    """Somebody who matches, and why."""

    reasons: list[str]


class RulePreview(msgspec.Struct, kw_only=True):
    """How many match: `total` of `of` known subjects, as of `as_of` (ms).

    Events are counted up to then. Of 50,000 people or more, who there is and with which traits may be 30 s older.
    """

    total: int
    of: int
    conditions: list[ConditionCount]
    sample: list[SampleSubject]
    took_ms: float
    as_of: int


class RuleMember(Person, kw_only=True):
    """Somebody who is in a rule since `since` (ms), for the `episode`-th time."""

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
    def list_rules(self, context: Context, archived: FromQuery[bool] = False) -> RuleList:
        """All rules by name; archived ones only when asked for."""
        with context.store.state.read() as conn:
            rules = list_rules(conn, archived=archived)
            members = count_members(conn, [rule.id for rule in rules])
            filling = fills.of(conn, [rule.id for rule in rules])
        return RuleList(items=[_rule_out(context, rule, members.get(rule.id, 0), filling) for rule in rules])

    @post(access="edit", sync_to_thread=True)
    def create_rule(self, context: Context, data: JSONBody[RuleCreate]) -> RuleOut:
        """Create a rule."""
        faces = _faces(context, data.text, data.tree, data.subject_kind)
        with context.store.state.write() as conn:
            context.computed.check_rule(conn, None, data.name.strip(), data.subject_kind, faces.tree)
            rule = create_rule(
                conn,
                name=data.name.strip(),
                description=data.description,
                subject_kind=data.subject_kind,
                text=faces.text,
                tree=faces.tree,
                status=data.status,
                now=context.clock(),
            )
        context.wake.notify("rules")
        return _rule_out(context, rule, 0, {})

    @post("/parse", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def parse_rule(self, context: Context, data: JSONBody[RuleSource]) -> ParsedRule:
        """Text to tree, or tree to text; an error (400 `rule_syntax`) names the position and what was expected."""
        faces = _faces(context, data.text, data.tree, data.subject_kind)
        return ParsedRule(text=faces.text, tree=faces.tree, sentence=faces.sentence)

    @post("/preview", access="view", status_code=HTTP_200_OK, sync_to_thread=True)
    def preview_rule(self, context: Context, data: JSONBody[RuleSource]) -> RulePreview:
        """How many match now, in total and by condition, and a few of them with the reasons."""
        faces = _faces(context, data.text, data.tree, data.subject_kind)
        watch = Stopwatch()
        found = context.rules.preview(faces.tree, data.subject_kind)
        with context.store.state.read() as conn:
            people = called_by_id(conn, data.subject_kind, [subject.id for subject in found.sample])
        sample = [SampleSubject(**people[subject.id], reasons=list(subject.reasons)) for subject in found.sample]
        conditions = [ConditionCount(path=c.path, text=c.text, count=c.count) for c in found.conditions]
        return RulePreview(
            total=found.total,
            of=found.of,
            conditions=conditions,
            sample=sample,
            took_ms=watch.ms(),
            as_of=found.as_of,
        )

    @get("/{rule_id:int}", access="view", sync_to_thread=True)
    def get_rule(self, context: Context, rule_id: FromPath[int]) -> RuleOut:
        """One rule."""
        with context.store.state.read() as conn:
            return _counted(context, conn, get_rule(conn, rule_id))

    @put("/{rule_id:int}", access="edit", sync_to_thread=True)
    def update_rule(self, context: Context, rule_id: FromPath[int], data: JSONBody[RuleUpdate]) -> RuleOut:
        """Save a rule; a changed meaning starts a new version."""
        with context.store.state.read() as conn:
            kind = get_rule(conn, rule_id).subject_kind
        faces = _faces(context, data.text, data.tree, kind)
        with context.store.state.write() as conn:
            context.computed.check_rule(conn, rule_id, data.name.strip(), kind, faces.tree)
            rule = save_rule(
                conn,
                rule_id,
                revision=data.revision,
                name=data.name.strip(),
                description=data.description,
                text=faces.text,
                tree=faces.tree,
                now=context.clock(),
            )
            saved = _counted(context, conn, rule)
        context.wake.notify("rules")
        return saved

    @delete("/{rule_id:int}", access="edit", sync_to_thread=True)
    def delete_rule(self, context: Context, rule_id: FromPath[int]) -> None:
        """Delete a rule that was never switched on, or archived, and that no workflow uses."""
        with context.store.state.write() as conn:
            rule = get_rule(conn, rule_id)
            if rule.status == "active":
                raise Conflict(f"“{rule.name}” is switched on. Switch it off first.")
            _refuse_used(conn, rule, "deleted")
            delete_rule(conn, rule_id)
        context.wake.notify("rules")

    @post("/{rule_id:int}/status", access="edit", status_code=HTTP_200_OK, sync_to_thread=True)
    def set_rule_status(self, context: Context, rule_id: FromPath[int], data: JSONBody[RuleStatusChange]) -> RuleOut:
        """Switch a rule on or off."""
        with context.store.state.write() as conn:
            if data.status != "active":
                _refuse_used(conn, get_rule(conn, rule_id), "switched off")
            rule = set_rule_status(
                conn,
                rule_id,
                revision=data.revision,
                status=data.status,
                now=context.clock(),
                greets=data.message_members,
            )
            saved = _counted(context, conn, rule)
        context.wake.notify("rules")
        return saved

    @get("/{rule_id:int}/members", access="view", sync_to_thread=True)
    def list_rule_members(
        self,
        context: Context,
        rule_id: FromPath[int],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        cursor: FromQuery[str | None] = None,
    ) -> RuleMemberPage:
        """Who is in the rule, the newest first."""
        with context.store.state.read() as conn:
            get_rule(conn, rule_id)
            found = list_members(conn, rule_id, limit=limit, cursor=cursor)
            total = count_members(conn, [rule_id]).get(rule_id, 0)
        items = [
            RuleMember(**called(member.id, member.traits), episode=member.episode, since=member.since)
            for member in found.items
        ]
        return RuleMemberPage(items=items, next_cursor=found.next_cursor, total=total)


def _faces(context: WebContext, text: str | None, tree: dict[str, Any] | None, kind: SubjectKind) -> RuleFaces:
    return faces_of(text, tree, kind, parse=context.rules.parse, read=context.rules.from_tree, names=("rule", "tree"))


def _counted(context: WebContext, conn: Connection, rule: Rule) -> RuleOut:
    return _rule_out(context, rule, count_members(conn, [rule.id]).get(rule.id, 0), fills.of(conn, [rule.id]))


def _rule_out(context: WebContext, rule: Rule, members: int, filling: Mapping[int, fills.Fill]) -> RuleOut:
    way = filling.get(rule.id) if rule.status == "active" else None
    return RuleOut(
        id=rule.id,
        name=rule.name,
        description=rule.description,
        subject_kind=rule.subject_kind,
        status=rule.status,
        version=rule.version,
        revision=rule.revision,
        text=rule.text,
        tree=rule.tree,
        sentence=context.rules.from_tree(rule.tree, rule.subject_kind).sentence,
        members=members,
        filled=rule.filled_version == rule.version,
        filling=None if way is None else RuleFilling(**msgspec.structs.asdict(way)),
        created_at=rule.created_at,
        updated_at=rule.updated_at,
    )


def _refuse_used(conn: Connection, rule: Rule, what: str) -> None:
    used = workflows_with_rule(conn, rule.id)
    if used:
        names = ", ".join(f"“{workflow.name}”" for workflow in used)
        raise Conflict(
            f"“{rule.name}” cannot be {what} while it starts {names}. Pause or change that first.",
            workflows=[{"id": workflow.id, "name": workflow.name} for workflow in used],
        )
