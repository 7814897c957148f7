"""Writes the next migration from the tables, or checks that none is missing.

    python tools/new_migration.py "what changes"   the next revision: from the newest schema to the tables
    python tools/new_migration.py --first          0001 anew, from nothing; only until the first release
    python tools/new_migration.py --check          exit code 1 when the tables and the migrations differ

Read what it wrote: a renamed column looks like a dropped and a new one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData

from antiphon.store import log_tables, migrate, tables
from antiphon.store.dialect import Json
from antiphon.store.engine import StoreSettings, open_store

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
METADATA: dict[migrate.Part, MetaData] = {"log": log_tables.log_metadata, "state": tables.metadata}

FILE = '''"""{message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down_revision}
branch_labels = None
depends_on = None


def upgrade(part: str) -> None:
    """Upgrade one part of the store."""
    {{"log": _log, "state": _state}}[part]()


def _log() -> None:
    {log}


def _state() -> None:
    {state}
'''


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("message", nargs="?", default="", help="what changes, in a few words")
    parser.add_argument("--first", action="store_true", help="write 0001 anew")
    parser.add_argument("--check", action="store_true", help="only say whether one is missing")
    options = parser.parse_args()
    if options.check:
        differing = [part for part, ops in _differences(upgraded=True).items() if not ops.is_empty()]
        if differing:
            sys.exit(f"The tables of {', '.join(differing)} differ from the migrations: run `make migration`.")
        return
    message = "Every table of the first release" if options.first else options.message.strip().rstrip(".")
    if not message:
        parser.error("say what changes")
    differences = _differences(upgraded=not options.first)
    if all(ops.is_empty() for ops in differences.values()):
        sys.exit("Nothing to write: the tables and the migrations agree.")
    print(_write(message, differences, first=options.first))


def _differences(*, upgraded: bool) -> dict[migrate.Part, UpgradeOps]:
    """Find what leads from the newest schema (or from nothing) to the tables, in a throw-away SQLite store."""
    found: dict[migrate.Part, UpgradeOps] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data=Path(folder)))
        if upgraded:
            migrate.upgrade(store)
        for part, metadata in METADATA.items():
            with (store.log if part == "log" else store.state).read() as conn:
                context = MigrationContext.configure(conn, opts={"version_table": migrate.VERSION_TABLES[part]})
                ops = produce_migrations(context, metadata).upgrade_ops
                assert ops is not None
                found[part] = ops
        store.close()
    return found


def _write(message: str, differences: dict[migrate.Part, UpgradeOps], *, first: bool) -> Path:
    existing = [] if first else sorted(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))
    revision = f"{int(existing[-1]) + 1 if existing else 1:04d}"
    code = {
        part: render_python_code(ops, render_item=_render_item, render_as_batch=not first)
        for part, ops in differences.items()
    }
    for old in VERSIONS.glob(f"{revision}_*.py"):
        old.unlink()
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    path = VERSIONS / f"{revision}_{'first' if first else slug}.py"
    down = f'"{existing[-1]}"' if existing else "None"
    path.write_text(FILE.format(message=message, revision=revision, down_revision=down, **code))
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(path)], check=True)
    return path


def _render_item(kind: str, item: Any, context: Any) -> str | bool:
    """Write our own column types as what they are in the database: a migration must not change when they do."""
    del context
    return "sa.Text()" if kind == "type" and isinstance(item, Json) else False


if __name__ == "__main__":
    main()
