"""How the page is served."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the page is served.

    `public_url` is where people and links in mails reach it (no slash at the end); an https one makes the session
    cookie Secure. `session_days` is how long a sign-in lasts. `public_metrics` lets /metrics be read without a token.
    """

    public_url: str = "http://127.0.0.1:8000"
    session_days: int = 30
    public_metrics: bool = False

    @property
    def secure(self) -> bool:
        """Whether people come by https."""
        return urlsplit(self.public_url).scheme == "https"
