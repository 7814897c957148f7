"""What `--help` says, for each command."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from antiphon.cli.main import main

NAMES = [(), *((name,) for name in main.list_commands(click.Context(main)))]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[0] if name else "antiphon")
def test_help_can_be_read(name: tuple[str, ...]) -> None:
    """It answers, its examples stand on lines of their own, and no mark of the formatter is left in it."""
    found = CliRunner().invoke(main, [*name, "--help"])
    assert found.exit_code == 0
    assert "\\" not in found.output
    assert "\b" not in found.output
    if "Examples:" in found.output:
        assert "\n  Examples:\n    " in found.output
