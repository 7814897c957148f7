"""The one table from errors to answers: `{"code", "message", "details"}` with the error's status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from antiphon.errors import AntiphonError, InvalidInput, Overloaded, Unauthorized, Unavailable
from antiphon.store.faults import DUPLICATE, REFUSED, UNAVAILABLE
from antiphon.web.wording import plain

RETRY_AFTER_S = 1

STATUS_CODES: Mapping[int, str] = {
    400: "invalid_input",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "overloaded",
    503: "unavailable",
}


class ErrorOut(msgspec.Struct, kw_only=True):
    """An error: `code` for programs, `message` for people, `details` what else there is to say."""

    code: str
    message: str
    details: dict[str, Any]


Handler = Callable[[Request[Any, Any, Any], Any], Response[ErrorOut]]


def answer(error: AntiphonError) -> Response[ErrorOut]:
    """The answer to an error of ours."""
    headers: dict[str, str] = {}
    if isinstance(error, Overloaded | Unavailable):
        headers["Retry-After"] = str(error.details.get("retry_after", RETRY_AFTER_S))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    body = ErrorOut(code=error.code, message=error.message, details=error.details)
    return Response(body, status_code=error.status, headers=headers, media_type=MediaType.JSON)


def handlers() -> dict[int | type[Exception], Handler]:
    """Which exception is answered how; anything that is not listed is ours to mend, and says nothing of itself."""
    table: dict[int | type[Exception], Handler] = {
        AntiphonError: _on_ours,
        ValidationException: _on_validation,
        HTTPException: _on_http,
        RecursionError: _on_recursion,
        DUPLICATE: _on_duplicate,
        Exception: _on_unexpected,
    }
    table.update(dict.fromkeys(UNAVAILABLE, _on_unavailable))
    table.update(dict.fromkeys(REFUSED, _on_refused))
    return table


def _on_ours(_: Request[Any, Any, Any], error: AntiphonError) -> Response[ErrorOut]:
    return answer(error)


def _on_validation(_: Request[Any, Any, Any], error: ValidationException) -> Response[ErrorOut]:
    fields = [
        {"field": str(item.get("key", "")), "message": plain(str(item.get("message", "")))}
        for item in error.extra or ()
        if isinstance(item, dict)
    ]
    said = [f"{item['field']}: {item['message']}" if item["field"] else item["message"] for item in fields]
    message = "; ".join(said) if said else plain(error.detail)
    return answer(InvalidInput(message, fields=fields))


def _on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorOut]:
    code = STATUS_CODES.get(error.status_code, "error")
    message = plain(error.detail) if error.status_code == InvalidInput.status else error.detail
    body = ErrorOut(code=code, message=message, details={})
    return Response(body, status_code=error.status_code, headers=error.headers, media_type=MediaType.JSON)


def _on_recursion(_: Request[Any, Any, Any], __: RecursionError) -> Response[ErrorOut]:
    return answer(InvalidInput("The request is nested too deeply."))


def _on_duplicate(_: Request[Any, Any, Any], __: Exception) -> Response[ErrorOut]:
    body = ErrorOut(code="conflict", message="Somebody did the same just now. Reload and look.", details={})
    return Response(body, status_code=409, media_type=MediaType.JSON)


def _on_refused(_: Request[Any, Any, Any], __: Exception) -> Response[ErrorOut]:
    return answer(InvalidInput("A value of the request is too large to be stored."))


def _on_unavailable(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorOut]:
    structlog.get_logger().warning("storage_unavailable", path=request.scope["path"], error=type(error).__name__)
    return answer(Unavailable("The database does not answer right now. Nothing was changed; try again."))


def _on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorOut]:
    structlog.get_logger().error("request_failed", path=request.scope["path"], exc_info=error)
    body = ErrorOut(code="internal", message="Something went wrong on our side. It was written to the log.", details={})
    return Response(body, status_code=500, media_type=MediaType.JSON)
