"""Backtest: a rule, with its workflow if it has one, replayed over the past; who would have been messaged, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.backtest import BacktestDay, BacktestReport, NotSent, RuleFile, WouldSend
from antiphon.model.event import INTERNAL, Event
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKind
from antiphon.model.workflow import EntersTrigger, EventTrigger, LeavesTrigger, SendStep, WorkflowDefinition
from antiphon.rules import segments as segment_rules
from antiphon.rules import tree
from antiphon.rules.relevance import Relevance
from antiphon.rules.render import render
from antiphon.rules.text import parse, parse_selector
from antiphon.rules.validate import validate
from antiphon.rules.zones import LocalDays
from antiphon.runtime.expectations import unmet
from antiphon.runtime.past_events import PastEvents
from antiphon.runtime.replay import Replay, open_replay
from antiphon.store import replayed, signals
from antiphon.store.engine import Connection
from antiphon.store.rules import create_rule
from antiphon.store.workflows import create_workflow, publish_workflow

Definition = tuple[SubjectKind, tree.Tree]
Who = tuple[str | None, str | None, str | None]
"""User id, anonymous id where there is no user id, company id."""

Progress = Callable[[int, int], None]
"""`progress(done, total)`: how many events of the period have been replayed."""

MOST_IDLE = 5_000
"""Events that nothing listens to are put into the log when they are so many."""

TOLD_EACH = 500

ANY_TEMPLATE = 1
_SIGNALS = 10_000


class StoredWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow of a server, and the rule that starts it (None: an event does)."""

    definition: WorkflowDefinition
    rule_name: str | None = None
    rule: Definition | None = None


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule file is read against.

    The time zone, the rules that it may refer to by name, workflows by name or id (raises InvalidInput or NotFound),
    and now (ms): the last two only where there is a server's data.
    """

    time_zone: str = "UTC"
    segments: Mapping[str, Definition] = {}
    workflow: Callable[[str | int], StoredWorkflow] | None = None
    now: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A rule file, understood: everything that the replay needs; times in ms."""

    name: str
    subject: SubjectKind
    rule: tree.Tree | None
    segments: dict[str, Definition]
    workflow: WorkflowDefinition | None
    time_zone: str
    since: int
    until: int
    step: int


def backtest(
    file: RuleFile, past: PastEvents, world: World, *, progress: Progress | None = None, limit: int | None = None
) -> BacktestReport:
    """Replay `file` over `past`; the report's lists hold at most `limit` messages.

    Raises InvalidInput for a rule, a workflow or a period that cannot be used.
    """
    began = time.perf_counter()
    plan = understand(file, past, world)
    with open_replay(plan.since, plan.time_zone, lambda: _kept(plan, past.before(plan.since))) as replay:
        replay.load(_kept(plan, past.people_before(plan.since)))
        rule_id = _switch_on(replay, plan)
        events, late = _run(replay, plan, past, progress)
        report = _report(replay, plan, rule_id)
    report.events, report.late = events, late
    report.unmet = unmet(file.expect, report)
    report.took_ms = round((time.perf_counter() - began) * 1_000, 1)
    if limit is not None:
        report.messages, report.not_sent = report.messages[:limit], report.not_sent[:limit]
    return report


# -- understanding the file --------------------------------------------------------------------------------------


def understand(file: RuleFile, past: PastEvents, world: World) -> Plan:
    """Check a rule file and fill in what it leaves out; raises InvalidInput."""
    name, subject, rule, workflow = file.name, file.subject, _rule(file), None
    if isinstance(file.workflow, WorkflowDefinition):
        workflow = file.workflow
    elif file.workflow is not None:
        if world.workflow is None:
            raise InvalidInput("A workflow by name needs a server's data; write its definition into the file instead.")
        stored = world.workflow(file.workflow)
        workflow = stored.definition
        if rule is None and stored.rule is not None:
            name, (subject, rule) = stored.rule_name or name, stored.rule
    if rule is None and not (workflow is not None and isinstance(workflow.trigger, EventTrigger)):
        raise InvalidInput("The file needs a `rule` (its text) or a `tree`.")
    needed: dict[str, Definition] = {}
    if rule is not None:
        own: dict[str, Definition] = {other: (subject, parse(text, subject)) for other, text in file.segments.items()}
        known: dict[str, Definition] = {
            other: found for other, found in {**world.segments, **own}.items() if other != name
        }
        segment_rules.check_segments(name, subject, rule, known)
        needed = _needed(rule, known)
    zone = file.time_zone or world.time_zone
    LocalDays(zone)  # raises for a name that is none
    since, until = _period(file, past, world, zone)
    return Plan(
        name=name,
        subject=subject,
        rule=rule,
        segments=needed,
        workflow=workflow,
        time_zone=zone,
        since=since,
        until=until,
        step=0 if file.step is None else parse_length(file.step),
    )


