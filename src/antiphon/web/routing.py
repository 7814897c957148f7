"""Handlers to application: what holds for every route stands here once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler, Method
from litestar.types.internal_types import PathParameterDefinition

from antiphon.errors import InvalidInput
from antiphon.web.access import guard, provide_principal
from antiphon.web.context import WebContext
from antiphon.web.errors import handlers as error_handlers
from antiphon.web.headers import API_POLICY, SAFE

MAX_BODY = 4 * 1024 * 1024
"""Bytes; the largest thing that is sent here is a template with variables to try it with."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def build(handlers: Sequence[ControllerRouterHandler], state: State) -> Litestar:
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
        openapi_config=OpenAPIConfig(
            title="Antiphon",
            version="1",
            description="Rules, templates, workflows, people and messages of one workspace.",
            use_handler_docstrings=True,
            operation_id_creator=_operation_id,
            enabled_endpoints=set(),
        ),
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


def _operation_id(handler: HTTPRouteHandler, method: Method, path: list[str | PathParameterDefinition]) -> str:
    del method, path
    first, *rest = handler.handler_name.split("_")
    return first + "".join(word.capitalize() for word in rest)
