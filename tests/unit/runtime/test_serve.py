"""What a person who starts Antiphon is told."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.config import load
from antiphon.runtime import serve


@pytest.mark.parametrize(
    ("flags", "command"),
    [
        ({}, "antiphon link"),
        ({"port": 9000}, "antiphon link --public-url http://127.0.0.1:9000"),
        ({"data": "/var/lib/my data"}, "antiphon link --data '/var/lib/my data'"),
        ({"public_url": "https://hello.example"}, "antiphon link --public-url https://hello.example"),
        ({"database_url": "postgresql://u:secret@db/a"}, "antiphon link --database-url ..."),
    ],
)
def test_the_command_for_another_link_is_about_this_instance(
    flags: dict[str, Any], command: str, monkeypatch: pytest.MonkeyPatch
):
    """It names what this instance was told that a link depends on, and never a password."""
    monkeypatch.setattr(serve.shutil, "which", lambda _name: "/usr/bin/antiphon")
    assert serve.link_command(load(flags, {}), "antiphon") == command


def test_a_program_that_is_not_on_the_path_is_called_as_this_one_was(monkeypatch: pytest.MonkeyPatch):
    """`make run` starts one in the project's environment."""
    monkeypatch.setattr(serve.shutil, "which", lambda _name: None)
    settings = load({}, {})
    assert serve.link_command(settings, ".venv/bin/antiphon") == ".venv/bin/antiphon link"
    assert serve.link_command(settings, "/x/antiphon/cli/__main__.py") == "antiphon link"