def _rule(file: RuleFile) -> tree.Tree | None:
    if file.rule is not None and file.tree is not None:
        raise InvalidInput("Give the rule as `rule` or as `tree`, one of the two.")
    if file.tree is not None:
        rule = tree.decode(file.tree)
        validate(rule, file.subject)
        return rule
    return None if file.rule is None else parse(file.rule, file.subject)


def _needed(rule: tree.Tree, known: Mapping[str, Definition]) -> dict[str, Definition]:
    """The segments that a rule reads, and those that they read in turn, lowest first."""
    found: dict[str, Definition] = {}
    todo = list(tree.segments(rule))
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = known[name]
            todo += tree.segments(known[name][1])
    ordered = segment_rules.in_order({name: one for name, (_, one) in found.items()})
    return {name: found[name] for name in ordered}


def _period(file: RuleFile, past: PastEvents, world: World, zone: str) -> tuple[int, int]:
    """From when to when: of a file's events all of them, of a server's the last 30 days up to now."""
    if past.span is not None:
        first, last = past.span
    elif world.now is not None:
        first, last = world.now - parse_length("30d"), world.now
    else:  # pragma: no cover - a server has a now
        raise InvalidInput("There is no period to replay.")
    until = last + 1 if file.until is None else _moment(file.until, last, zone, sign=1)
    end = min(last, until)
    since = first if file.since is None else _moment(file.since, end, zone, sign=-1)
    if since >= until:
        raise InvalidInput("`since` must be before `until`.")
    return since, until


def _moment(text: str, origin: int, zone: str, *, sign: int) -> int:
    """An ISO date or time, or a length of time before (or after) `origin`; in ms."""
    try:
        return origin + sign * parse_length(text)
    except InvalidInput:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is neither a length of time such as 30d nor a date such as 2026-10-01."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp() * 1_000)


