"""Settings of the workspace."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from litestar import Controller, get, put
from litestar.params import JSONBody

from antiphon.channels.email.headers import parse_sender
from antiphon.errors import InvalidInput
from antiphon.store.settings import Workspace, read_workspace, save_workspace
from antiphon.web.context import Context, WebContext


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
    def get_settings(self, context: Context) -> SettingsOut:
        """The workspace's settings."""
        with context.store.state.read() as conn:
            return _settings_out(context, read_workspace(conn))

    @put(access="own", sync_to_thread=True)
    def update_settings(self, context: Context, data: JSONBody[SettingsUpdate]) -> SettingsOut:
        """Change the workspace's settings."""
        changed = Workspace(
            workspace_name=data.workspace_name.strip(),
            time_zone=_zone(data.time_zone),
            sender=_sender(data.sender),
            redact_keys=tuple(dict.fromkeys(key.strip().lower() for key in data.redact_keys)),
            revision=data.revision,
        )
        with context.store.state.write() as conn:
            saved = save_workspace(conn, changed, context.clock())
        context.wake.notify("rules")
        return _settings_out(context, saved)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"There is no time zone “{name}”. Use a name such as Europe/Berlin or UTC."
        raise InvalidInput(message, field="time_zone") from error


def _sender(sender: str) -> str:
    try:
        parse_sender(sender)
    except InvalidInput as error:
        raise InvalidInput(f"The sender cannot be used: {error.message}", field="sender") from error
    return sender.strip()


def _settings_out(context: WebContext, stored: Workspace) -> SettingsOut:
    channel = context.channel
    return SettingsOut(
        workspace_name=stored.workspace_name,
        time_zone=stored.time_zone,
        sender=stored.sender,
        redact_keys=list(stored.redact_keys),
        revision=stored.revision,
        channel=ChannelOut(provider=channel.provider, host=channel.host, port=channel.port),
    )
