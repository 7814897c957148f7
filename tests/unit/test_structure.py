"""The house's own rules, where no linter holds them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    ROOT / "src" / "antiphon",
    ROOT / "sdk" / "python" / "src",
    ROOT / "bench",
    ROOT / "examples",
    ROOT / "tools",
]
GENERATED = ("migrations/versions", "node_modules", "ui/src/api")

PYTHON_LINES = 500
TSX_LINES = 250
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc"}


def _files(folder: Path, *patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in folder.rglob(pattern)]
    return [path for path in found if not any(part in path.as_posix() for part in GENERATED)]


def _lines(path: Path) -> int:
    return path.read_text().count("\n")


def test_every_package_says_what_it_is():
    """Each package and module of ours opens with a docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for source in SOURCES
        for path in _files(source, "*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_files_stay_small():
    """No Python file has more than 500 lines, none of the page more than 250."""
    folders = [*SOURCES, ROOT / "tests", ROOT / "sdk" / "python" / "tests"]
    python = [path for folder in folders for path in _files(folder, "*.py") if _lines(path) > PYTHON_LINES]
    page = [path for path in _files(ROOT / "ui" / "src", "*.tsx") if _lines(path) > TSX_LINES]
    assert [str(path.relative_to(ROOT)) for path in python + page] == []


def test_names_say_something():
    """No module or folder has a name under which anything may be put."""
    names = [path for source in [*SOURCES, ROOT / "ui" / "src"] for path in _files(source, "*")]
    assert [str(path.relative_to(ROOT)) for path in names if path.stem.lower() in VAGUE] == []


def test_every_test_says_what_it_shows():
    """Each test has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for folder in (ROOT / "tests", ROOT / "sdk" / "python" / "tests")
        for path in _files(folder, "test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def _records() -> list[Path]:
    return sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("record", _records(), ids=lambda path: path.stem)
def test_decision_records_are_whole(record: Path):
    """Each ADR has its four parts in order, and stays short."""
    text = record.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Alternatives", "Consequences"]
    assert re.match(rf"# {int(record.name[:4])}\. ", text)
    assert _lines(record) <= 45


def test_decision_records_are_numbered():
    """Their numbers run from 1 without a gap, and the index lists each of them."""
    numbers = [int(path.name[:4]) for path in _records()]
    assert numbers == list(range(1, len(numbers) + 1))
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert [path.name for path in _records() if path.name not in index] == []


def test_links_lead_somewhere():
    """Relative links in the documents point at files that exist."""
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []
