"""The management API of a running server, for commands."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from antiphon.errors import AntiphonError, ConfigError, Unauthorized, Unavailable

TIMEOUT = 30.0
"""Seconds that an answer may take."""


class ManagementApi:
    """Speaks JSON to `/api`, as the owner of an admin token."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is where the server is, such as http://127.0.0.1:8000; raises ConfigError when it is no URL."""
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise ConfigError(f"the server's address must be a URL such as http://127.0.0.1:8000, not {url!r}")
        self.url = url.rstrip("/")
        self._token = token

    def get(self, path: str) -> Any:
        """The answer to a GET; raises AntiphonError with the server's own words when it refuses."""
        return self._call("GET", path, None)

    def post(self, path: str, body: object = None) -> Any:
        """The answer to a POST of JSON."""
        return self._call("POST", path, body)

    def delete(self, path: str) -> None:
        """Delete something."""
        self._call("DELETE", path, None)

    def _call(self, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 - the scheme is checked above
        try:
            with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                said = answer.read()
        except HTTPError as error:
            with error:
                raise _refusal(error, f"{method} {path}") from None
        except (OSError, HTTPException) as error:
            raise Unavailable(
                f"{self.url} does not answer ({getattr(error, 'reason', error)}): is `antiphon serve` running there?"
            ) from error
        return json.loads(said) if said else None


def _refusal(error: HTTPError, what: str) -> AntiphonError:
    """The server's refusal as one of our errors."""
    try:
        said: dict[str, Any] = json.loads(error.read())
        message = f"{what}: {said['message']}"
    except (ValueError, KeyError, TypeError, OSError):
        message = f"{what}: the server answered {error.code}"
    if error.code == Unauthorized.status:
        return Unauthorized(f"{message}. Give an admin token with --token, or the server's data folder with --data.")
    return AntiphonError(message)
