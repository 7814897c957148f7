"""Proof that the fault runs can fail: bugs that peers had, planted from outside, each turn a run red."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faults.harness import Role
from faults.scenario import Plan, run
from faults.smtp_sink import Script

FULL = os.environ.get("ANTIPHON_FAULTS") == "full"
SHORT = ("cursor_without_state", "resend_at_data")
CASES: dict[str, tuple[dict[Role, int], tuple[str, ...], set[str]]] = {
    # bug: kills, crash points, which of the figures must turn
    "cursor_without_state": ({"worker": 2}, (), {"lost_mails", "divergence"}),
    "resend_at_data": ({"worker": 1}, ("record_result.before",) * 2, {"doubled_mails"}),
    "commit_after_send": ({"worker": 1}, ("record_result.before",) * 2, {"doubled_mails"}),
    "no_recovery": ({"worker": 1}, ("entered_data.before",) * 2, {"stuck"}),
    "acknowledge_before_commit": ({"web": 6}, (), {"lost_events"}),
}
"""The crash points lie where a bug shows; the promise must hold there as everywhere."""


@pytest.mark.timeout(420)
@pytest.mark.parametrize("bug", sorted(CASES) if FULL else SHORT)
async def test_a_peer_bug_turns_the_run_red(bug: str, tmp_path: Path):
    """The figure that stands for the bug is not 0."""
    kills, points, figures = CASES[bug]
    plan = Plan(kills=kills, seed=7, points=points, peer_bug=bug, kill_pause_s=0.7, script=Script(slow=0.8), drain_s=10)
    outcome = await run(tmp_path / "run", plan)
    assert not outcome.verdict.good, f"{bug} went unnoticed: {outcome.as_dict()}"
    turned = {kind for kind in outcome.verdict.FAILURES if getattr(outcome.verdict, kind)}
    assert turned & figures, f"{bug} turned {turned}: {outcome.as_dict()}"
