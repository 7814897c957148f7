"""Settings of the workspace."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, put


class ChannelOut(msgspec.Struct, kw_only=True):
    """Where mail goes; set by configuration, shown here."""

    provider: Literal["inbox", "smtp"]
    host: str | None
    port: int | None


class SettingsOut(msgspec.Struct, kw_only=True):
    """The workspace's settings; `sender` is a From header, `redact_keys` are property names that are never stored."""

    workspace_name: str
    time_zone: str
    sender: str
    redact_keys: list[str]
    revision: int
    channel: ChannelOut


class SettingsUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Changed settings; `revision` is the one that was read, a newer one answers 409."""

    revision: int
    workspace_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    sender: Annotated[str, msgspec.Meta(min_length=3, max_length=320)]
    redact_keys: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=100)]], msgspec.Meta(max_length=200)
    ]


class SettingsController(Controller):
    """Settings."""

    path = "/api/settings"
    tags = ("Settings",)

    @get(access="view", sync_to_thread=True)
    def get_settings(self) -> SettingsOut:
        """The workspace's settings."""
        raise NotImplementedError

    @put(access="own", sync_to_thread=True)
    def update_settings(self, data: SettingsUpdate) -> SettingsOut:
        """Change the workspace's settings."""
        raise NotImplementedError
