"""A hundred rules as an API company would write them: on errors, routes, silence, quotas and traits."""

from __future__ import annotations

from _traffic import ROUTES

WINDOWS = (("1 hour", 200), ("24 hours", 400), ("7 days", 900), ("30 days", 2000))
"""How long, and how many errors in it are too many."""

PLANS = ("free", "pro", "scale")


def rules(count: int) -> list[tuple[str, str]]:
    """`count` (up to 100) names and texts; few users match any, so that evaluation is measured and not messaging."""
    found = [
        (f"{status} in {window}", f"count of api_call where status = {status} in the last {window} >= {least}")
        for window, least in WINDOWS
        for status in (400, 401, 403, 404, 422, 429, 500, 503)
    ]
    for route in ROUTES:
        calls = f'api_call where route = "{route}"'
        found += [
            (f"Errors on {route}", f"count of {calls} and status >= 400 in the last 24 hours >= 300"),
            (f"Use of {route}", f"count of {calls} in the last 7 days >= 5000"),
        ]
    for plan in PLANS:
        on_plan = f'plan = "{plan}"'
        found += [
            (f"Busy {plan}", f"all of ({on_plan}; count of api_call in the last 24 hours >= 10000)"),
            (f"Silent {plan}", f"all of ({on_plan}; time since last api_call >= 7 days)"),
            (f"Deletes {plan}", f'all of ({on_plan}; count of api_call where method = "DELETE" ever >= 5000)'),
        ]
    failing = "count of api_call where status in (500, 503) in the last 24 hours >= 100"
    found += [(f"Large {seats}", f"all of (seats >= {seats}; {failing})") for seats in range(40, 50)]
    found += [
        (f"Slow {hours}", f"count of api_call where latency_ms > {300 + 10 * hours} in the last {hours} hours >= 1000")
        for hours in range(2, 11)
    ]
    return found[:count]
