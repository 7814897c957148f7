"""Rules of every kind over API calls: as many as wanted, of which a call touches about as many as it would of a hundred.

A hundred of them are about the twenty routes that most calls go to; further ones are about routes, products and plans that ever
fewer calls have to do with, as in a company that grows.
"""

from __future__ import annotations

from _traffic import ROUTES

COUNTS = (("1 hour", 300), ("24 hours", 900), ("7 days", 3000), ("30 days", 9000))
PLANS = ("free", "pro", "scale")


def mixed(count: int) -> list[tuple[str, str]]:
    """`count` names and texts; few subjects match any, so that evaluation is measured and not messaging."""
    found: list[tuple[str, str]] = []
    for status in (400, 401, 403, 404, 422, 429, 500, 503):
        found += [
            (f"{status} in {window}", f"count of api_call where status = {status} in the last {window} >= {least}")
            for window, least in COUNTS
        ]
    for number, route in enumerate(ROUTES):
        calls = f'api_call where route = "{route}"'
        failing = f"{calls} and status >= 500"
        found += [
            (f"Failing {route}", f"ratio of {failing} to {calls} in the last 5 minutes > 90%"),
            (f"First use of {route}", f"count of {calls} ever >= 100000"),
        ]
        if number < 6:
            found.append(
                (
                    f"Stopped {route}",
                    f"all of (count of {calls} ever >= 50000; count of {calls} in the last 7 days = 0)",
                )
            )
    found += [(f"Silent {days} days", f"time since last api_call >= {days} days") for days in (3, 7, 14)]
    found += [
        (
            f"Below its own {share}%",
            f"all of (count of api_call ever >= 200000; count of api_call in the last 7 days <= {share}% of its average over the previous 4 weeks)",
        )
        for share in (20, 50)
    ]
    found += [(f"Quota {share}%", f"count of api_call this month >= {share}% of plan_limit") for share in (80, 90, 100)]
    found += [
        ("Routes used", "distinct route of api_call where status = 503 in the last 30 days >= 19"),
        ("Versions", "distinct sdk of api_call where status = 500 in the last 30 days >= 5"),
        (
            "Deleted, then failed",
            'did api_call where method = "DELETE" and status = 429, then api_call where status = 503, within 1 minutes',
        ),
        ("Refused, then away", "did api_call where status = 401, then not api_call where status = 200, for 3 days"),
    ]
    found += [
        (f"Deletes {plan}", f'all of (plan = "{plan}"; count of api_call where method = "DELETE" ever >= 50000)')
        for plan in PLANS
    ]
    found += [
        (f"Slow {hours}", f"count of api_call where latency_ms > {300 + 10 * hours} in the last {hours} hours >= 10000")
        for hours in range(2, 10)
    ]
    number = 0
    while len(found) < count:
        number += 1
        calls = f'api_call where route = "/v2/rare{number}/{{id}}"'
        window, least = COUNTS[number % len(COUNTS)]
        found.append((f"Rare {number}", f"count of {calls} in the last {window} >= {least}"))
    return found[:count]
