"""Writes docs/reference from the code, or with --check says what is stale (exit code 1)."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from antiphon import config, errors
from antiphon.errors import AntiphonError

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code; change it there. -->\n\n"


def main() -> None:
    """Write every document, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    check = parser.parse_args().check
    stale: list[str] = []
    for name, write in DOCUMENTS.items():
        path = FOLDER / name
        text = NOTE + "\n".join(write()) + "\n"
        if not path.exists() or path.read_text() != text:
            stale.append(str(path.relative_to(FOLDER.parents[1])))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if check and stale:
        sys.exit(f"Stale: {', '.join(stale)}. Run `make docs`.")
    print("\n".join(stale) or "Up to date.")


def error_codes() -> Iterator[str]:
    """What `code` of an error answer means, with its HTTP status."""
    yield "# Errors\n"
    yield 'The API answers an error with `{"code": ..., "message": ..., "details": {...}}` and this status.\n'
    yield from _table("code", "status", "meaning")
    for _name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, AntiphonError) and kind is not AntiphonError:
            yield _row(f"`{kind.code}`", str(kind.status), " ".join((kind.__doc__ or "").split()))


def settings() -> Iterator[str]:
    """Every setting, by the group that it belongs to."""
    yield "# Settings\n"
    yield "Each setting is a flag of `antiphon serve` (`--smtp-host`), a variable (`ANTIPHON_SMTP_HOST`) or a key of the TOML"
    yield "file that `--config` names (`smtp_host`). A flag wins over the environment, the environment over the file.\n"
    group = ""
    for option in config.options():
        if option.group != group:
            group = option.group
            yield f"\n## {group.capitalize()}\n"
            yield from _table("setting", "default", "meaning")
        default = option.default
        if option.name == "public_url":
            default = ""  # depends on where it runs
        shown = ",".join(default) if isinstance(default, (list, tuple)) else str(default)
        yield _row(f"`{option.name}`", f"`{shown}`" if shown else "", config.help_of(option))


def _table(*columns: str) -> Iterator[str]:
    yield _row(*columns)
    yield _row(*("---" for _ in columns))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


DOCUMENTS: dict[str, Callable[[], Iterator[str]]] = {
    "errors.md": error_codes,
    "settings.md": settings,
}


if __name__ == "__main__":
    main()
