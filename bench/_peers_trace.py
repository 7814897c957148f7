"""One trace of failing API calls for every contestant, and the oracle that says from it alone who must be told when.

Groups (share of the users) are what goes wrong in practice. Times are seconds from the trace's start; what lies before 0
is the past, which each contestant is given in the form that it takes (backdated events, rows, or samples in the store).

- `new_burst`: never failed before, five errors at one instant; must be told. `new_spread`: the same over several seconds.
- `history`: seven errors more than 24 h ago, five now; must be told.
- `edge_in`: as `history`, but one error 23 h 30 min ago and four now: five within 24 h; must be told.
- `edge_out`: one error 24 h 30 min ago and four now; must not be told.
- `in_step`: one error 24 h 10 min ago and four now; must not be told by the rule's letter. Antiphon's 24 h window moves in
  steps of 24 minutes and never covers less than asked, so it is allowed to; counted apart for everybody.
- `four_burst`, `four_spread`, `four_history`: the controls with four errors; must not be told.
- `reset`: three errors now, then the API's process starts anew and its counters with it, then two more; must be told.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

HOUR = 3600.0
WINDOW_S = 24 * HOUR
LEAST = 5

SHARES = {
    "new_burst": 20, "new_spread": 20, "history": 15, "edge_in": 6, "edge_out": 5, "in_step": 4, "four_burst": 8,
    "four_spread": 8, "four_history": 8, "reset": 6,
}  # fmt: skip
"""Percent of the users."""

LENIENT = "in_step"
WITH_PAST = ("history", "edge_in", "edge_out", "in_step", "four_history", "reset")
EDGES = {"edge_in": -23.5 * HOUR, "edge_out": -24.5 * HOUR, "in_step": -(24 * HOUR + 600)}
PAST_BEGINS = -25 * HOUR


class Call(NamedTuple):
    """One API call; a status from 400 on is an error."""

    at: float
    user: str
    status: int


class Trace(NamedTuple):
    """What everybody hears: the past, then `calls`; counters start anew at `reset_at`."""

    groups: dict[str, str]
    past: list[Call]
    calls: list[Call]
    reset_at: float


def make(users: int, seconds: float, quiet_s: float, ok_rate: float, seed: int) -> Trace:
    """A trace of `users` (at least 50) people, with `ok_rate` successful calls a second among their errors.

    All but the last errors of `reset` lie within `seconds`. The counters start anew `quiet_s` later, so that whoever
    scrapes more often than that has seen them all; a quarter of `seconds` more is for the rest of `reset`.
    """
    rng = random.Random(seed)
    groups = _groups(users)
    reset_at = seconds + quiet_s
    total = reset_at + 0.25 * seconds
    past: list[Call] = []
    calls: list[Call] = []
    for user, group in groups.items():
        if group in WITH_PAST:
            past += [Call(PAST_BEGINS + 60 * n + rng.uniform(0, 50), user, 400) for n in range(7)]
        if group in EDGES:
            past.append(Call(EDGES[group], user, 400))
        calls += [Call(at, user, 400) for at in _instants(group, rng, seconds, reset_at, total)]
    names = list(groups)
    calls += [Call(rng.uniform(0, total), rng.choice(names), 200) for _ in range(int(ok_rate * total))]
    return Trace(groups, sorted(past), sorted(calls), reset_at)


def due(trace: Trace) -> dict[str, int]:
    """Who must be told, and at which of their errors of the trace (0 is the first): five within 24 h by then."""
    before: dict[str, list[float]] = {}
    for call in trace.past:
        before.setdefault(call.user, []).append(call.at)
    seen: dict[str, int] = {}
    found: dict[str, int] = {}
    for call in trace.calls:
        if call.status < 400:
            continue
        errors = before.setdefault(call.user, [])
        errors.append(call.at)
        if call.user not in found and sum(call.at - at < WINDOW_S for at in errors) >= LEAST:
            found[call.user] = seen.get(call.user, 0)
        seen[call.user] = seen.get(call.user, 0) + 1
    return found


def _groups(users: int) -> dict[str, str]:
    counts = {group: users * share // 100 for group, share in SHARES.items()}
    counts["new_spread"] += users - sum(counts.values())
    return {f"{group.replace('_', '-')}-{n}": group for group, count in counts.items() for n in range(count)}


def _instants(group: str, rng: random.Random, seconds: float, reset_at: float, total: float) -> Sequence[float]:
    """When somebody of a group fails."""
    if group == "reset":
        return [rng.uniform(0, seconds) for _ in range(3)] + [rng.uniform(reset_at + 0.5, total) for _ in range(2)]
    errors = LEAST if group in {"new_burst", "new_spread", "history"} else LEAST - 1
    if group.endswith("burst"):
        return [rng.uniform(0, seconds)] * errors
    start = rng.uniform(0, 0.5 * seconds)
    length = rng.uniform(0.05, 0.5) * seconds  # some within two scrapes, some over many
    return [start + rng.uniform(0, length) for _ in range(errors)]
