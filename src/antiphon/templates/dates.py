"""The `date` filter: `now` comes from the request, numbers may be seconds or milliseconds, everything is UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from liquid import Markup, RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

NOW = "now"
"""Name under which the request's time, in ms since the epoch, reaches the context."""
TODAY = "today"

_MILLISECONDS_FROM = 100_000_000_000
_MAX_FORMAT = 100


@with_context
def date(value: Any, layout: Any = "%Y-%m-%d", *, context: RenderContext) -> str:
    """Format a time with strftime; what is no time comes back unchanged, as Shopify's does.

    `value` is "now", "today", an ISO text, a datetime, or a number of seconds (milliseconds from 1e11 on).
    """
    if value is None or is_undefined(value):
        return ""
    when = _when(value, context)
    if when is None:
        return str(value)
    text = str(layout)
    if len(text) > _MAX_FORMAT:
        raise FilterArgumentError(f"date: a format of more than {_MAX_FORMAT} characters", token=None)
    formatted = when.strftime(text)
    return Markup(formatted) if isinstance(layout, Markup) else formatted


def _when(value: Any, context: RenderContext) -> datetime | None:
    try:
        if isinstance(value, datetime):
            return value
        if isinstance(value, str):
            if value in {NOW, TODAY}:
                return _when(context.globals[NOW], context)
            if not value.isdigit():
                return datetime.fromisoformat(value)
            value = int(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
