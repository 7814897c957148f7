"""The hook that builds the page and the C libraries into the package: when it builds, with what, and what it says when it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import stat
import sys
import types
from pathlib import Path
from types import ModuleType

import pytest

HOOK = Path(__file__).parents[2] / "hatch_build.py"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, with a stand-in for hatchling's base class: hatchling is in build environments only."""

    class Base:
        def __class_getitem__(cls, _: object) -> type:
            return cls

    interface = types.ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = Base  # type: ignore[attr-defined]
    for name in ("hatchling", "hatchling.builders", "hatchling.builders.hooks", "hatchling.builders.hooks.plugin"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ui(tmp_path: Path) -> Path:
    """A page's sources, installed, with a build that copies index.html (node is a shell script here)."""
    root = tmp_path / "ui"
    for path, text in {
        "index.html": "<html></html>",
        "package.json": "{}",
        "src/main.tsx": "export {};",
        "src/main.test.tsx": "test",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    packages = {
        "": {},
        "node_modules/vite": {"version": "8.0.0"},
        "node_modules/eslint": {"version": "10.0.0", "dev": True},
        "node_modules/fsevents": {"version": "2.0.0", "optional": True},
    }
    (root / "package-lock.json").write_text(json.dumps({"packages": packages}))
    (root / "node_modules").mkdir()
    installed = {"packages": {"node_modules/vite": {"version": "8.0.0"}}}
    (root / "node_modules" / ".package-lock.json").write_text(json.dumps(installed))
    return root


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH's beginning: `node` and `npm` that note how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    _script(folder / "npm", f'echo "npm $@" >> {tmp_path}/calls')
    _script(
        folder / "node",
        f"""if [ "$1" = --version ]; then echo v20.19.0; exit; fi
echo "node $@" >> {tmp_path}/calls
while [ "$1" != --outDir ]; do shift; done
mkdir -p "$2"; cp index.html "$2"/""",
    )
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _quiet(_: str) -> None:
    pass


@pytest.mark.usefixtures("node")
def test_builds_once_until_a_source_changes(hook: ModuleType, ui: Path, tmp_path: Path) -> None:
    """The stamp makes a second build a no-op; a changed source, or a page that was deleted, is built again."""
    static = tmp_path / "static"
    assert hook.build_page(ui, static, report=_quiet)
    assert (static / "index.html").is_file()
    assert not hook.build_page(ui, static, report=_quiet)
    (ui / "src" / "main.tsx").write_text("export const changed = 1;")
    assert hook.build_page(ui, static, report=_quiet)
    (static / "index.html").unlink()
    assert hook.build_page(ui, static, report=_quiet)
    assert "npm" not in (tmp_path / "calls").read_text()


def test_tests_are_no_source(hook: ModuleType, ui: Path) -> None:
    """A changed test file does not make the page out of date; a renamed source does."""
    before = hook.stamp_of(ui)
    (ui / "src" / "main.test.tsx").write_text("another")
    assert hook.stamp_of(ui) == before
    (ui / "src" / "main.tsx").rename(ui / "src" / "other.tsx")
    assert hook.stamp_of(ui) != before


@pytest.mark.usefixtures("node")
def test_installs_what_is_missing_or_outdated(hook: ModuleType, ui: Path, tmp_path: Path) -> None:
    """node_modules is used as it is while it has the lock's versions; tools of development are not asked for."""
    assert hook.is_installed(ui)
    there = {"packages": {"node_modules/vite": {"version": "7.0.0"}}}
    (ui / "node_modules" / ".package-lock.json").write_text(json.dumps(there))
    assert not hook.is_installed(ui)
    hook.build_page(ui, tmp_path / "static", report=_quiet)
    assert "npm ci --omit=dev" in (tmp_path / "calls").read_text()


def test_a_failed_build_says_why_and_keeps_the_old_page(hook: ModuleType, ui: Path, node: Path, tmp_path: Path) -> None:
    """The error quotes what the build printed; what was served before stays."""
    static = tmp_path / "static"
    hook.build_page(ui, static, report=_quiet)
    (ui / "src" / "main.tsx").write_text("broken(")
    _script(node / "node", 'if [ "$1" = --version ]; then echo v22.1.0; exit; fi; echo "Expected )" >&2; exit 1')
    with pytest.raises(hook.PageBuildError, match=r"(?s)ended with 1.*Expected \)"):
        hook.build_page(ui, static, report=_quiet)
    assert (static / "index.html").is_file()


@pytest.mark.parametrize(
    ("version", "usable"), [("v20.19.0", True), ("v24.1.0", True), ("v20.18.9", False), ("", False)]
)
def test_takes_the_machines_node_when_it_is_new_enough(
    hook: ModuleType, node: Path, version: str, usable: bool
) -> None:
    """An older Node than the tools need is passed over for the one from PyPI."""
    _script(node / "node", f"echo {version}")
    assert (hook.machine_node() is not None) is usable


@pytest.mark.usefixtures("node")
def test_asks_for_node_from_pypi_only_without_one(hook: ModuleType, ui: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build environment stays small where the machine has Node, and where the page is skipped."""
    build = hook.PageBuildHook()
    build.root = str(ui.parent)
    assert build.dependencies() == []
    monkeypatch.setattr(hook, "machine_node", lambda: None)
    assert build.dependencies() == [hook.NODE_FROM_PYPI]
    monkeypatch.setenv(hook.SKIP, "1")
    assert build.dependencies() == []


@pytest.mark.usefixtures("node")
def test_skipping_leaves_the_package_without_a_page(
    hook: ModuleType, ui: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ANTIPHON_SKIP_UI_BUILD=1 builds nothing; a page that is there already is still packed."""
    monkeypatch.setenv(hook.SKIP, "1")
    build = hook.PageBuildHook()
    build.root = str(ui.parent)
    build.app = types.SimpleNamespace(display_info=_quiet)
    data: dict[str, list[str]] = {"artifacts": []}
    build.initialize("editable", data)
    assert not hook.static_folder(ui.parent).exists()
    libraries = [
        "/src/antiphon/ingest/_plain.so",
        "/src/antiphon/model/_events.so",
        "/src/antiphon/rules/kernel/_kernel.so",
        "/src/antiphon/store/_packed.so",
        "/src/antiphon/store/_recent.so",
    ]
    assert data["artifacts"] == [*libraries, "/src/antiphon/web/static/**"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A C source."""
    path = tmp_path / "answer.c"
    path.write_text("int answer(void) { return 42; }\n")
    return path


def test_compiles_once_until_the_source_changes(hook: ModuleType, source: Path) -> None:
    """The library can be called; with its stamp a second build does nothing; changed or deleted, it is made again."""
    assert hook.build_library(source, "_answer.so", report=_quiet)
    assert ctypes.CDLL(str(source.with_name("_answer.so"))).answer() == 42
    assert not hook.build_library(source, "_answer.so", report=_quiet)
    source.write_text("int answer(void) { return 43; }\n")
    assert hook.build_library(source, "_answer.so", report=_quiet)
    source.with_name("_answer.so").unlink()
    assert hook.build_library(source, "_answer.so", report=_quiet)
    assert sorted(path.name for path in source.parent.iterdir()) == ["_answer.so", "_answer.stamp", "answer.c"]


def test_compiles_again_when_a_header_changes(hook: ModuleType, source: Path) -> None:
    """Headers of ours, and those that they include, are part of a source."""
    inner, outer = source.with_name("inner.h"), source.with_name("outer.h")
    inner.write_text("enum { ANSWER = 42 };\n")
    outer.write_text('#include <stdint.h>\n#include "inner.h"\n')
    source.write_text('#include "outer.h"\nint answer(void) { return ANSWER; }\n')
    assert hook.build_library(source, "_answer.so", report=_quiet)
    assert not hook.build_library(source, "_answer.so", report=_quiet)
    inner.write_text("enum { ANSWER = 43 };\n")
    assert hook.build_library(source, "_answer.so", report=_quiet)
    assert ctypes.CDLL(str(source.with_name("_answer.so"))).answer() == 43


def test_a_source_that_does_not_compile_is_quoted(hook: ModuleType, source: Path) -> None:
    """The error has what the compiler said; the library of before stays, and the next build tries again."""
    hook.build_library(source, "_answer.so", report=_quiet)
    source.write_text("int answer(void) { return forty_two; }\n")
    for _ in range(2):
        with pytest.raises(hook.BuildError, match=r"(?s)Compiling answer.c failed.*forty_two"):
            hook.build_library(source, "_answer.so", report=_quiet)
    assert source.with_name("_answer.so").is_file()


@pytest.mark.usefixtures("node")
def test_asks_for_a_compiler_from_pypi_only_without_one(
    hook: ModuleType, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine has no C compiler, Zig's is asked for, and used."""
    monkeypatch.setenv(hook.SKIP, "1")
    build = hook.PageBuildHook()
    build.root = str(source.parent)
    assert build.dependencies() == []
    monkeypatch.setattr(hook, "machine_compiler", lambda: None)
    assert build.dependencies() == [hook.COMPILER_FROM_PYPI]
    python = source.parent / "python"
    _script(python, f'echo "$@" > {source.parent}/called; while [ "$1" != -o ]; do shift; done; touch "$2"')
    monkeypatch.setattr(sys, "executable", str(python))
    assert hook.build_library(source, "_answer.so", report=_quiet)
    assert (source.parent / "called").read_text().startswith("-m ziglang cc -O3")


def test_a_compiler_may_be_named(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """CC goes before what is on PATH, arguments and all; a name that is not there is passed over."""
    monkeypatch.setenv("CC", "sh -c")
    assert hook.machine_compiler() == ["sh", "-c"]
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("PATH", "")
    assert hook.machine_compiler() is None


def test_every_c_source_is_compiled(hook: ModuleType) -> None:
    """What lies in the package as C is what the hook builds."""
    there = {path.relative_to(HOOK.parent) for path in (HOOK.parent / "src").rglob("*.c")}
    assert {source for source, _ in hook.LIBRARIES} == there
