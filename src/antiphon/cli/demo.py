"""`antiphon demo`: an example API, its simulated customers, and rules that answer them by mail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from antiphon.cli import demo_content
from antiphon.cli.management_api import ManagementApi
from antiphon.errors import AntiphonError, ConfigError
from antiphon.runtime.child import end_with_parent
from antiphon.runtime.local_token import read_local_token

REPORT_EVERY = 10.0
STOP_MOST = 8.0
"""Seconds that the children get for their last batch."""


def run_demo(
    url: str,
    admin_token: str,
    *,
    seconds: float | None = None,
    customers: int = 240,
    real_mail: bool = False,
    say: Callable[[str], None] = click.echo,
    stop: threading.Event | None = None,
) -> None:
    """Set the demo up on the server at `url`, run it for `seconds` (without end when None), and stop its processes.

    Ends early when `stop` is set. Refuses when mail would really leave, unless `real_mail`. Raises AntiphonError when
    the server refuses or the example programs fail.
    """
    stop = stop or threading.Event()
    api = ManagementApi(url, admin_token)
    if not api.get("/api/session")["workspace"]["sandbox"] and not real_mail:
        raise ConfigError(
            "this server sends real mail, and the simulated customers' addresses (at example.com) would bounce. "
            "Use a server without SMTP settings, or insist with --real-mail."
        )
    say("Rules, emails and workflows:")
    demo_content.set_up(api, demo_content.read_sets(demo_content.shipped("gallery") / "demo"), say)
    key_id, secret = demo_content.new_write_key(api)
    try:
        with example_api(url, secret) as (api_url, server), example_customers(api_url, customers) as crowd:
            say(f"The example API runs on {api_url}, and {customers} customers and more call it.")
            say(f"Look: {api.url}/ (live), {api.url}/inbox (the mails). Stop with Ctrl-C.")
            _watch(api, seconds, stop, say, {"example API": server, "customers": crowd})
    finally:
        with suppress(AntiphonError):
            api.delete(f"/api/keys/{key_id}")


def _watch(
    api: ManagementApi,
    seconds: float | None,
    stop: threading.Event,
    say: Callable[[str], None],
    children: dict[str, subprocess.Popen[str]],
) -> None:
    """Say when the first mail came, and how it goes, until time is up."""
    begin = time.monotonic()
    before = _newest_mail(api)
    first = True
    told = begin
    while not stop.wait(0.5 if first else 1.0):
        now = time.monotonic()
        if seconds is not None and now - begin >= seconds:
            return
        for name, child in children.items():
            if child.poll() is not None:
                raise AntiphonError(f"the {name} ended by itself (exit code {child.returncode}); see its output above")
        if first and (mail := _newest_mail(api)) and (before is None or mail["id"] != before["id"]):
            first = False
            say(f"After {now - begin:.0f} s the first mail: {mail['subject']!r} to {mail['recipient']}")
        if now - told >= REPORT_EVERY:
            told = now
            counts = api.get("/api/overview")
            say(
                f"{now - begin:5.0f} s: {counts['users']} users, {counts['events_total']} events, "
                f"{counts['messages']['sent']} mails sent"
            )


def _newest_mail(api: ManagementApi) -> dict[str, Any] | None:
    items: list[dict[str, Any]] = api.get("/api/inbox?limit=1")["items"]
    return items[0] if items else None


@contextmanager
def example_api(url: str, write_key: str) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """The example API as a child process on a free loopback port, telling the server at `url` what it sees."""
    environment = {"ANTIPHON_URL": url, "ANTIPHON_WRITE_KEY": write_key}
    with _child("demo_api", ["--port", "0"], environment, stdout=subprocess.PIPE) as child:
        address = child.stdout.readline().strip() if child.stdout else ""
        if not address:
            raise AntiphonError("the example API did not start; see its output above")
        yield address, child


@contextmanager
def example_customers(api_url: str, regular: int) -> Generator[subprocess.Popen[str]]:
    """The simulated customers as a child process."""
    arguments = ["--api", api_url, "--regular", str(regular)]
    with _child("demo_customers", arguments, {}, stdout=subprocess.DEVNULL) as child:
        yield child


@contextmanager
def _child(
    module: str, arguments: list[str], environment: dict[str, str], stdout: int
) -> Generator[subprocess.Popen[str]]:
    """A program of `examples/`, which ends when we close its standard input, or when we are gone."""
    missing = [name for name in ("antiphon_sdk", "fastapi") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"the demo needs {' and '.join(missing)}: pip install 'antiphon[demo]'")
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", module, *arguments, "--end-with-stdin"],
        cwd=demo_content.shipped("examples"),
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=stdout,
        text=True,
        start_new_session=True,  # Ctrl-C is for us: we let the children go in order
    )
    try:
        yield child
    finally:
        if child.stdin:
            child.stdin.close()
        try:
            child.wait(STOP_MOST)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()


@click.command("demo")
@click.option("--url", default="http://127.0.0.1:8000", envvar="ANTIPHON_URL", show_default=True, help="The server.")
@click.option("--token", default=None, envvar="ANTIPHON_ADMIN_TOKEN", help="An admin token of it.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data"),
    envvar="ANTIPHON_DATA",
    show_default=True,
    help="Without --token: the server's data folder, where its local admin token lies.",
)
@click.option("--for", "seconds", type=float, default=None, metavar="SECONDS", help="End after so long.")
@click.option("--customers", type=click.IntRange(0, 2000), default=240, show_default=True, help="Steady customers.")
@click.option("--real-mail", is_flag=True, help="Also on a server that sends real mail.")
def demo(url: str, token: str | None, data: Path, seconds: float | None, customers: int, real_mail: bool) -> None:
    """Run simulated customers against a running server, with rules that answer them by mail.

    \b
    Examples:
      antiphon demo                        until Ctrl-C
      antiphon demo --for 120 --customers 50
    """  # noqa: D301 - click's mark for a paragraph that must not be wrapped
    end_with_parent()
    found = token or read_local_token(data)
    if not found:
        raise ConfigError(
            f"no admin token: {data} holds none. Is `antiphon serve` running with this data folder? "
            "Say --data FOLDER, or give a token with --token."
        )
    stop = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    run_demo(url, found, seconds=seconds, customers=customers, real_mail=real_mail, stop=stop)
