"""How email leaves: settings of the channel."""

from __future__ import annotations

from typing import Literal

import msgspec

from antiphon.channels.email.headers import parse_sender
from antiphon.errors import ConfigError, InvalidInput

SmtpSecurity = Literal["none", "starttls", "tls"]


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the email channel; times are in seconds.

    `provider` is `inbox` (no mail account: everything lands on the page) or `smtp`. `sender` is `Name <address>`; empty: the workspace's own, set on the page.
    `smtp_security`: none, starttls (usually port 587) or tls from the first byte (usually 465). `smtp_verify` checks
    the server's certificate, against `smtp_ca_file` (PEM) when set. `smtp_connections` is the size of the pool.
    `smtp_helo` is the name we greet with, by default this host's. `smtp_timeout` limits the wait for each reply;
    `smtp_data_timeout` the wait for the reply to a whole message (RFC 5321 asks for 10 minutes: giving up
    earlier leaves it uncertain whether the message was taken). `smtp_idle` closes an unused connection.
    """

    provider: Literal["inbox", "smtp"] = "inbox"
    sender: str = ""
    smtp_host: str = "localhost"
    smtp_port: int = 25
    smtp_security: SmtpSecurity = "none"
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_verify: bool = True
    smtp_ca_file: str = ""
    smtp_connections: int = 20
    smtp_helo: str = ""
    smtp_timeout: float = 60.0
    smtp_data_timeout: float = 600.0
    smtp_idle: float = 30.0

    def __repr__(self) -> str:
        """Everything but the password."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["smtp_password"] = "***" if self.smtp_password else ""
        return f"EmailSettings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def check(self) -> None:
        """Raise ConfigError, naming the setting, when these cannot work."""
        if self.sender:
            try:
                parse_sender(self.sender)
            except InvalidInput as error:
                raise ConfigError(f"sender: {error.message}") from error
        if not 0 < self.smtp_port < 65536:  # noqa: PLR2004 - TCP's own range
            raise ConfigError(f"smtp_port: {self.smtp_port} is no port.")
        if self.smtp_connections < 1:
            raise ConfigError("smtp_connections: at least one is needed.")
        if min(self.smtp_timeout, self.smtp_data_timeout, self.smtp_idle) <= 0:
            raise ConfigError("smtp_timeout, smtp_data_timeout, smtp_idle: must be more than 0 seconds.")
        if not self.smtp_host or any(ord(character) <= 32 for character in self.smtp_host + self.smtp_helo):  # noqa: PLR2004
            raise ConfigError("smtp_host, smtp_helo: must be host names, without spaces.")
        if self.smtp_password and not self.smtp_username:
            raise ConfigError("smtp_username: is needed when there is a password.")
