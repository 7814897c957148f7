"""Events per second through touch + fold + evaluate on one core: 100 rules, 100,000 users, Zipf traffic.

    uv run python bench/rules_live.py [events] [users]

State lives in memory; reading the log and writing state are measured elsewhere. Two ways of evaluating are shown: after
each event, and once per touched (subject, rule) in ticks of 1,000 events, as the worker does. Medians of
three runs, in CPU time; the garbage collector is off, as in the worker (state has no cycles).
"""

from __future__ import annotations

import gc
import random
import resource
import statistics
import sys
import time
from bisect import bisect_left
from itertools import accumulate

from antiphon.model.event import Event
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.state import SubjectState, SubjectView
from antiphon.rules.text import parse

NOW = 1_790_000_000_000
DAY = 86_400_000
TICK = 1_000
ROUTES = [f"/v1/{noun}/{{id}}" for noun in ("reports", "users", "items", "jobs", "files", "search", "geo", "pay")]


def hundred_rules():
    """Rules as people write them: errors by status and route, usage, firsts, silence, shares."""
    texts = [
        f"count of api_call where status = {status} in the last {hours} hours >= {limit}"
        for status in (400, 401, 403, 404, 409, 422, 429, 500, 502, 503)
        for hours, limit in ((1, 5), (24, 20))
    ]
    texts += [f'count of api_call where route = "{route}" ever >= {limit}' for route in ROUTES for limit in (1, 100)]
    texts += [
        f'count of api_call where route = "{route}" and status matches 5* in the last 30 minutes >= 3'
        for route in ROUTES
    ]
    texts += [f"count of api_call in the last {days} days >= {1000 * days}" for days in (1, 2, 3, 7, 14, 30)]
    texts += [f"count of event_{number} ever >= 5" for number in range(20)]
    texts += [f"time since last event_{number} >= 7 days" for number in range(10)]
    texts += [f'all of (plan = "free"; count of event_{number} in the last 7 days >= 10)' for number in range(10)]
    texts += [
        "time since last api_call >= 7 days",
        "ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%",
    ]
    texts += [f"count of signup_{number} in the last 7 days = 0" for number in range(100 - len(texts))]
    return [
        RuleSpec(id=number, version=1, subject_kind="user", tree=parse(text), name=f"r{number}")
        for number, text in enumerate(texts)
    ]


def traffic(count, users):
    """Calls of users whose activity follows Zipf's law; spread over a day; 92 % succeed; every tenth event is a product event."""
    order = random.Random(7)
    shares = list(accumulate(1 / (rank + 1) for rank in range(users)))
    events = []
    for number in range(count):
        user = bisect_left(shares, order.random() * shares[-1])
        status = 200 if order.random() < 0.92 else order.choice((400, 401, 403, 404, 422, 429, 500, 503))
        name = "api_call" if order.random() < 0.9 else f"event_{order.randrange(40)}"
        properties = {
            "method": "GET",
            "route": order.choice(ROUTES),
            "status": status,
            "latency_ms": round(order.random() * 200, 1),
        }
        at = NOW + number * DAY // count
        events.append(
            Event(
                id=str(number),
                type="track",
                name=name,
                timestamp=at,
                received_at=at,
                source="1",
                user_id=f"u{user}",
                properties=properties,
            )
        )
    return events


def every_event(program, events):
    """Evaluates the touched rules after each event."""
    states, evaluated = {}, 0
    traits = {"plan": "free"}
    for event in events:
        plan = program.touch(event).user
        state = states.get(event.user_id)
        if state is None:
            state = states[event.user_id] = SubjectState()
        program.fold(state, event, plan)
        view = SubjectView(state, traits)
        program.evaluate_all(plan.rules, view, event.timestamp)
        evaluated += len(plan.rules)
    return len(states), evaluated


def in_ticks(program, events):
    """Folds a tick's events, then evaluates each touched rule once for each subject."""
    states, evaluated = {}, 0
    traits = {"plan": "free"}
    for start in range(0, len(events), TICK):
        dirty = {}
        for event in events[start : start + TICK]:
            plan = program.touch(event).user
            user_id = event.user_id
            state = states.get(user_id)
            if state is None:
                state = states[user_id] = SubjectState()
            program.fold(state, event, plan)
            if plan.rules:
                dirty.setdefault(user_id, set()).update(plan.rules)
        now = event.timestamp
        for user_id, rule_ids in dirty.items():
            view = SubjectView(states[user_id], traits)
            program.evaluate_all(rule_ids, view, now)
            evaluated += len(rule_ids)
    return len(states), evaluated


def fold_only(program, events):
    """Touches and folds."""
    states = {}
    for event in events:
        plan = program.touch(event).user
        state = states.get(event.user_id)
        if state is None:
            state = states[event.user_id] = SubjectState()
        program.fold(state, event, plan)
    return len(states), 0


def touch_only(program, events):
    """Only finds what each event means."""
    for event in events:
        program.touch(event)
    return 0, 0


def main():
    """Print the medians."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    users = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    events = traffic(count, users)
    gc.disable()
    for run in (touch_only, fold_only, in_ticks, every_event):
        rates = []
        for _ in range(3):
            program = compile_program(hundred_rules(), [], time_zone="UTC")
            started = time.process_time()
            subjects, evaluated = run(program, events)
            rates.append(count / (time.process_time() - started))
        print(
            f"{run.__name__:12} {statistics.median(rates):>10,.0f} events/s   {subjects:,} users, {evaluated / count:.2f} evaluations an event"
        )
    print(f"RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
