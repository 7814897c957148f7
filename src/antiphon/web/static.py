"""The built page: files from memory, index.html for every address that the page itself routes."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from pathlib import Path

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.types import Receive, Scope, Send

from antiphon.web.headers import PAGE_POLICY, SAFE

FOREVER = "public, max-age=31536000, immutable"
EACH_TIME = "no-cache"
COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
SMALLEST = 1_024

NOT_BUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Antiphon</title>
<body><h1>The page is not built</h1><p>The API works. Build the page with <code>make build</code>, then start again.</p>
"""


class File(msgspec.Struct, frozen=True):
    """A file as it is sent."""

    body: bytes
    zipped: bytes | None
    type: str
    tag: str
    cache: str


class StaticPage:
    """An ASGI application; the folder is read once, at the first request."""

    def __init__(self, folder: Path) -> None:
        """Serve what lies in `folder`."""
        self._folder = folder
        self._files: dict[str, File] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD."""
        del receive
        method = scope.get("method", "")
        if method not in ("GET", "HEAD"):
            await _send(send, 405, {"allow": "GET, HEAD", "content-type": "text/plain"}, b"Method not allowed\n")
            return
        if self._files is None:
            self._files = await sync_to_thread(_load, self._folder)
        path = scope["path"].lstrip("/")
        file = self._files.get(path)
        if file is None and _is_file_name(path):
            await _send(send, 404, {"content-type": "text/plain"}, b"Not found\n")
            return
        file = file or self._files["index.html"]
        await _answer(scope, send, file, head=method == "HEAD")


def _load(folder: Path) -> dict[str, File]:
    files = {
        path.relative_to(folder).as_posix(): _read(path, path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    files.setdefault("index.html", _file(NOT_BUILT, "text/html", EACH_TIME))
    return files


def _read(path: Path, name: str) -> File:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "application/javascript" if kind == "text/javascript" else kind
    return _file(path.read_bytes(), kind, FOREVER if name.startswith("assets/") else EACH_TIME)


def _file(body: bytes, kind: str, cache: str) -> File:
    zipped = None
    if len(body) >= SMALLEST and kind.startswith(COMPRESSED):
        zipped = gzip.compress(body, 6, mtime=0)
    shown = f"{kind}; charset=utf-8" if kind.startswith(("text/", "application/javascript")) else kind
    return File(body, zipped, shown, f'"{hashlib.sha256(body).hexdigest()[:32]}"', cache)


FILE_ENDINGS = frozenset({".js", ".css", ".map", ".ico", ".png", ".svg", ".json", ".txt", ".webmanifest"})


def _is_file_name(path: str) -> bool:
    """Whether an address means a file, which is there or not, rather than a screen of the page."""
    first, _, rest = path.partition("/")
    return first in {"assets", ".."} or (not rest and Path(first).suffix in FILE_ENDINGS)


async def _answer(scope: Scope, send: Send, file: File, *, head: bool) -> None:
    asked = dict(scope["headers"])
    headers = {
        "content-type": file.type,
        "cache-control": file.cache,
        "etag": file.tag,
        "vary": "accept-encoding",
        "content-security-policy": PAGE_POLICY,
        **SAFE,
    }
    if asked.get(b"if-none-match", b"").decode("latin-1") == file.tag:
        await _send(send, 304, headers, b"")
        return
    body = file.body
    if file.zipped is not None and b"gzip" in asked.get(b"accept-encoding", b""):
        headers["content-encoding"] = "gzip"
        body = file.zipped
    headers["content-length"] = str(len(body))
    await _send(send, 200, headers, b"" if head else body)


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
