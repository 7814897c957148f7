"""A workflow's definition: what starts it and which steps follow; a draft may still be incomplete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from antiphon.model.message import Channel

SCHEMA = 1
"""The version of the format below; a definition of a newer one is refused."""

MAX_STEPS = 100
MAX_WAIT_MINUTES = 366 * 24 * 60

StepId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")]


class EntersTrigger(msgspec.Struct, tag="enters", tag_field="kind", kw_only=True, frozen=True):
    """Somebody enters the segment of `rule_id`; None while nothing is chosen."""

    rule_id: int | None = None


class LeavesTrigger(msgspec.Struct, tag="leaves", tag_field="kind", kw_only=True, frozen=True):
    """Somebody leaves the segment of `rule_id`."""

    rule_id: int | None = None


class EventTrigger(msgspec.Struct, tag="event", tag_field="kind", kw_only=True, frozen=True):
    """An event arrives that `selector` (the text form, such as `api_call where status = 400`) takes."""

    selector: Annotated[str, msgspec.Meta(max_length=4_000)] = ""


Trigger = EntersTrigger | LeavesTrigger | EventTrigger


class Entry(msgspec.Struct, kw_only=True, frozen=True):
    """Who gets in: each person once ever, or at every trigger."""

    reentry: Literal["once", "every_time"] = "once"


class WaitStep(msgspec.Struct, tag="wait", tag_field="kind", kw_only=True, frozen=True):
    """Wait for `minutes`."""

    id: StepId
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MAX_WAIT_MINUTES)]


class SendStep(msgspec.Struct, tag="send", tag_field="kind", kw_only=True, frozen=True):
    """Send a template; `variables` are added to what the template sees."""

    id: StepId
    channel: Channel = "email"
    template_id: int | None = None
    variables: dict[str, Any] = {}


class ExitStep(msgspec.Struct, tag="exit", tag_field="kind", kw_only=True, frozen=True):
    """Leave the workflow here."""

    id: StepId


Step = WaitStep | SendStep | ExitStep


class WorkflowDefinition(msgspec.Struct, kw_only=True, frozen=True):
    """A workflow, version 1 of the format; `steps` run in list order, the end of the list completes it."""

    schema: Literal[1] = SCHEMA
    trigger: Trigger | None = None
    entry: Entry = Entry()
    steps: Annotated[list[Step], msgspec.Meta(max_length=MAX_STEPS)] = []


class Problem(msgspec.Struct, kw_only=True, frozen=True):
    """Why a definition cannot be published; `step_id` is None where the trigger or the whole is meant."""

    step_id: str | None
    message: str


class Lookups(msgspec.Struct, kw_only=True, frozen=True):
    """What `problems` asks of the world around a definition.

    `rule` gives a rule's status or None, `template` whether it is published or None when there is no such template,
    `selector` the error of an event selector's text or None when it parses.
    """

    rule: Callable[[int], str | None]
    template: Callable[[int], bool | None]
    selector: Callable[[str], str | None]


def problems(definition: WorkflowDefinition, lookups: Lookups) -> list[Problem]:
    """Everything that keeps `definition` from being published, in the order of the page; empty means ready."""
    found = _trigger_problems(definition.trigger, lookups)
    if not any(isinstance(step, SendStep) for step in definition.steps):
        found.append(Problem(step_id=None, message="Nothing is sent: add a step that sends an email."))
    seen: set[str] = set()
    for step in definition.steps:
        if step.id in seen:
            found.append(Problem(step_id=step.id, message=f"Two steps are called {step.id}."))
        seen.add(step.id)
        if isinstance(step, SendStep):
            found.extend(_send_problems(step, lookups))
    for position, step in enumerate(definition.steps[:-1]):
        if isinstance(step, ExitStep):
            after = definition.steps[position + 1].id
            found.append(Problem(step_id=after, message="This step is never reached: the one before it exits."))
    return found


def _trigger_problems(trigger: Trigger | None, lookups: Lookups) -> list[Problem]:
    message = ""
    match trigger:
        case None:
            message = "Choose what starts this workflow."
        case EventTrigger(selector=selector):
            error = lookups.selector(selector) if selector.strip() else "choose an event."
            message = "" if error is None else f"The event that starts this workflow: {error}"
        case EntersTrigger(rule_id=rule_id) | LeavesTrigger(rule_id=rule_id):
            message = _rule_problem(rule_id, lookups)
    return [Problem(step_id=None, message=message)] if message else []


def _rule_problem(rule_id: int | None, lookups: Lookups) -> str:
    if rule_id is None:
        return "Choose the rule that starts this workflow."
    status = lookups.rule(rule_id)
    if status is None:
        return "The rule that starts this workflow no longer exists."
    return "" if status == "active" else "The rule that starts this workflow is not switched on."


def _send_problems(step: SendStep, lookups: Lookups) -> list[Problem]:
    if step.template_id is None:
        return [Problem(step_id=step.id, message="Choose the email to send.")]
    published = lookups.template(step.template_id)
    if published is None:
        return [Problem(step_id=step.id, message="The email of this step no longer exists.")]
    if not published:
        return [Problem(step_id=step.id, message="The email of this step is not published.")]
    return []
