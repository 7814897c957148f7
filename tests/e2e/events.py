"""Events as a customer's API sends them, over HTTP."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Sequence
from typing import Any


def send(url: str, write_key: str, *items: dict[str, Any]) -> None:
    """`POST /v1/batch`; raises urllib.error.HTTPError when it is refused."""
    request = urllib.request.Request(
        url + "/v1/batch",
        json.dumps({"batch": items}).encode(),
        {
            "Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200, answer.read()


def person(user_id: str, name: str, **traits: Any) -> dict[str, Any]:
    """An identify call; the address follows from the id."""
    address = {"name": name, "email": f"{user_id}@example.com"}
    return {"type": "identify", "userId": user_id, "traits": {**address, **traits}}


def failed_calls(user_id: str, times: int, status: int = 400) -> Sequence[dict[str, Any]]:
    """Calls to the customer's API that were refused."""
    properties = {"method": "POST", "route": "/v1/shipments", "path": "/v1/shipments", "status": status}
    return [
        {"type": "track", "userId": user_id, "event": "api_call", "properties": {**properties, "latency_ms": 12.5}}
    ] * times


def happening(user_id: str, event: str, **properties: Any) -> dict[str, Any]:
    """A track call."""
    return {"type": "track", "userId": user_id, "event": event, "properties": properties}
