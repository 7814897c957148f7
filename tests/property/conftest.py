"""Hypothesis: few examples by default so that every run is quick; ANTIPHON_EXAMPLES asks for more, `make property` for many."""

from __future__ import annotations

import os
from collections import Counter
from functools import wraps

from hypothesis import HealthCheck, Phase, settings

phases = set(Phase) - ({Phase.shrink, Phase.explain} if os.environ.get("ANTIPHON_NO_SHRINK") else set())
settings.register_profile(
    "antiphon",
    max_examples=int(os.environ.get("ANTIPHON_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
    phases=[phase for phase in Phase if phase in phases],
)
settings.load_profile("antiphon")

examples = Counter()


def pytest_collection_modifyitems(items):
    """Counts how often each property is tried."""
    for item in items:
        handle = getattr(getattr(item, "obj", None), "hypothesis", None)
        if handle is not None:
            handle.inner_test = counted(item.name, handle.inner_test)


def counted(name, inner):
    """A property that counts its examples."""

    @wraps(inner)
    def tried(*arguments, **named):
        examples[name] += 1
        return inner(*arguments, **named)

    return tried


def pytest_terminal_summary(terminalreporter):
    """Says how many examples there were (of this process: run without xdist to see them)."""
    for name, count in sorted(examples.items()):
        terminalreporter.write_line(f"{count:>7} examples of {name}")
    if examples:
        terminalreporter.write_line(f"{sum(examples.values()):>7} examples in all")
