from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from antiphon.channels import email as email_package
from antiphon.channels.registry import EMAIL_PROVIDERS, open_provider
from antiphon.channels.settings import EmailSettings
from antiphon.errors import ConfigError


def test_the_password_is_not_shown():
    """Neither repr nor str, which end up in logs and tracebacks."""
    settings = EmailSettings(smtp_username="u", smtp_password="hunter2")
    assert "hunter2" not in repr(settings) + str(settings) + f"{settings}"
    assert "smtp_password='***'" in repr(settings)
    assert "smtp_username='u'" in repr(settings)


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": "nobody"},
        {"smtp_port": 0},
        {"smtp_port": 70000},
        {"smtp_connections": 0},
        {"smtp_timeout": 0},
        {"smtp_host": ""},
        {"smtp_host": "a b"},
        {"smtp_helo": "x\r\ny"},
        {"smtp_password": "x"},
    ],
)
def test_settings_that_cannot_work(fields):
    """Each is named at start, not at the first mail."""
    with pytest.raises(ConfigError, match=next(iter(fields)) if "password" not in next(iter(fields)) else "username"):
        EmailSettings(**fields).check()


def test_the_defaults_work():
    """With no settings at all, mail goes to the inbox."""
    EmailSettings().check()
    assert open_provider(EmailSettings()) is None


async def test_the_named_provider_is_made():
    """SMTP by its name."""
    provider = open_provider(EmailSettings(provider="smtp"))
    assert provider is not None
    assert provider.name == "smtp"


def test_every_provider_file_is_registered():
    """A class with `send` and `capabilities` in channels/email must stand in the registry."""
    found = set()
    for module in pkgutil.iter_modules(email_package.__path__, "antiphon.channels.email."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if cls.__module__ == module.name and hasattr(cls, "send") and hasattr(cls, "name"):
                found.add(cls)
    assert found == set(EMAIL_PROVIDERS)
