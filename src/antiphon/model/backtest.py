"""A backtest: the rule file that asks for one, and what it found; the shapes that command line, API and page share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import WorkflowDefinition

MAX_TEXT = 20_000

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Bounds(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A number's limits, both included; None: no limit on that side."""

    min: int | None = None
    max: int | None = None


class Expect(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must come out: how many messages in all and on each day, and who gets one or none."""

    messages: Bounds | int | None = None
    per_day: Bounds | int | None = None
    users: list[str] = []
    not_users: list[str] = []
    companies: list[str] = []
    not_companies: list[str] = []


class RuleFile(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule to replay, as it stands in a YAML or JSON file.

    The rule is `rule` (its text) or `tree`; with a workflow that an event starts there need not be one. `workflow` is a
    definition in the product's own shape, or the name or id of a stored workflow. In a definition, a trigger without a
    rule means this one, and no trigger means `enters`; a send step needs no template. `since` and `until` are a length
    of time (`30d`) or an ISO date. `segments` gives the text of other rules that this one refers to, by name.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "Backtest"
    subject: SubjectKind = "user"
    rule: Text | None = None
    tree: dict[str, Any] | None = None
    workflow: WorkflowDefinition | str | int | None = None
    segments: dict[str, Text] = {}
    since: str | None = None
    until: str | None = None
    time_zone: str | None = None
    expect: Expect | None = None


class WouldSend(msgspec.Struct, kw_only=True, frozen=True):
    """A message that would have been sent to `subject_id` at `at` (ms); step and template are None without a workflow."""

    subject_id: str
    at: int
    step_id: str | None = None
    template_id: int | None = None
    recipient: str | None = None


class NotSent(msgspec.Struct, kw_only=True, frozen=True):
    """A send step that would have sent nothing, and why (`no_address`)."""

    subject_id: str
    at: int
    step_id: str
    reason: str


class BacktestDay(msgspec.Struct, kw_only=True):
    """One day (an ISO date in the time zone): messages, and how many entered and left the rule."""

    day: str
    messages: int = 0
    entered: int = 0
    left: int = 0


class BacktestReport(msgspec.Struct, kw_only=True):
    """What a replay found; times in ms since the epoch.

    `events` counts those of the period, `late` those of them that evaluation leaves out. `already` matched when the
    period began: they are counted, not messaged. `subjects` counts the different people (or companies) messaged.
    `messages_total` and `not_sent_total` count everything, also where the lists were cut. `unmet` are the expectations
    that do not hold, in words.
    """

    name: str
    text: str | None
    subject: SubjectKind
    since: int
    until: int
    time_zone: str
    events: int
    late: int
    already: int
    entered: int
    left: int
    subjects: int
    messages_total: int
    not_sent_total: int
    messages: list[WouldSend]
    not_sent: list[NotSent]
    days: list[BacktestDay]
    unmet: list[str]
    notes: list[str]
    took_ms: float


JobStatus = Literal["running", "done", "failed", "cancelled"]


class BacktestJob(msgspec.Struct, kw_only=True):
    """A backtest that the server runs: `done` of `total` events so far; the report, or the error, at its end."""

    id: str
    status: JobStatus
    done: int = 0
    total: int = 0
    report: BacktestReport | None = None
    error: str | None = None
