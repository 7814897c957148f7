"""How long completion takes with 10,000 names and values seen: p50 and p99 of a call, at every place of some rules.

python bench/complete.py
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import cast

from antiphon.rules.complete import Seen, complete
from antiphon.runtime.seen import Catalogue, SeenNames, catalogue

EVENTS, PROPERTIES, VALUES, TRAITS = 2_000, 40, 50, 2_000
RULES = (
    "count of api_call where status = 400 in the last 24 hours >= 5",
    'all of (trait_7 = "v1"; count of event_12 where property_3 = "v4" ever >= 2; in segment rule_1)',
    "ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%",
)


class Kept(SeenNames):
    """The catalogue as it lies in memory; no database behind it."""

    def __init__(self, known: Catalogue) -> None:
        self._known = known

    def _current(self) -> Catalogue:
        return self._known

    def segments(self, kind: str) -> list[str]:  # noqa: ARG002 - as the real one
        return [f"rule_{number}" for number in range(500)]


def made() -> Kept:
    """A workspace with more than 10,000 names and values."""
    names = ["api_call", *(f"event_{number}" for number in range(EVENTS))]
    rows = [
        (name, {f"property_{(index + row) % PROPERTIES}": f"v{row % VALUES}" for index in range(5)})
        for name in names
        for row in range(10)
    ]
    rows += [("api_call", {"status": 200 + row % 300, "route": f"/v1/route{row % 200}"}) for row in range(2_000)]
    people = [{f"trait_{number}": f"v{number % VALUES}"} for number in range(TRAITS)]
    return Kept(catalogue(names, rows, {"user": people, "company": people}))


def main() -> int:
    """Complete at every place of every rule, often, and print how long it took."""
    seen = made()
    known = seen._current()  # noqa: SLF001
    size = len(known.events) + sum(map(len, known.values.values())) + sum(map(len, known.traits.values()))
    first = time.perf_counter()
    complete("", 0, "user", cast("Seen", seen))
    first = (time.perf_counter() - first) * 1_000
    took: list[float] = []
    for _ in range(5):
        for rule in RULES:
            for position in range(len(rule) + 1):
                began = time.perf_counter()
                complete(rule, position, "user", cast("Seen", seen))
                took.append((time.perf_counter() - began) * 1_000)
    cuts = statistics.quantiles(took, n=100)
    print(f"{size} names and values seen; the first call, which makes the parser, took {first:.0f} ms")
    print(f"{len(took)} calls: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms, most {max(took):.2f} ms")
    return 0 if cuts[98] < 50 else 1


if __name__ == "__main__":
    sys.exit(main())
