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
    return Settings(**{f.name: f.type(**groups[f.name]) for f in msgspec.structs.fields(Settings)})


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
