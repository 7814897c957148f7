"""How fast a backtest replays a file of events: events a second, all of them relevant to the rule, or a twentieth.

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
from antiphon.runtime.backtest import World, backtest
from antiphon.runtime.past_events import ListedEvents

START = 1_790_000_000_000
USERS = 1_000
RULES = {
    "every event counts": "count of api_call in the last 24 hours >= 50",
    "one in twenty counts": "count of api_call where status = 400 in the last 24 hours >= 5",
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
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    events = past(count)
    for name, rule in RULES.items():
        for step in (None, "1m", "15m"):
            began, used = time.perf_counter(), time.process_time()
            report = backtest(RuleFile(rule=rule, step=step), events, World())
            took, used = time.perf_counter() - began, time.process_time() - used
            print(
                f"{name}, step {step or 'none'}: {count} events in {took:.1f} s ({used:.1f} s of CPU),"
                f" {count / used:,.0f} a second of CPU; {report.messages_total} messages",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