_UNITS: dict[str, tree.Unit] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_length(text: str) -> int:
    """`30d`, `12h`, `90m` or `2w` in ms; raises InvalidInput."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if unit not in _UNITS or not number.isdecimal() or not number.isascii():
        raise InvalidInput(f"{text!r} is no length of time; use one such as 30d, 12h, 90m or 2w.")
    return int(number) * tree.UNIT_MS[_UNITS[unit]]


# -- replaying ---------------------------------------------------------------------------------------------------


def _kept(plan: Plan, events: Iterable[Event]) -> Iterator[Event]:
    """The past without what the rules replayed here said about it when they were live: they say it anew."""
    names = {plan.name, *plan.segments}
    for event in events:
        said = event.flags & INTERNAL and event.name in {"segment_entered", "segment_left"}
        if not (said and event.properties.get("rule") in names):
            yield event


def _switch_on(replay: Replay, plan: Plan) -> int | None:
    """Put the rules and the workflow in force at the start of the period; the rule's id.

    As on a live server, who matches already is counted and not messaged.
    """
    rules: list[tuple[str, SubjectKind, tree.Tree]] = [
        (name, kind, rule) for name, (kind, rule) in plan.segments.items()
    ]
    if plan.rule is not None:
        rules.append((plan.name, plan.subject, plan.rule))
    rule_id = None
    with replay.store.state.write() as conn:
        for name, kind, rule in rules:
            made = create_rule(
                conn,
                name=name,
                description="",
                subject_kind=kind,
                text=render(rule),
                tree=tree.encode(rule),
                status="active",
                now=plan.since,
            )
            rule_id = made.id
    replay.settle()
    if plan.workflow is not None:
        definition = _runnable(plan.workflow, rule_id if plan.rule is not None else None)
        with replay.store.state.write() as conn:
            workflow = create_workflow(conn, name=plan.name, definition=definition, now=plan.since)
            publish_workflow(conn, workflow.id, revision=workflow.revision, now=plan.since)
        replay.settle()
    return rule_id if plan.rule is not None else None


def _runnable(definition: WorkflowDefinition, rule_id: int | None) -> WorkflowDefinition:
    """The workflow, started by the rule as it is numbered here; a step that names no template sends any."""
    trigger = definition.trigger or EntersTrigger()
    if isinstance(trigger, EntersTrigger | LeavesTrigger):
        trigger = msgspec.structs.replace(trigger, rule_id=rule_id)
    steps = [
        msgspec.structs.replace(step, template_id=ANY_TEMPLATE)
        if isinstance(step, SendStep) and step.template_id is None
        else step
        for step in definition.steps
    ]
    return msgspec.structs.replace(definition, trigger=trigger, steps=steps)


def _relevance(plan: Plan) -> Relevance:
    trees = [rule for _, rule in plan.segments.values()]
    if plan.rule is not None:
        trees.append(plan.rule)
    found = [selector for rule in trees for selector in tree.selectors(rule)]
    if plan.workflow is not None and isinstance(plan.workflow.trigger, EventTrigger):
        found.append(parse_selector(plan.workflow.trigger.selector))
    return Relevance(found)


def _run(replay: Replay, plan: Plan, past: PastEvents, tell: Progress | None) -> tuple[int, int]:
    """Let the period pass; how many events there were, and how many of them were late.

    Each event that can matter is evaluated at its own receipt, or with others of its step. Those that cannot only say
    that somebody is there; but for the first of somebody, they are taken in together with the next one that matters.
    """
    matters, seen = _relevance(plan), set[Who]()
    total = past.count(plan.since, plan.until)
    done = late = 0
    group, idle = _Group(plan.since), list[Event]()
    for event in _kept(plan, past.between(plan.since, plan.until)):
        done += 1
        late += event.late
        if tell is not None and done % TOLD_EACH == 0:
            tell(done, total)
        who = event.user_id, None if event.user_id else event.anonymous_id, event.company_id
        if event.type == "track" and who in seen and (event.late or not matters(event)):
            idle.append(event)
            if len(idle) >= MOST_IDLE:
                replay.append(idle)
                idle = []
            continue
        seen.add(who)
        if not group.takes(event, who, plan.step, replay.next_due()):
            replay.hear(group.events)
            replay.advance(event.received_at - 1)
            group = _Group(event.received_at)
        group.add(event, who, idle)
        replay.clock.now = max(replay.clock.now, group.at)
        idle = []
    replay.hear([*group.events, *idle])
    replay.advance(plan.until)
    if tell is not None:
        tell(total, total)
    return done, late


class _Group:
    """Events that are evaluated together: those of one instant, or of different people within a step."""

    def __init__(self, start: int) -> None:
        self._start = self.at = start
        self._people: set[tuple[int, str]] = set()
        self._alone = False
        self.events: list[Event] = []

    def takes(self, event: Event, who: Who, step: int, due: int | None) -> bool:
        """Whether an event may join: nothing that happens between may be lost, neither a truth nor a timer."""
        at = event.received_at
        if at <= self.at:
            return True
        if event.type != "track" or self._alone or at - self._start > step or (due is not None and due <= at):
            return False
        return self._people.isdisjoint(_ids(who))

    def add(self, event: Event, who: Who, idle: list[Event]) -> None:
        """Let it join, after what nothing listens to."""
        self.events += [*idle, event]
        self.at = max(self.at, event.received_at)
        self._people.update(_ids(who))
        self._alone = self._alone or event.type != "track"


def _ids(who: Who) -> list[tuple[int, str]]:
    return [(place, name) for place, name in enumerate(who) if name is not None]


# -- what came out -----------------------------------------------------------------------------------------------


def _report(replay: Replay, plan: Plan, rule_id: int | None) -> BacktestReport:
    days = LocalDays(plan.time_zone)
    by_day: dict[int, BacktestDay] = {}

    def day(at: int) -> BacktestDay:
        number = days.day(at)
        return by_day.setdefault(number, BacktestDay(day=date.fromordinal(number).isoformat()))

    already = entered = left = 0
    messages: list[WouldSend] = []
    with replay.store.state.read() as conn:
        for signal in _signals(conn):
            if signal.rule_id != rule_id or signal.kind == "event":
                continue
            if signal.quiet:
                already += signal.kind == "entered"
            elif signal.kind == "entered":
                entered += 1
                day(signal.at).entered += 1
                if plan.workflow is None:
                    messages.append(WouldSend(subject_id=signal.subject_id, at=signal.at))
            else:
                left += 1
                day(signal.at).left += 1
        skipped = replayed.unsent_steps(conn)
        steps = plan.workflow.steps if plan.workflow is not None else []
        named = {step.id: step.template_id for step in steps if isinstance(step, SendStep)}
        messages += [
            WouldSend(
                subject_id=row.user_id,
                at=row.created_at,
                step_id=row.step_id,
                template_id=named.get(row.step_id or ""),
                recipient=row.recipient,
            )
            for row in replayed.queued_messages(conn)
        ]
    for message in messages:
        day(message.at).messages += 1
    not_sent = [
        NotSent(subject_id=row.user_id, at=row.at, step_id=row.step_id, reason=row.reason or "failed")
        for row in skipped
    ]
    notes: list[str] = []
    if plan.workflow is not None and plan.subject == "company":
        notes.append("Workflows message users; a rule about companies starts none.")
    return BacktestReport(
        name=plan.name,
        text=None if plan.rule is None else render(plan.rule),
        subject=plan.subject,
        since=plan.since,
        until=plan.until,
        time_zone=plan.time_zone,
        events=0,
        late=0,
        already=already,
        entered=entered,
        left=left,
        subjects=len({message.subject_id for message in messages}),
        messages_total=len(messages),
        not_sent_total=len(not_sent),
        messages=messages,
        not_sent=not_sent,
        days=[by_day[number] for number in sorted(by_day)],
        unmet=[],
        notes=notes,
        took_ms=0,
    )


def _signals(conn: Connection) -> Iterator[Signal]:
    position = 0
    while True:
        found = signals.read_signals(conn, position, _SIGNALS)
        yield from found
        if len(found) < _SIGNALS:
            return
        position = found[-1].seq + 1
