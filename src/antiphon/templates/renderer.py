"""The client of the sandbox: requests in, emails or errors out, and a new child whenever one dies."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import msgspec

from antiphon.errors import Unavailable
from antiphon.templates.content import HEAD, Rendered, RenderError, RenderRequest, RenderResult, TemplateContent

WALL_SECONDS = 2.0
"""A render that has not answered by then is killed, provided that it was given its second of CPU."""
STARVED_SECONDS = 10.0
"""And then in any case."""
CPU_SECONDS = 1.0
START_SECONDS = 60.0
MAX_REQUEST_BYTES = 4 * 1024 * 1024
MAX_KILLS = 3
"""A template that has killed this many children is refused for `REFUSED_SECONDS`."""
REFUSED_SECONDS = 600.0
MAX_REMEMBERED = 64
RETRY_SECONDS = 0.5

_End = Literal["gone", "overdue"]

_PASSED_ON = ("LD_LIBRARY_PATH", "SYSTEMROOT")


class _Job(msgspec.Struct):
    request: RenderRequest
    frame: bytes
    done: asyncio.Future[RenderResult]
    crashes: int = 0


class Renderer:
    """Renders in one child process; any number of renders may be under way, they are answered in order.

    One event loop owns it. The child is started by `start()`, from the thread that the loop runs in (Linux ends the
    child when that thread ends).
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._jobs: deque[_Job] = deque()
        self._pipe: _Pipe | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._kills: OrderedDict[TemplateContent, list[float]] = OrderedDict()
        self._encoder = msgspec.msgpack.Encoder()
        self.restarts = 0

    async def start(self) -> None:
        """Start the child and wait until it is ready; raises Unavailable when it cannot be started."""
        self._supervisor = asyncio.create_task(self._supervise())
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait({waiting, self._supervisor}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not self._ready.is_set():
            await self.close()
            raise Unavailable("The renderer process does not start: see what it wrote to standard error.")

    async def close(self) -> None:
        """End the child; renders under way are answered with an error."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        while self._jobs:
            _resolve(self._jobs.popleft(), RenderError(message="The renderer was stopped.", where="limits"))

    async def render(self, request: RenderRequest) -> RenderResult:
        """Render one email; a template's fault is a RenderError, never an exception."""
        return await self._submit(request)

    async def render_many(self, requests: Sequence[RenderRequest]) -> list[RenderResult]:
        """Render several in one round trip; answers come in the order of the requests."""
        return list(await asyncio.gather(*[self._submit(request) for request in requests]))

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._pipe.process.pid if self._pipe else None

    def _submit(self, request: RenderRequest) -> asyncio.Future[RenderResult]:
        if self._supervisor is None or self._supervisor.done():
            raise Unavailable("The renderer is not running.")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[RenderResult] = loop.create_future()
        frame = self._frame(request, loop.time())
        if isinstance(frame, RenderError):
            done.set_result(frame)
            return done
        job = _Job(request, frame, done)
        self._jobs.append(job)
        if self._pipe is not None and self._ready.is_set():
            self._pipe.send(job)
        return done

    def _frame(self, request: RenderRequest, now: float) -> bytes | RenderError:
        if self._refused(request.content, now):
            message = "This template has stopped the renderer several times; it is refused for a while."
            return RenderError(message=message, where="limits")
        try:
            payload = self._encoder.encode(request)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return RenderError(message=f"The data of this email cannot be used: {error}", where="limits")
        if len(payload) > MAX_REQUEST_BYTES:
            message = f"Template and data are larger than {MAX_REQUEST_BYTES >> 20} MB."
            return RenderError(message=message, where="limits")
        return len(payload).to_bytes(HEAD, "big") + payload

    async def _supervise(self) -> None:
        while True:
            pipe = self._pipe = await _spawn(self._jobs, self._ready)
            try:
                end = await pipe.ended
            finally:
                self._pipe = None
                was_ready = self._ready.is_set()
                self._ready.clear()
                await pipe.stop()
            if was_ready:
                self.restarts += 1
                self._blame(end)
            elif not self.restarts:
                return  # it has never started: `start` says so
            else:
                await asyncio.sleep(RETRY_SECONDS)

    def _blame(self, end: _End) -> None:
        """The render at the head was the child's last; the others are sent to the next one.

        A crash may be somebody else's doing (the machine ran out of memory), so it is tried a second time.
        """
        if not self._jobs:
            return
        job = self._jobs[0]
        self._kills.setdefault(job.request.content, []).append(asyncio.get_running_loop().time())
        self._kills.move_to_end(job.request.content)
        if len(self._kills) > MAX_REMEMBERED:
            self._kills.popitem(last=False)
        job.crashes += 1
        if end == "overdue":
            message = f"Rendering took more than {WALL_SECONDS:g} s and was stopped."
        elif job.crashes > 1:
            message = "This template makes the renderer crash; it may be nested too deeply."
        else:
            return
        _resolve(self._jobs.popleft(), RenderError(message=message, where="limits"))

    def _refused(self, content: TemplateContent, now: float) -> bool:
        if not self._kills or content not in self._kills:
            return False
        recent = [at for at in self._kills[content] if now - at < REFUSED_SECONDS]
        self._kills[content] = recent
        return len(recent) >= MAX_KILLS


class _Pipe(asyncio.Protocol):
    """The socket to one child, and the clock of the render at the head of the queue."""

    def __init__(self, jobs: deque[_Job], ready: asyncio.Event, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.ended: asyncio.Future[_End] = asyncio.get_running_loop().create_future()
        self._jobs = jobs
        self._ready = ready
        self._received = bytearray()
        self._decoder = msgspec.msgpack.Decoder(Rendered | RenderError)
        self._transport: asyncio.Transport | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, job: _Job) -> None:
        """Write a request; one that gets lost with the child is sent again to the next."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(job.frame)
            if self._clock is None:
                self._watch()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= HEAD:
            end = HEAD + int.from_bytes(self._received[:HEAD], "big")
            if len(self._received) < end:
                return
            payload = bytes(self._received[HEAD:end])
            del self._received[:end]
            if payload:
                _resolve(self._jobs.popleft(), self._decoder.decode(payload))
            else:
                self._ready.set()
                for job in self._jobs:
                    self.send(job)
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._end("gone")

    async def stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        if self._transport is not None:
            self._transport.abort()
        self.process.kill()
        await asyncio.to_thread(self.process.wait)

    def _end(self, end: _End) -> None:
        if not self.ended.done():
            self.ended.set_result(end)

    def _watch(self) -> None:
        """Start the clock for the head of the queue."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._jobs and self._ready.is_set():
            loop = asyncio.get_running_loop()
            self._since = loop.time()
            self._clock = loop.call_later(WALL_SECONDS / 2, self._halfway)

    def _halfway(self) -> None:
        loop = asyncio.get_running_loop()
        self._clock = loop.call_later(WALL_SECONDS / 2, self._overdue, _cpu_seconds(self.process.pid))

    def _overdue(self, cpu_halfway: float) -> None:
        """Stop it, unless it waits for a processor that others have: it cannot wait for anything else."""
        loop = asyncio.get_running_loop()
        running = _cpu_seconds(self.process.pid) - cpu_halfway >= CPU_SECONDS / 2
        if running or loop.time() - self._since >= STARVED_SECONDS:
            self._end("overdue")
        else:
            self._clock = loop.call_later(WALL_SECONDS / 10, self._overdue, cpu_halfway)


async def _spawn(jobs: deque[_Job], ready: asyncio.Event) -> _Pipe:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with theirs:
        process = subprocess.Popen(  # noqa: ASYNC220 - a fork of milliseconds, in the loop's own thread on purpose
            [sys.executable, "-I", "-m", "antiphon.templates.process"],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env=environment | {"TZ": "UTC", "LANG": "C.UTF-8"},
            cwd="/",
        )
    loop = asyncio.get_running_loop()
    _, pipe = await loop.create_unix_connection(lambda: _Pipe(jobs, ready, process), sock=ours)
    return pipe


def _cpu_seconds(pid: int) -> float:
    """CPU that a process has used, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resolve(job: _Job, result: RenderResult) -> None:
    if not job.done.done():  # its caller may have been cancelled
        job.done.set_result(result)
