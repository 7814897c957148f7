"""Demo traffic: a small example API and its simulated customers, started and stopped from the page."""

from __future__ import annotations

import msgspec
from litestar import Controller, delete, get, post
from litestar.status_codes import HTTP_200_OK

from antiphon.errors import Conflict
from antiphon.web.context import Context, DemoState


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
    async def get_demo(self, context: Context) -> DemoOut:
        """Whether demo traffic runs."""
        return _demo_out(await context.demo.state())

    @post(access="own", status_code=HTTP_200_OK)
    async def start_demo(self, context: Context) -> DemoOut:
        """Start demo traffic."""
        if not (await context.demo.state()).available:
            raise Conflict("Demo traffic cannot run here: the example API is not installed.")
        return _demo_out(await context.demo.start())

    @delete(access="own", status_code=HTTP_200_OK)
    async def stop_demo(self, context: Context) -> DemoOut:
        """Stop demo traffic."""
        return _demo_out(await context.demo.stop())


def _demo_out(state: DemoState) -> DemoOut:
    return DemoOut(available=state.available, running=state.started_at is not None, started_at=state.started_at)
