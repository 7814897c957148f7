"""Backtests that the page asks for: each a child process, so that counting holds up neither requests nor memory."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Mapping, Sequence

import msgspec

from antiphon.errors import NotFound, Overloaded
from antiphon.model.backtest import BacktestJob, BacktestReport, RuleFile
from antiphon.runtime.child import PARENT_PID

KEPT = 20
"""Ended backtests remembered, the newest."""

LISTED = 1_000
"""Messages listed in a report; the totals count all."""

ANSWER_WITHIN_S = 2.0
"""A backtest that is done so soon is answered with its report at once."""

_BAD_INPUT = 2


class _Told(msgspec.Struct):
    done: int
    total: int


class BacktestJobs:
    """Runs one backtest at a time; used from one event loop."""

    def __init__(self, environment: Mapping[str, str], command: Sequence[str] | None = None) -> None:
        """`environment` holds the settings as variables: the child reads the same data."""
        self._environment = environment
        self._command = command or (sys.executable, "-m", "antiphon.cli", "backtest", "-", "--json")
        self._jobs: dict[str, BacktestJob] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, file: RuleFile) -> BacktestJob:
        """Start one; Overloaded while another runs. What ends soon has its report already."""
        if any(job.status == "running" for job in self._jobs.values()):
            raise Overloaded("Another backtest runs. Wait for it, or cancel it.", retry_after=5)
        job = BacktestJob(id=secrets.token_hex(8), status="running")
        self._jobs[job.id] = job
        for old in list(self._jobs)[:-KEPT]:
            del self._jobs[old]
        task = self._tasks[job.id] = asyncio.create_task(self._run(job, file), name="backtest")
        task.add_done_callback(lambda _: self._tasks.pop(job.id, None))
        await asyncio.wait([task], timeout=ANSWER_WITHIN_S)
        return job

    def get(self, job_id: str) -> BacktestJob:
        """One of them as it stands; NotFound."""
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound("There is no such backtest; it may have been long ago.")
        return job

    async def cancel(self, job_id: str) -> BacktestJob:
        """End it, if it runs."""
        job = self.get(job_id)
        task = self._tasks.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        return job

    async def close(self) -> None:
        """End what runs."""
        for job_id in list(self._tasks):
            await self.cancel(job_id)

    async def _run(self, job: BacktestJob, file: RuleFile) -> None:
        try:
            await self._heard(job, file)
        except asyncio.CancelledError:  # even before the process is there
            job.status = "cancelled"
        except (OSError, msgspec.MsgspecError) as error:
            job.status, job.error = "failed", str(error)

    async def _heard(self, job: BacktestJob, file: RuleFile) -> None:
        """Have a process do it, and take over what it says; the process is ended when this is."""
        child = await asyncio.create_subprocess_exec(
            *self._command,
            "--progress",
            "json",
            "--limit",
            str(LISTED),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environment, PARENT_PID: str(os.getpid())},
        )
        assert child.stdin is not None  # noqa: S101
        assert child.stdout is not None  # noqa: S101
        assert child.stderr is not None  # noqa: S101
        try:
            child.stdin.write(msgspec.json.encode(file))
            child.stdin.close()
            said, output = await asyncio.gather(_follow(child.stderr, job), child.stdout.read())
            code = await child.wait()
            if code == _BAD_INPUT or not output:
                job.status, job.error = "failed", said or "The backtest ended by itself."
            else:
                job.report = msgspec.json.decode(output, type=BacktestReport)
                job.status = "done"
        finally:
            if child.returncode is None:
                child.terminate()
                await child.wait()


async def _follow(stderr: asyncio.StreamReader, job: BacktestJob) -> str:
    """Note the progress; the last other line that the child said."""
    said = ""
    async for line in stderr:
        try:
            told = msgspec.json.decode(line, type=_Told)
            job.done, job.total = told.done, told.total
        except msgspec.MsgspecError:
            said = line.decode(errors="replace").strip().removeprefix("antiphon: ")
    return said
