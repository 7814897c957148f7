"""Every provider of every channel, by name."""

from __future__ import annotations

from antiphon.channels.email.smtp import SmtpProvider
from antiphon.channels.provider import Provider
from antiphon.channels.settings import EmailSettings

EMAIL_PROVIDERS = (SmtpProvider,)
"""A new provider is one file and one line here. The inbox is no provider: the deliver stage stores it itself."""


def open_provider(settings: EmailSettings) -> Provider | None:
    """The provider that the settings name, yet to be opened; None for the built-in inbox."""
    for provider in EMAIL_PROVIDERS:
        if provider.name == settings.provider:
            return provider(settings)
    return None
