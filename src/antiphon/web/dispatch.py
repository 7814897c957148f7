"""The root: which part of the house answers an address."""

from __future__ import annotations

from litestar.types import ASGIApp, Receive, Scope, Send

API_PATHS = ("/v1/messages", "/signin", "/healthz", "/readyz", "/metrics")
API_FOLDERS = ("/api/", "/signin/", "/unsubscribe/")
INGEST_FOLDERS = ("/v1/", "/batch")


class Dispatch:
    """`/v1/messages`, `/api/*` and server-rendered pages go to Litestar, other `/v1/*` and `/batch*` to ingest."""

    def __init__(self, *, api: ASGIApp, ingest: ASGIApp | None, page: ASGIApp) -> None:
        """Without `ingest` its addresses are unknown ones of the API's."""
        self._api = api
        self._ingest = ingest or api
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        path = scope["path"]
        if path in API_PATHS or path.rstrip("/") == "/api" or path.startswith(API_FOLDERS):
            await self._api(_encoded(scope), receive, send)
        elif path.startswith(INGEST_FOLDERS):
            await self._ingest(scope, receive, send)
        else:
            await self._page(scope, receive, send)


def _encoded(scope: Scope) -> Scope:
    """Route on the path as it was sent: an id may hold an encoded slash, which is no separator."""
    raw = scope.get("raw_path")
    if not raw:
        return scope
    return {**scope, "path": raw.split(b"?", 1)[0].decode("ascii", "replace")}  # type: ignore[return-value]
