"""Commands: serve, demo, migrate, link, doctor."""

from antiphon.cli.main import main

__all__ = ["main"]
