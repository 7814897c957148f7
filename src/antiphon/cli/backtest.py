"""`antiphon backtest`: whom a rule would have messaged, on the command line and in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from antiphon.config import Settings
from antiphon.errors import AntiphonError, InvalidInput, NotFound, RuleSyntaxError
from antiphon.model.backtest import BacktestReport, RuleFile
from antiphon.model.clock import wall_clock
from antiphon.runtime.child import end_with_parent
from antiphon.runtime.log import only_warnings

EXIT_UNMET = 1
EXIT_BAD_INPUT = 2
SHOWN = 20
BAR = 32


def read(rule: Path, changes: dict[str, Any]) -> RuleFile:
    """Read the rule file and put what was said on the command line in its place."""
    from antiphon.runtime.backtest.rule_file import parse_rule_file, read_rule_file  # noqa: PLC0415 - heavy

    file = parse_rule_file(sys.stdin.read()) if str(rule) == "-" else read_rule_file(rule)
    said = {name: value for name, value in changes.items() if value is not None}
    if "workflow" in said and said["workflow"].isdecimal():
        said["workflow"] = int(said["workflow"])
    return msgspec.structs.replace(file, **said)


def replay(settings: Settings, file: RuleFile, events: Path | None, progress: Any, limit: int | None) -> BacktestReport:
    """Replay over a file of events, or over the data of the server that `settings` name."""
    from antiphon.runtime.backtest.past_events import StoredEvents, read_events  # noqa: PLC0415
    from antiphon.runtime.backtest.plan import World  # noqa: PLC0415
    from antiphon.runtime.backtest.rule_file import world_of  # noqa: PLC0415
    from antiphon.runtime.backtest.run import backtest  # noqa: PLC0415
    from antiphon.store.engine import open_store  # noqa: PLC0415
    from antiphon.store.migrate import require_current  # noqa: PLC0415

    if events is not None:
        return backtest(file, read_events(events), World(), progress=progress, limit=limit)
    if not settings.store.database_url and not (settings.store.data / "state.db").exists():
        raise InvalidInput(
            f"There is no data in {settings.store.data}: say --data FOLDER, or --events FILE for a file of events."
        )
    store = open_store(settings.store)
    try:
        require_current(store)
        return backtest(file, StoredEvents(store), world_of(store, wall_clock), progress=progress, limit=limit)
    finally:
        store.close()


def command(settings_options: Callable[..., Any], load: Callable[..., Settings]) -> click.Command:
    """The command; settings as every command takes them."""

    @click.command("backtest")
    @click.argument("rule", type=click.Path(path_type=Path, allow_dash=True))
    @click.option("--events", type=click.Path(path_type=Path), help="A file of events, one JSON object a line.")
    @click.option("--since", help="Where the period begins: 30d, 12h, 2w, or a date. [default: 30d; a file's start]")
    @click.option("--until", help="Where it ends: a date, or a length of time after the last event. [default: the end]")
    @click.option("--workflow", help="A stored workflow's name or id, instead of the one in the file.")
    @click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
    @click.option("--limit", type=click.IntRange(min=0), help="List at most so many messages.")
    @click.option("--progress", type=click.Choice(["auto", "json", "none"]), default="auto", help="On stderr.")
    @settings_options
    def backtest(
        rule: Path,
        events: Path | None,
        config_file: Path | None,
        as_json: bool,
        limit: int | None,
        progress: str,
        since: str | None,
        until: str | None,
        workflow: str | None,
        **flags: Any,
    ) -> None:
        """Replay RULE (a YAML or JSON file, - for standard input) over the past: who would have been messaged, and when.

        Nothing is sent and nothing is changed. The past is a server's data folder, or a file of events in the shape
        that /v1/track takes, one a line. Exit code 0: all expectations of the file hold; 1: one does not; 2: the rule,
        the events or the period cannot be used.

        \b
        Examples:
          antiphon backtest rule.yaml --since 30d
          antiphon backtest rule.yaml --events tests/events.ndjson
          antiphon backtest rule.yaml --workflow "Stuck on 400s" --json
        """  # noqa: D301 - click's mark for a paragraph that must not be wrapped
        end_with_parent()
        only_warnings()
        try:
            settings = load(config_file, flags)
            file = read(rule, {"since": since, "until": until, "workflow": workflow})
            report = replay(settings, file, events, _progress(progress), limit)
        except (InvalidInput, NotFound) as error:
            click.echo(f"antiphon: {error.message}{_pointer(error)}", err=True)
            sys.exit(EXIT_BAD_INPUT)
        if as_json:
            click.echo(msgspec.json.encode(report))
        else:
            click.echo("\n".join(lines(report)))
        for line in report.unmet:
            click.echo(f"not as expected: {line}", err=True)
        sys.exit(EXIT_UNMET if report.unmet else 0)

    return backtest


def lines(report: BacktestReport) -> list[str]:
    """The report for people."""
    nouns = ("person", "people") if report.subject == "user" else ("company", "companies")
    zone = ZoneInfo(report.time_zone)
    found = [
        f"{report.name}: {report.text or 'started by an event'}",
        f"{_time(report.since, zone)} to {_time(report.until, zone)} ({report.time_zone}), {report.events:,} events"
        + (f", {report.late:,} of them late and left out" if report.late else ""),
        "",
        f"{_count(report.messages_total, 'message', 'messages')} to {_count(report.subjects, *nouns)}"
        + (f"; {report.not_sent_total:,} not sent" if report.not_sent_total else ""),
        f"{report.entered:,} entered the rule, {report.left:,} left it; {report.already:,} matched already and are not messaged",
    ]
    most = max((day.messages for day in report.days), default=0)
    if report.days:
        found += ["", f"{'day':<12}{'messages':>9}{'entered':>9}{'left':>9}"]
        found += [
            f"{day.day:<12}{day.messages:>9,}{day.entered:>9,}{day.left:>9,}  {'#' * _bar(day.messages, most)}"
            for day in report.days
        ]
    if report.messages:
        width = max(len(message.subject_id) for message in report.messages[:SHOWN])
        found += ["", f"{'when':<21}{'who':<{width + 2}}step"]
        found += [
            f"{_time(message.at, zone):<21}{message.subject_id:<{width + 2}}{message.step_id or 'enters the rule'}"
            for message in report.messages[:SHOWN]
        ]
        rest = report.messages_total - min(SHOWN, len(report.messages))
        found += [f"and {rest:,} more (--json lists all)"] if rest else []
    reasons: dict[str, int] = {}
    for item in report.not_sent:
        reasons[item.reason] = reasons.get(item.reason, 0) + 1
    found += [f"not sent, {reason.replace('_', ' ')}: {count:,}" for reason, count in sorted(reasons.items())]
    return [*found, *report.notes]


def _count(value: int, one: str, many: str) -> str:
    return f"{value:,} {one if value == 1 else many}"


def _bar(value: int, most: int) -> int:
    return 0 if most == 0 else -(-value * BAR // most)


def _time(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1_000, zone).strftime("%Y-%m-%d %H:%M:%S")


def _pointer(error: AntiphonError) -> str:
    """Where in a rule's text it goes wrong."""
    if not isinstance(error, RuleSyntaxError) and "position" not in error.details:
        return ""
    return f" (line {error.details.get('line')}, column {error.details.get('column')} of the rule)"


def _progress(kind: str) -> Callable[[int, int], None] | None:
    if kind == "none" or (kind == "auto" and not sys.stderr.isatty()):
        return None

    def tell(done: int, total: int) -> None:
        if kind == "json":
            os.write(2, f'{{"done": {done}, "total": {total}}}\n'.encode())
        else:
            end = "\n" if done >= total else ""
            click.echo(f"\r{done:,} of {total:,} events{end}", err=True, nl=False)

    return tell
