"""Composes each package's Settings; a value comes from a flag, else the environment, else a TOML file, else a default.

Every setting has one flat name: `smtp_host` is the flag `--smtp-host`, the variable `ANTIPHON_SMTP_HOST` and the
TOML key `smtp_host`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from antiphon.act.settings import ActSettings
from antiphon.channels.settings import EmailSettings
from antiphon.deliver.settings import DeliverSettings
from antiphon.errors import ConfigError
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.ingest.settings import IngestSettings
from antiphon.measure.settings import MeasureSettings
from antiphon.store.engine import StoreSettings
from antiphon.web.settings import WebSettings

PREFIX = "ANTIPHON_"
SECRETS = frozenset({"admin_token", "write_key", "smtp_password", "database_url"})


HELP = {
    "host": "Address to listen on.",
    "port": "Port to listen on.",
    "admin_token": "An admin token for scripts (at least 16 characters), accepted besides those made on the page.",
    "write_key": "A first write key (at least 16 characters), instead of one that is made up.",
    "public_url": "Where people, and links in mails, reach the page; by default http://HOST:PORT.",
    "session_days": "How long a sign-in lasts, in days.",
    "public_metrics": "Let /metrics be read without a token (true or false).",
    "data": "Folder of the embedded databases and of history.",
    "database_url": "A postgresql:// URL; empty keeps state and log in the data folder.",
    "history_url": "Object storage for history (s3://bucket/folder); empty keeps it in the data folder.",
    "max_body_bytes": "Largest request, compressed or not, in bytes.",
    "max_event_bytes": "Largest event, in bytes of JSON.",
    "body_timeout_s": "How long a client may take to send a request's body, in seconds.",
    "lateness_s": "Events older than this at receipt (seconds) are kept in history and left out of evaluation.",
    "ahead_s": "Events further ahead than this (seconds) are set to the time of receipt.",
    "high_water_bytes": "429 above this many bytes of events that wait for their commit.",
    "high_water_events": "429 above this many events that wait for evaluation.",
    "min_free_bytes": "503 while less of the disk is free, in bytes (0: no such check).",
    "min_free_ratio": "503 while a smaller share of the disk is free (0: no such check).",
    "evaluate_batch": "How many events one evaluation transaction takes at most.",
    "hot_subjects": "How many people's and companies' state is kept in memory (about 1 kB each with 100 rules).",
    "fill_within": "Fill new rules within one evaluation transaction while the log has at most so many events.",
    "replay_events": "How many events a start after a crash replays at most.",
    "act_batch": "How many signals, and how many due steps, one workflow transaction takes at most.",
    "deliver_batch": "How many messages are claimed at once.",
    "deliver_concurrency": "How many messages are under way at a time.",
    "provider": "How email leaves: inbox (it stays on the page) or smtp.",
    "sender": "From line of emails (Name <address>); empty: the one set on the page.",
    "smtp_host": "The mail server.",
    "smtp_port": "Its port.",
    "smtp_security": "none, starttls (usually port 587) or tls (usually port 465).",
    "smtp_username": "User name for the mail server; empty: none is given.",
    "smtp_password": "Password for the mail server.",
    "smtp_verify": "Check the mail server's certificate (true or false).",
    "smtp_ca_file": "A PEM file of certificate authorities to check it against.",
    "smtp_connections": "How many connections to the mail server are kept.",
    "smtp_helo": "The name that we greet the mail server with; empty: this machine's.",
    "smtp_timeout": "How long to wait for each of the mail server's replies, in seconds.",
    "smtp_data_timeout": "How long to wait for its reply to a whole message, in seconds.",
    "smtp_idle": "An unused connection is closed after this many seconds.",
    "history_interval_s": "How long an event waits for its history file at most, in seconds.",
    "log_keep_s": "How long events stay in the log after they are in history, in seconds.",
}
"""What each setting does, in one sentence; a test holds it complete."""


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How `antiphon serve` listens, and what a script may fix beforehand.

    `admin_token` and `write_key` make an unattended set-up possible: they are accepted besides those made on the page.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    admin_token: str = ""
    write_key: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set, by the package that it belongs to."""

    serve: ServeSettings
    web: WebSettings
    store: StoreSettings
    ingest: IngestSettings
    evaluate: EvaluateSettings
    act: ActSettings
    deliver: DeliverSettings
    email: EmailSettings
    measure: MeasureSettings


class Option(msgspec.Struct, frozen=True):
    """One setting: its flat name, the group it lies in, its type and default."""

    name: str
    group: str
    type: Any
    default: Any
    secret: bool


def options() -> Iterator[Option]:
    """Every setting, group by group."""
    for group in msgspec.structs.fields(Settings):
        hints = get_type_hints(group.type)
        for field in msgspec.structs.fields(group.type):
            default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            yield Option(field.name, group.name, hints[field.name], default, field.name in SECRETS)


def help_of(option: Option) -> str:
    """What a setting does."""
    return HELP[option.name]


def load(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """The settings from `flags` (None = not given), `environment` and `file`.

    Raises:
        ConfigError: a value does not fit its setting, or a name is unknown; the message says where it came from.
    """
    known = {option.name: option for option in options()}
    values: dict[str, tuple[Any, str]] = {}
    if file is not None:
        for name, value in _read(file).items():
            if name not in known:
                raise ConfigError(f"{file}: there is no setting {name!r}; `antiphon serve --help` lists them")
            values[name] = (value, str(file))
    for name in known:
        variable = PREFIX + name.upper()
        if variable in environment:
            values[name] = (environment[variable], variable)
        if flags.get(name) is not None:
            values[name] = (flags[name], "--" + name.replace("_", "-"))
    groups: dict[str, dict[str, Any]] = {field.name: {} for field in msgspec.structs.fields(Settings)}
    for name, (value, origin) in values.items():
        option = known[name]
        groups[option.group][name] = _convert(value, option, origin)
    serve = ServeSettings(**groups["serve"])
    host = f"[{serve.host}]" if ":" in serve.host else serve.host
    groups["web"].setdefault("public_url", f"http://{host}:{serve.port}")
    settings = Settings(**{f.name: f.type(**groups[f.name]) for f in msgspec.structs.fields(Settings)})
    settings.email.check()
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {file}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _convert(value: Any, option: Option, origin: str) -> Any:
    """The value in its setting's type; lists are given as comma-separated words outside TOML."""
    if option.type is Path:
        return Path(value)
    if isinstance(value, str) and _is_words(option.type):
        value = [word.strip() for word in value.split(",") if word.strip()]
    try:
        return msgspec.convert(value, option.type, strict=False)
    except msgspec.ValidationError as error:
        shown = "the value" if option.secret else repr(value)
        raise ConfigError(f"{origin}: {shown} does not fit: {error}") from error


def _is_words(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) in {list, tuple}


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for the processes that `serve` starts."""
    found: dict[str, str] = {}
    for option in options():
        value = getattr(getattr(settings, option.group), option.name)
        if value == option.default or value is None:
            continue
        if isinstance(value, (list, tuple)):
            text = ",".join(value)
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
        found[PREFIX + option.name.upper()] = text
    return found
