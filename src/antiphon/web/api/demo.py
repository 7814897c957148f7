"""Demo traffic: a small example API and its simulated customers, started and stopped from the page."""

from __future__ import annotations

import msgspec
from litestar import Controller, delete, get, post
from litestar.status_codes import HTTP_200_OK


class DemoOut(msgspec.Struct, kw_only=True):
    """Whether demo traffic runs here, since when (ms), and whether it can."""

    available: bool
    running: bool
    started_at: int | None


class DemoController(Controller):
    """Demo traffic."""

    path = "/api/demo"
    tags = ("Demo",)

    @get(access="view")
    async def get_demo(self) -> DemoOut:
        """Whether demo traffic runs."""
        raise NotImplementedError

    @post(access="own", status_code=HTTP_200_OK)
    async def start_demo(self) -> DemoOut:
        """Start demo traffic."""
        raise NotImplementedError

    @delete(access="own", status_code=HTTP_200_OK)
    async def stop_demo(self) -> DemoOut:
        """Stop demo traffic."""
        raise NotImplementedError
