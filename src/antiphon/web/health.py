"""For those who watch over the process: is it up, can it work, what has it counted."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from antiphon.store.faults import UNAVAILABLE
from antiphon.store.health import probe
from antiphon.store.migrate import current
from antiphon.web.access import PUBLIC, authenticate
from antiphon.web.context import Context, WebContext


@get("/healthz", access=PUBLIC, include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", access=PUBLIC, include_in_schema=False, sync_to_thread=True)
def readyz(context: Context) -> Response[dict[str, Any]]:
    """Whether work can be done now: both databases answer, their schema is ours, and every check is content."""
    problems = _problems(context)
    status = HTTP_503_SERVICE_UNAVAILABLE if problems else HTTP_200_OK
    body = {"status": "unavailable" if problems else "ok", "problems": problems}
    return Response(body, status_code=status, media_type=MediaType.JSON)


@get("/metrics", access=PUBLIC, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], context: Context) -> Response[bytes]:
    """Our own metrics for Prometheus; with a token that may view, unless the settings make them public."""
    if not context.settings.public_metrics:
        await authenticate(request, "view")
    return Response(generate_latest(context.registry), media_type=CONTENT_TYPE_LATEST)


def _problems(context: WebContext) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        probe(context.store)
        schema = current(context.store)
        if schema.status != "current":
            found["schema"] = f"The schema is {schema.status}: {schema.found or 'none'} instead of {schema.wanted}."
    except UNAVAILABLE as error:
        found["store"] = f"A database does not answer, or its schema is not ours: {type(error).__name__}."
    for name, check in context.checks.items():
        said = check()
        if said is not None:
            found[name] = said
    return found


HEALTH = (healthz, readyz, metrics)
