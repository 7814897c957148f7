"""Whether a backtest came out as its file expects: each expectation that does not hold, in one line."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.model.backtest import BacktestReport, Bounds, Expect

SHOWN = 5
"""Names listed in one line."""


def unmet(expect: Expect | None, report: BacktestReport) -> list[str]:
    """The expectations that do not hold; the report's lists must be whole."""
    if expect is None:
        return []
    messaged = {message.subject_id for message in report.messages}
    found = list(_bounds("messages", expect.messages, report.messages_total))
    for day in report.days:
        found += _bounds(f"messages on {day.day}", expect.per_day, day.messages)
    lists = {
        "users": (expect.users, expect.not_users),
        "companies": (expect.companies, expect.not_companies),
    }
    for noun, (wanted, unwanted) in lists.items():
        found += _names(f"{noun} who should have been messaged, and were not", set(wanted) - messaged)
        found += _names(f"{noun} who should not have been messaged, and were", set(unwanted) & messaged)
    return found


def _bounds(what: str, bounds: Bounds | int | None, value: int) -> Iterator[str]:
    if bounds is None:
        return
    if isinstance(bounds, int):
        bounds = Bounds(min=bounds, max=bounds)
    if bounds.min is not None and value < bounds.min:
        yield f"{what}: expected at least {bounds.min}, got {value}"
    if bounds.max is not None and value > bounds.max:
        yield f"{what}: expected at most {bounds.max}, got {value}"


def _names(what: str, names: set[str]) -> Iterator[str]:
    if names:
        shown = sorted(names)
        more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
        yield f"{what}: {', '.join(shown[:SHOWN])}{more}"
