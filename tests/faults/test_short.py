"""The fault run in short, for every change; `make faults` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.scenario import Outcome, Plan, run

SEED = 20_261_123
POINTS = ("save_states.after", "enter_data.after", "hand_over.after")


def _explain(outcome: Outcome) -> str:
    return f"seed {outcome.plan.seed}: {outcome.as_dict()}"


@pytest.mark.timeout(420)
async def test_nothing_is_lost_doubled_or_stuck(tmp_path: Path):
    """Kills of every process under load, at random moments and at a few named ones, leave no trace."""
    plan = Plan(
        kills={"web": 1, "worker": 2, "renderer": 1, "supervisor": 1}, seed=SEED, points=POINTS, kill_pause_s=0.4
    )
    outcome = await run(tmp_path / "run", plan)
    assert outcome.verdict.good, _explain(outcome)
    assert outcome.figures["unreached_points"] == []
    assert outcome.figures["mails"] > 0


@pytest.mark.postgres
@pytest.mark.timeout(420)
async def test_nothing_is_lost_doubled_or_stuck_on_postgres(tmp_path: Path, empty_postgres: str):
    """The same promise, kept by the other database."""
    plan = Plan(
        kills={"web": 1, "worker": 1, "renderer": 0, "supervisor": 1}, seed=SEED, database_url=empty_postgres,
        kill_pause_s=0.4,
    )  # fmt: skip
    outcome = await run(tmp_path / "run", plan)
    assert outcome.verdict.good, _explain(outcome)
    assert outcome.figures["mails"] > 0
