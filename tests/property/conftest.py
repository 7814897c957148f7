"""Hypothesis: few examples by default so that every run is quick; ANTIPHON_EXAMPLES asks for more."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "antiphon",
    max_examples=int(os.environ.get("ANTIPHON_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
settings.load_profile("antiphon")
