"""Handlers to application: what holds for every route stands here once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from antiphon.errors import InvalidInput
from antiphon.web.access import guard, provide_principal
from antiphon.web.context import WebContext
from antiphon.web.errors import handlers as error_handlers
from antiphon.web.headers import API_POLICY, SAFE

MAX_BODY = 4 * 1024 * 1024
"""Bytes; the largest thing that is sent here is a template with variables to try it with."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def build(
    handlers: Sequence[ControllerRouterHandler], state: State, described: OpenAPIConfig | None = None
) -> Litestar:
    """The application of these handlers; `state.context` is what they are given as `context`."""
    return Litestar(
        route_handlers=handlers,
        state=state,
        guards=[guard],
        dependencies={
            "context": Provide(_provide_context),
            "principal": Provide(provide_principal),
        },
        before_request=_refuse_nul,
        after_request=_harden,
        exception_handlers=error_handlers(),
        openapi_config=described,
        request_max_body_size=MAX_BODY,
        logging_config=None,
    )


async def _provide_context(state: State) -> WebContext:
    return state.context


async def _refuse_nul(request: Request[Any, Any, Any]) -> None:
    """PostgreSQL's text holds no NUL, so nobody's does."""
    where = request.scope["query_string"] + request.scope["raw_path"]
    if b"%00" in where or (request.method not in ("GET", "HEAD") and _NUL.search(await request.body())):
        raise InvalidInput("Text may not contain the character NUL.")


async def _harden(response: Response[Any]) -> Response[Any]:
    response.headers.setdefault("cache-control", "no-store")
    response.headers.setdefault("content-security-policy", API_POLICY)
    for name, value in SAFE.items():
        response.headers.setdefault(name, value)
    return response
