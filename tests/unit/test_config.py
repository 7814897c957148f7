"""Settings: where a value comes from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon import config
from antiphon.errors import ConfigError


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    """Each source overrides the one below it, setting by setting."""
    file = tmp_path / "antiphon.toml"
    file.write_text('port = 1\nhost = "file"\nsender = "File <f@example.com>"\n')
    environment = {"ANTIPHON_PORT": "2", "ANTIPHON_HOST": "environment"}
    found = config.load({"port": "3", "host": None}, environment, file)
    assert (found.serve.port, found.serve.host, found.email.sender) == (3, "environment", "File <f@example.com>")


def test_the_public_url_follows_host_and_port() -> None:
    """Unless it is given."""
    assert config.load({"port": "9000"}, {}).web.public_url == "http://127.0.0.1:9000"
    assert config.load({"host": "::1"}, {}).web.public_url == "http://[::1]:8000"
    assert config.load({"public_url": "https://a.example"}, {}).web.public_url == "https://a.example"


@pytest.mark.parametrize(
    ("flags", "environment", "said"),
    [
        ({"port": "many"}, {}, "--port"),
        ({}, {"ANTIPHON_SMTP_SECURITY": "magic"}, "ANTIPHON_SMTP_SECURITY"),
        ({"sender": "nobody"}, {}, "sender"),
    ],
)
def test_a_wrong_value_says_where_it_came_from(flags: dict, environment: dict, said: str) -> None:
    """The message names the flag or the variable."""
    with pytest.raises(ConfigError, match=said):
        config.load(flags, environment)


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    """A typing error is not silently ignored."""
    file = tmp_path / "antiphon.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(ConfigError, match="prot"):
        config.load({}, {}, file)


def test_a_secret_is_not_repeated_in_an_error() -> None:
    """Nor in what a settings object prints of itself."""
    settings = config.load({"smtp_username": "me", "smtp_password": "hunter2"}, {})
    assert "hunter2" not in repr(settings.email)


def test_children_get_the_same_settings() -> None:
    """What the supervisor hands on by environment reads back as it was."""
    settings = config.load({"port": "9000", "smtp_verify": "false", "history_interval_s": "2.5"}, {})
    assert config.load({}, config.environment_of(settings)) == settings


def test_every_setting_has_its_sentence() -> None:
    """And there is no sentence for a setting that does not exist."""
    assert {option.name for option in config.options()} == set(config.HELP)


def test_names_are_unique_across_groups() -> None:
    """They share one flat namespace."""
    names = [option.name for option in config.options()]
    assert len(names) == len(set(names))
