"""The commands, each a few lines: what they do lies in the packages below."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from antiphon import config
from antiphon.cli import backtest
from antiphon.cli.demo import demo
from antiphon.errors import AntiphonError
from antiphon.runtime.log import configure_logging

EXIT_ERROR = 1
EXIT_USAGE = 2


class Commands(click.Group):
    """A group whose commands end with a sentence, not a traceback, when something expected goes wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; our own errors become a message and exit code 2 (settings) or 1."""
        try:
            return super().invoke(ctx)
        except AntiphonError as error:
            click.echo(f"antiphon: {error.message}", err=True)
            sys.exit(EXIT_USAGE if error.code == "config" else EXIT_ERROR)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a flag for every setting, and `--config`."""
    for option in reversed(list(config.options())):
        shown = "(secret)" if option.secret and option.default else option.default
        text = config.help_of(option)
        if shown not in {None, ""}:
            text += f"  [default: {','.join(shown) if isinstance(shown, (list, tuple)) else shown}]"
        command = click.option(
            "--" + option.name.replace("_", "-"), option.name, default=None, metavar="VALUE", help=text
        )(command)
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        envvar="ANTIPHON_CONFIG",
        help="A TOML file of settings.",
    )(command)


def load_settings(config_file: Path | None, flags: dict[str, Any]) -> config.Settings:
    """Settings from flags, environment and file."""
    return config.load(flags, os.environ, config_file)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="antiphon")
def main() -> None:
    """Antiphon hears every call to your API and answers with the right message at the right moment.

    \b
    Examples:
      antiphon serve                       start on http://127.0.0.1:8000 with the data folder ./data
      antiphon demo                        simulated customers against the running server
      antiphon backtest rule.yaml          whom a rule would have messaged, over the past
      antiphon link                        a fresh sign-in link
    """  # noqa: D301 - click's mark for a paragraph that must not be wrapped
    configure_logging()


@main.command()
@settings_options
@click.option("--role", type=click.Choice(["all", "web", "worker"]), default="all", help="What this process does.")
def serve(config_file: Path | None, role: str, **flags: Any) -> None:
    """Start Antiphon: web and worker, until Ctrl-C.

    Each setting is a flag, a variable (--smtp-host is ANTIPHON_SMTP_HOST), or a key of the TOML file (smtp_host).

    \b
    Examples:
      antiphon serve --port 9000 --data /var/lib/antiphon
      antiphon serve --smtp-host mail.example.com --smtp-port 587 --smtp-security starttls
      ANTIPHON_DATABASE_URL=postgresql://antiphon@db/antiphon antiphon serve --role worker
    """  # noqa: D301
    from antiphon.runtime.serve import serve as run  # noqa: PLC0415 - heavy: only for the command that needs it

    sys.exit(run(load_settings(config_file, flags), role))


@main.command(hidden=True)
@click.argument("name", type=click.Choice(["web", "worker"]))
def role(name: str) -> None:
    """Be one process of `serve`, with settings from the environment."""
    from antiphon.runtime.serve import run_role  # noqa: PLC0415

    run_role(config.load({}, os.environ), name)


@main.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def migrate(config_file: Path | None, as_json: bool, **flags: Any) -> None:
    """Bring the databases' schema up to this version; does nothing when it is.

    `serve` does this by itself at its start.
    """
    from antiphon.store.engine import open_store  # noqa: PLC0415
    from antiphon.store.migrate import current, upgrade  # noqa: PLC0415

    store = open_store(load_settings(config_file, flags).store)
    before = upgrade(store)
    after = current(store)
    if as_json:
        click.echo(json.dumps({"before": before.found, "after": after.found}))
    else:
        click.echo(f"schema: {before.found or 'empty'} -> {after.found}")


@main.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def link(config_file: Path | None, as_json: bool, **flags: Any) -> None:
    """Print a fresh sign-in link; it works once, within an hour."""
    from antiphon.runtime.serve import sign_in_link  # noqa: PLC0415

    url = sign_in_link(load_settings(config_file, flags))
    click.echo(json.dumps({"url": url}) if as_json else url)


main.add_command(demo)
main.add_command(backtest.command(settings_options, load_settings))
