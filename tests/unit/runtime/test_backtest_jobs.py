"""Backtests as child processes of the server: progress, report, refusal, cancel."""

from __future__ import annotations

import sys

import pytest

from antiphon.errors import NotFound, Overloaded
from antiphon.model.backtest import Expect, RuleFile
from antiphon.runtime.backtest import jobs as backtest_jobs
from antiphon.runtime.backtest.jobs import BacktestJobs
from factories import api_calls
from pipeline import Pipeline

THREE = "count of api_call where status = 400 ever >= 3"


@pytest.fixture
async def jobs(store, store_settings, clock, monkeypatch):
    """Jobs on the data of a server where one user makes three errors after the rule is switched on."""
    Pipeline(store, clock).hear(*api_calls(3, 400, "u1", every=0), *api_calls(2, 400, "u2", every=0))
    monkeypatch.setattr(backtest_jobs, "ANSWER_WITHIN_S", 100.0)
    settings = {"ANTIPHON_DATA": str(store_settings.data), "ANTIPHON_DATABASE_URL": store_settings.database_url}
    made = BacktestJobs(settings)
    yield made
    await made.close()


async def test_a_job_reports_over_the_servers_own_data(jobs):
    """The child reads the same data folder or database, and the whole report comes back, expectations judged."""
    file = RuleFile(rule=THREE, since="2026-01-01", expect=Expect(messages=2))
    job = await jobs.start(file)
    assert (job.status, job.error) == ("done", None)
    assert [message.subject_id for message in job.report.messages] == ["u1"]
    assert job.report.unmet == ["messages: expected at least 2, got 1"]
    assert (job.done, job.total) == (5, 5)


async def test_a_rule_that_cannot_be_used_fails_with_a_sentence(jobs):
    """What the command would say is the job's error."""
    job = await jobs.start(RuleFile(rule="cout of x > 1"))
    assert job.status == "failed"
    assert "cannot stand" in job.error


@pytest.mark.parametrize("within", [0, 0.01, 0.5])
async def test_one_at_a_time_and_cancelled(monkeypatch, within):
    """While one runs another is refused; a cancelled one has ended, its process too, if it had begun."""
    monkeypatch.setattr(backtest_jobs, "ANSWER_WITHIN_S", within)
    jobs = BacktestJobs({}, (sys.executable, "-c", "import time; time.sleep(600)"))
    job = await jobs.start(RuleFile(rule=THREE))
    assert job.status == "running"
    with pytest.raises(Overloaded):
        await jobs.start(RuleFile(rule=THREE))
    assert (await jobs.cancel(job.id)).status == "cancelled"
    assert (await jobs.cancel(job.id)).status == "cancelled"
    with pytest.raises(NotFound):
        jobs.get("other")
