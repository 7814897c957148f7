"""What the web needs from the rest of the house; `runtime` fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry

from antiphon.model.backtest import BacktestJob, RuleFile
from antiphon.model.clock import Clock
from antiphon.model.event import Event
from antiphon.model.message import SendResult
from antiphon.model.subject import SubjectKind
from antiphon.model.workspace import Workspace
from antiphon.rules.complete import Seen
from antiphon.store.engine import Connection, Store
from antiphon.store.rules import Rule
from antiphon.store.wake import Wake
from antiphon.templates.content import Rendered, RenderRequest, RenderResult
from antiphon.web.settings import WebSettings


class ChannelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail goes; `inbox` is the built-in one (a sandbox)."""

    provider: Literal["inbox", "smtp"] = "inbox"
    host: str | None = None
    port: int | None = None


class StoredEvent(msgspec.Struct, frozen=True):
    """An event and its place in the log."""

    offset: int
    event: Event


class EventReader(Protocol):
    """History together with the tail of the log that is not written yet; duplicates left out; all newest first."""

    def newest(
        self, *, limit: int, before_offset: int | None, name: str | None, user_id: str | None, search: str | None
    ) -> list[StoredEvent]:
        """The newest events that the filters take."""
        ...

    def timeline(
        self, kind: SubjectKind, subject_id: str, *, limit: int, before_offset: int | None
    ) -> list[StoredEvent]:
        """The newest events of a subject, under all its ids."""
        ...

    def count(self, kind: SubjectKind, subject_id: str) -> int:
        """How many events a subject has."""
        ...


class RuleEngine(Protocol):
    """What rules can be asked; the three faces of a rule, and who matches."""

    def parse(self, text: str, kind: SubjectKind) -> RuleFaces:
        """Text to tree; RuleSyntaxError."""
        ...

    def from_tree(self, tree: dict[str, Any], kind: SubjectKind) -> RuleFaces:
        """Tree to text; InvalidInput."""
        ...

    def selector_error(self, text: str) -> str | None:
        """What is wrong with an event selector's text; None when it parses."""
        ...

    def preview(self, tree: dict[str, Any], kind: SubjectKind) -> Preview:
        """Who matches now, over history."""
        ...

    def explain(self, rule: Rule, subject_id: str) -> Explained:
        """Each condition for one subject, as it stands now."""
        ...


class Backtests(Protocol):
    """Backtests under way and done."""

    async def start(self, file: RuleFile) -> BacktestJob:
        """Start one; Overloaded while another runs."""
        ...

    def get(self, job_id: str) -> BacktestJob:
        """How one stands; NotFound."""
        ...

    async def cancel(self, job_id: str) -> BacktestJob:
        """End one, if it runs."""
        ...


class ComputedTraits(Protocol):
    """What computed traits can be asked; the three faces of a formula, its values, and who reads it."""

    def parse(self, text: str, kind: SubjectKind) -> RuleFaces:
        """Text to formula; RuleSyntaxError."""
        ...

    def from_json(self, formula: dict[str, Any], kind: SubjectKind) -> RuleFaces:
        """Formula to text; InvalidInput."""
        ...

    def check_trait(self, conn: Connection, name: str, kind: SubjectKind, formula: dict[str, Any]) -> None:
        """Refuse a computed trait that would lead back to itself; InvalidInput names the cycle."""
        ...

    def check_rule(self, conn: Connection, rule_id: int | None, name: str, kind: SubjectKind, rule: Any) -> None:
        """Refuse a rule that would lead back to itself; `rule_id` is the one that it replaces. InvalidInput."""
        ...

    def readers(self, conn: Connection, name: str, kind: SubjectKind) -> list[str]:
        """What reads a computed trait, in words."""
        ...

    def preview(self, formula: dict[str, Any], kind: SubjectKind) -> ComputedPreview:
        """The values now, over history."""
        ...


class ComputedSample(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's value."""

    id: str
    value: Any


class CommonValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that so many have."""

    value: Any
    count: int


class ComputedPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A formula's values: `known` of `of` have one, as of `as_of` (ms); see `web.api.computed_traits.FormulaPreview`."""

    gives: Literal["number", "date", "text", "value"]
    of: int
    known: int
    least: float | str | None
    median: float | str | None
    most: float | str | None
    common: Sequence[CommonValue]
    sample: Sequence[ComputedSample]
    as_of: int


class RuleFaces(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as text, tree and sentence."""

    text: str
    tree: dict[str, Any]
    sentence: str


class PreviewCondition(msgspec.Struct, frozen=True, kw_only=True):
    """How many meet one condition by itself."""

    path: str
    text: str
    count: int


class PreviewSubject(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who matches, and why."""

    id: str
    reasons: Sequence[str]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """Who matches: `total` of `of`, as of `as_of` (ms).

    Events are counted up to then. Of 50,000 people or more, who there is and with which traits may be 30 s older.
    """

    total: int
    of: int
    conditions: Sequence[PreviewCondition]
    sample: Sequence[PreviewSubject]
    as_of: int


class ExplainedCondition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition for one subject; see `web.api.people.ReasonedCondition`."""

    path: str
    depth: int
    text: str
    value: str | None
    needed: str | None
    met: bool
    since: int | None
    recheck_at: int | None
    words: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's truth for one subject, as of `as_of` (ms)."""

    met: bool
    recheck_at: int | None
    as_of: int
    conditions: Sequence[ExplainedCondition]


class Renderer(Protocol):
    """The sandboxed renderer."""

    async def render(self, request: RenderRequest) -> RenderResult:
        """Render one email; what is wrong with it is a value."""
        ...


TestSend = Callable[[Rendered, str], Awaitable[SendResult]]
"""Sends a rendered email to one address, outside the outbox and the statistics."""


class DemoState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether demo traffic can run, and since when (ms) it does."""

    available: bool
    started_at: int | None


class Demo(Protocol):
    """The demo traffic child."""

    async def state(self) -> DemoState:
        """How it stands."""
        ...

    async def start(self) -> DemoState:
        """Start it, if it does not run."""
        ...

    async def stop(self) -> DemoState:
        """Stop it, if it runs."""
        ...


@dataclass(frozen=True, kw_only=True)
class WebContext:
    """Everything that a request may need.

    `workspace` gives name, sender and the secret that signs links, as they stand. `checks` are the named conditions of /readyz: each answers what is wrong, or None.
    """

    store: Store
    clock: Clock
    settings: WebSettings
    workspace: Callable[[], Workspace]
    channel: ChannelInfo
    events: EventReader
    rules: RuleEngine
    seen: Seen
    backtests: Backtests
    computed: ComputedTraits
    renderer: Renderer
    test_send: TestSend
    demo: Demo
    wake: Wake
    registry: CollectorRegistry
    checks: Mapping[str, Callable[[], str | None]] = field(default_factory=dict[str, Callable[[], str | None]])


Context = NamedDependency[SkipValidation[WebContext]]
"""A handler's parameter `context`."""
