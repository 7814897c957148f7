"""Route templates in one style, `/v1/items/{id}`, whatever a framework calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

_BRACED = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
_ANGLED = re.compile(r"<(?:[^<>:]*:)?(\w+)>")
_GROUP_NAME = re.compile(r"\?P<(\w+)>")


class Route(NamedTuple):
    """A template and what is needed to find the prefix that mounts and routers put before it."""

    template: str
    path: str
    params: Mapping[str, Any] | None = None
    mounted: bool = False
    """The template is that of a mount whose application names no route of its own."""


def full_template(route: Route) -> str:
    """The template for the whole path.

    A route under a mount knows only its own part: what precedes it is taken from the path, with the values of the
    remaining path parameters replaced by their names.
    """
    template = braced(route.template)
    params = route.params or {}
    concrete = _BRACED.sub(lambda match: str(params.get(match[1], match[0])), template)
    if route.path == concrete:
        prefix = ""
    elif route.path.endswith(concrete):
        prefix = route.path[: len(route.path) - len(concrete)]
    else:  # a converter changed a value (007 -> 7): the number of segments still tells
        prefix = "/".join(route.path.split("/")[: -template.count("/") or None])
    if prefix and params:
        own = set(_BRACED.findall(template))
        names = {str(value): name for name, value in params.items() if name not in own}
        prefix = "/".join(f"{{{names[part]}}}" if part in names else part for part in prefix.split("/"))
    whole = prefix + template
    return whole.rstrip("/") + "/{path}" if route.mounted else whole


@lru_cache(maxsize=4096)
def braced(template: str) -> str:
    """Starlette, FastAPI and Litestar (`{id:int}`), and Flask and Django paths (`<int:id>`), as `{id}`."""
    return _ANGLED.sub(r"{\1}", _BRACED.sub(r"{\1}", template))


@lru_cache(maxsize=4096)
def from_django(route: str) -> str:
    r"""Django's `api/<int:pk>/`, or a pattern such as `^api/(?P<pk>\d+)/$`, as `/api/{pk}/`."""
    if "(" in route or "^" in route or "$" in route:
        route = _unpattern(route)
    route = braced(route)
    return route if route.startswith("/") else "/" + route


def _unpattern(pattern: str) -> str:
    """A regular expression with each group replaced by its name, and its anchors left out."""
    out: list[str] = []
    at, unnamed = 0, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "(":
            end = _closing(pattern, at)
            name = _GROUP_NAME.match(pattern, at + 1)
            if name is None and not pattern.startswith("(?", at):
                unnamed += 1
                out.append(f"{{{unnamed}}}")
            elif name is not None:
                out.append(f"{{{name[1]}}}")
            at = end + 1
            continue
        if char == "\\" and at + 1 < len(pattern):
            following = pattern[at + 1]
            if following not in "ZAbB":  # anchors
                out.append(following)
            at += 2
            continue
        if char not in "^$?":
            out.append(char)
        at += 1
    return "".join(out)


def _closing(pattern: str, opening: int) -> int:
    """Where the group that opens at `opening` ends."""
    depth, at, in_class = 0, opening, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            continue
        if char == "[":
            in_class = True
        elif char == "]":
            in_class = False
        elif not in_class and char == "(":
            depth += 1
        elif not in_class and char == ")":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(pattern) - 1
