"""Route templates for calls that come with a path only: `/v1/items/42` -> `/v1/items/{id}`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_MAX_LITERAL = 40  # characters; no route of an API spells longer words

# Worth a closer look at all: most paths without ids end here.
_SUSPECT = re.compile(r"\d|@|%40|[^/]{21}")

_ID = re.compile(
    r"""
    [+-]?\d[\d.,:+-]*                                             # numbers, dates
    | [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}   # UUIDs
    | (?=[^/]*\d)[0-9a-fA-F]{8,}                                  # hex digests, object ids
    | [^/@]+(?:@|%40)[^/@]+                                       # email addresses
    | (?=[^/]*\d)[A-Za-z][A-Za-z0-9]{0,15}[_-](?=[^/]*\d)[A-Za-z0-9]{6,}   # cus_NffrFeUfNV2Hib
    | (?=[^/]*\d)[A-Za-z0-9_~.=-]{20,}                            # ULIDs, tokens, base64url
    """,
    re.VERBOSE,
)


def template(path: str) -> str:
    """`path` with everything that looks like an id replaced by `{id}`; a query, a host and a last slash are left out."""
    if "://" in path[:16]:
        path = urlsplit(path).path
    path = path.partition("?")[0].partition("#")[0]
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    if _SUSPECT.search(path) is None:
        return path
    return "/".join([_part(part) for part in path.split("/")])


def _part(part: str) -> str:
    if len(part) > _MAX_LITERAL or _ID.fullmatch(part) is not None:
        return "{id}"
    return part
