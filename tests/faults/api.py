"""The JSON API as a script uses it, and the rules, emails and workflows that the fault runs and benchmarks need."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from faults.harness import Product
from faults.processes import wait_until

FIFTH_ERROR = "Fifth error"
WELCOME = "Welcome"
RECEIPT = "Receipt"
"""Subjects of the three emails: how the mail server's side tells them apart."""

FIVE_ERRORS = "count of api_call where status = 400 in the last 24 hours >= 5"
MJML = (
    "<mjml><mj-body><mj-section><mj-column>"
    "<mj-text>Hello {{ user.name | default: 'there' }}, your calls fail.</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)


class ApiError(Exception):
    """The API refused; `status` and its body."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body[:500]}")
        self.status = status


class Api:
    """Calls `/api` with the admin token, or another one."""

    def __init__(self, product: Product, token: str | None = None, *, timeout_s: float = 30.0) -> None:
        self._product = product
        self._token = token or product.admin_token
        self._timeout_s = timeout_s

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The decoded answer; raises ApiError for 4xx and 5xx, OSError when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._product.port, timeout=self._timeout_s)
        try:
            sent = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise ApiError(answer.status, text)
        return json.loads(text) if text.startswith(("{", "[")) else text

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        return self.call("POST", path, body, headers)


class Made(NamedTuple):
    """What `set_up` made."""

    rule_id: int
    workflow_id: int
    welcome_id: int
    receipt_template_id: int
    server_key: str


def make_template(api: Api, name: str, subject: str | None = None) -> int:
    """A published MJML email."""
    content = {"subject": subject or name, "preview_text": "", "language": "mjml", "body": MJML, "text": ""}
    template = api.post("/api/templates", {"name": name, "channel": "email", "topic": "", "content": content})
    api.post(f"/api/templates/{template['id']}/publish", {"revision": template["revision"]})
    return int(template["id"])


def make_rules(api: Api, rules: Sequence[tuple[str, str]], *, wait_s: float = 120.0) -> list[int]:
    """Rules (name, text) that are switched on and filled: from now on whoever comes to match is messaged."""
    made = [
        int(api.post("/api/rules", {"name": name, "text": text, "subject_kind": "user", "status": "active"})["id"])
        for name, text in rules
    ]
    for rule_id in made:
        wait_until(lambda r=rule_id: api.get(f"/api/rules/{r}")["filled"], wait_s, f"rule {rule_id} to be filled", 0.05)
    return made


def make_workflow(api: Api, name: str, trigger: dict[str, Any], template_id: int, reentry: str = "once") -> int:
    """A published workflow that sends one email."""
    steps = [{"id": "send", "kind": "send", "channel": "email", "template_id": template_id, "variables": {}}]
    definition = {"schema": 1, "trigger": trigger, "entry": {"reentry": reentry}, "steps": steps}
    workflow = api.post("/api/workflows", {"name": name, "definition": definition})
    api.post(f"/api/workflows/{workflow['id']}/publish", {"revision": workflow["revision"]})
    return int(workflow["id"])


def set_up(product: Product) -> Made:
    """One mail on the fifth 400 within 24 h, one on each sign-up event, and a template for transactional mail."""
    api = Api(product)
    [rule_id] = make_rules(api, [("Five errors", FIVE_ERRORS)])
    on_errors = make_workflow(api, FIFTH_ERROR, {"kind": "enters", "rule_id": rule_id}, make_template(api, FIFTH_ERROR))
    on_sign_up = make_workflow(
        api, WELCOME, {"kind": "event", "selector": "signed_up"}, make_template(api, WELCOME), "every_time"
    )
    key = api.post("/api/keys", {"name": "faults", "kind": "server"})["secret"]
    return Made(rule_id, on_errors, on_sign_up, make_template(api, RECEIPT), key)
