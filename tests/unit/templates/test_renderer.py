from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
import pytest_asyncio

from antiphon.errors import Unavailable
from antiphon.templates import renderer as renderer_module
from antiphon.templates.content import Rendered, RenderError, RenderRequest, TemplateContent
from antiphon.templates.renderer import MAX_KILLS, Renderer

SECRET = "canary-5f1b9c"


@pytest_asyncio.fixture
async def renderer(monkeypatch):
    monkeypatch.setenv("ANTIPHON_ADMIN_TOKEN", SECRET)
    running = Renderer()
    await running.start()
    yield running
    await running.close()


def request(body, context=None, **fields):
    content = TemplateContent(**({"subject": "S", "language": "html", "body": body} | fields))
    return RenderRequest(content=content, context=context or {}, now=0)


async def still_works(renderer):
    result = await renderer.render(request("<p>{{ x }}</p>", {"x": "fine"}))
    return isinstance(result, Rendered) and "fine" in result.html


async def test_renders_come_back_in_order(renderer):
    """Hundreds in one round trip, each with its own data, through one child."""
    requests = [request("<p>{{ n }}</p>", {"n": n}) for n in range(300)]
    results = await renderer.render_many(requests)
    assert [result.text for result in results] == [f"{n}\n" for n in range(300)]
    assert renderer.restarts == 0


async def test_the_child_holds_no_secrets_and_can_open_nothing(renderer):
    """Its environment has none of ours, and its limits forbid files, sockets, processes and memory."""
    proc = Path(f"/proc/{renderer.pid}")
    environment = (proc / "environ").read_text()
    assert SECRET not in environment
    assert {entry.split("=")[0] for entry in environment.split("\0") if entry} <= {"TZ", "LANG", "LD_LIBRARY_PATH"}
    limits = {line[:25].strip(): line[25:].split()[:2] for line in (proc / "limits").read_text().splitlines()}
    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert int(limits["Max address space"][1]) < 1024 * 1024 * 1024
    assert not any("socket" in str(fd.readlink()) for fd in (proc / "fd").iterdir() if fd.name not in {"0", "1", "2"})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{{ (1..100000000) | join }}", "range"),
        ("{% for i in (1..1000000000) reversed %}x{% endfor %}", "256 MB"),
        ("{{ (1..9999) | join | replace: '1', x }}", "256 MB"),
        ("{% for a in (1..9999) %}{% for b in (1..9999) %}{% endfor %}{% endfor %}", "loop"),
    ],
)
async def test_greedy_templates_end_with_an_error_in_the_same_child(renderer, body, says):
    """24 s and 3 GB elsewhere; here a RenderError, and the child lives on."""
    child = renderer.pid
    error = await renderer.render(request(body, {"x": "y" * 100_000, "list": list(range(30_000))}))
    assert isinstance(error, RenderError)
    assert says in error.message
    assert await still_works(renderer)
    assert renderer.pid == child


@pytest.mark.parametrize(
    "body",
    [
        "{% for i in (1..9999) %}{% assign a = list | sort | join %}{% endfor %}",
        "{{" * 40_000,
        "{% for i in (1..9000) %}{% endfor %}" * 2000,
    ],
)
async def test_slow_templates_are_stopped(renderer, body):
    """By the child's own limit of CPU time or, on a busy machine, by the parent's of wall time, which costs the child."""
    error = await renderer.render(request(body, {"list": list(range(30_000))}))
    assert isinstance(error, RenderError)
    assert "1 s of CPU" in error.message or "was stopped" in error.message
    assert await still_works(renderer)


async def test_markup_that_crashes_the_compiler(renderer):
    """A segmentation fault in native code costs the child, the template gets the blame, the next render works."""
    deep = "<mj-text>" + "<div>" * 20_000 + "</div>" * 20_000 + "</mj-text>"
    body = f"<mjml><mj-body><mj-section><mj-column>{deep}</mj-column></mj-section></mj-body></mjml>"
    others = [request("<p>{{ n }}</p>", {"n": n}) for n in range(10)]
    error, *rest = await renderer.render_many([request(body, language="mjml"), *others])
    assert isinstance(error, RenderError)
    assert "crash" in error.message
    assert [result.text for result in rest] == [f"{n}\n" for n in range(10)]
    assert renderer.restarts == 2  # a crash is tried a second time: it might have been the machine's


async def test_native_code_that_does_not_end(renderer, monkeypatch):
    """Where no Python runs, the parent's clock stops it; a template that does so often is refused."""
    monkeypatch.setattr(renderer_module, "WALL_SECONDS", 0.8)
    monkeypatch.setattr(renderer_module, "CPU_SECONDS", 0.2)
    slow = request("<div>" * 95_000)
    for _ in range(MAX_KILLS):
        error = await renderer.render(slow)
        assert isinstance(error, RenderError)
        assert "was stopped" in error.message
    error = await renderer.render(slow)
    assert isinstance(error, RenderError)
    assert "refused" in error.message
    assert await still_works(renderer)


async def test_renders_survive_a_killed_child(renderer):
    """Whoever kills it (the system out of memory, say): what was under way is rendered by the next child."""
    os.kill(renderer.pid, signal.SIGSTOP)
    waiting = [asyncio.ensure_future(renderer.render(request("<p>{{ n }}</p>", {"n": n}))) for n in range(20)]
    await asyncio.sleep(0)
    os.kill(renderer.pid, signal.SIGKILL)
    results = await asyncio.gather(*waiting)
    assert [result.text for result in results] == [f"{n}\n" for n in range(20)]
    assert renderer.restarts == 1


async def test_the_child_ends_with_its_client():
    """Closed or cut off, no process stays behind."""
    running = Renderer()
    await running.start()
    child = running.pid
    await running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    with pytest.raises(Unavailable):
        await running.render(request("x"))


async def test_a_cancelled_render_does_not_shift_the_answers(renderer):
    """Answers are matched by order, also when nobody waits for one any more."""
    first = asyncio.ensure_future(renderer.render(request("<p>first</p>")))
    await asyncio.sleep(0)
    first.cancel()
    result = await renderer.render(request("<p>second</p>"))
    assert isinstance(result, Rendered)
    assert result.text == "second\n"


async def test_data_that_cannot_be_sent(renderer):
    """Odd or oversized data is that email's error."""
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    for context in ({"x": object()}, {"x": 2**70}, {"x": "y" * 5_000_000}, {"x": nested}):
        error = await renderer.render(request("x", context))
        assert isinstance(error, RenderError)
        assert error.where == "limits"
    assert await still_works(renderer)
    assert renderer.restarts == 0


async def test_a_child_that_cannot_start_is_an_error_at_start(monkeypatch):
    """A broken installation is told at once, not by waiting for ever."""
    monkeypatch.setattr(renderer_module.sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="does not start"):
        await Renderer().start()
