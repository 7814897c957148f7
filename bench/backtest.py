"""How fast a backtest replays events: a second of CPU, with and without a workflow, for rules that the kernel judges and one that it does not.

python bench/backtest.py [events]
"""

from __future__ import annotations

import random
import sys
import time

import structlog

from antiphon.model.backtest import RuleFile
from antiphon.model.clock import DAY
from antiphon.model.event import Event
from antiphon.model.workflow import Entry, SendStep, WaitStep, WorkflowDefinition
from antiphon.runtime.backtest.past_events import ListedEvents
from antiphon.runtime.backtest.plan import World
from antiphon.runtime.backtest.run import backtest

START = 1_790_000_000_000
USERS = 1_000
WORKFLOW = WorkflowDefinition(
    entry=Entry(reentry="every_time"), steps=[WaitStep(id="wait", minutes=60), SendStep(id="mail")]
)
FILES = {
    "every event counts": RuleFile(rule="count of api_call in the last 24 hours >= 50"),
    "one in twenty counts": RuleFile(rule="count of api_call where status = 400 in the last 24 hours >= 5"),
    "many enter": RuleFile(rule="count of api_call where status = 400 in the last 24 hours >= 1"),
    "many enter, and wait for a mail": RuleFile(
        rule="count of api_call where status = 400 in the last 24 hours >= 1", workflow=WORKFLOW
    ),
    "judged in Python": RuleFile(rule="distinct status of api_call in the last 24 hours >= 2"),
}


def past(count: int) -> ListedEvents:
    """`count` API calls of a thousand users over thirty days, 5 % of them errors."""
    draw = random.Random(3)
    events = []
    for number in range(count):
        at = START + number * 30 * DAY // count
        status = 400 if draw.random() < 0.05 else 200
        user = f"u{int(USERS * draw.random() ** 2)}"
        events.append(Event(f"m{number}", "track", "api_call", at, at, "1", user, properties={"status": status}))
    return ListedEvents(events)


def main() -> int:
    """Replay, and print the rates."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    events = past(count)
    for name, file in FILES.items():
        began, used = time.perf_counter(), time.process_time()
        report = backtest(file, events, World())
        took, used = time.perf_counter() - began, time.process_time() - used
        print(
            f"{name}: {count} events in {took:.1f} s ({used:.1f} s of CPU), {count / used:,.0f} a second of CPU;"
            f" {report.entered} entered, {report.messages_total + report.not_sent_total} steps",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
