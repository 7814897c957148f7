"""The demo's rules, emails and workflows: read from the gallery's files, set up over the management API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

import antiphon
from antiphon.errors import ConfigError

KEY_NAME = "Demo traffic"


class Api(Protocol):
    """What is needed of the management API: see `ManagementApi`."""

    def get(self, path: str) -> Any:
        """GET."""
        ...

    def post(self, path: str, body: object = None) -> Any:
        """POST."""
        ...

    def delete(self, path: str) -> None:
        """DELETE."""
        ...


class GallerySet(msgspec.Struct, frozen=True):
    """A rule, the email that answers it, and the workflow between them; the workflow names the two by name."""

    name: str
    rule: dict[str, Any]
    template: dict[str, Any]
    workflow: dict[str, Any]


def shipped(name: str) -> Path:
    """A folder that lies beside the package: in the checkout, or inside the wheel as `_<name>`.

    Raises ConfigError when it is in neither.
    """
    package = Path(antiphon.__file__).parent
    for folder in (package / f"_{name}", package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise ConfigError(f"the folder {name} is missing from this installation; run from a checkout, or install the wheel")


def read_sets(folder: Path) -> list[GallerySet]:
    """Every set of a gallery folder, in order of name; raises ConfigError naming a file that is wrong."""
    sets: list[GallerySet] = []
    for place in sorted(path.parent for path in folder.glob("*/rule.json")):
        template = _read(place / "template.json")
        content = template["content"]
        template = {**template, "content": {**content, "body": (place / content["body"]).read_text(encoding="utf-8")}}
        sets.append(GallerySet(place.name, _read(place / "rule.json"), template, _read(place / "workflow.json")))
    if not sets:
        raise ConfigError(f"{folder} holds no sets (a set is a folder with rule.json, template.json, workflow.json)")
    return sets


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def set_up(api: Api, sets: list[GallerySet], say: Callable[[str], None]) -> None:
    """Make what is missing, and switch everything on. What is there already, by name, keeps its content."""
    rules = _by_name(api, "rules")
    templates = _by_name(api, "templates")
    workflows = _by_name(api, "workflows")
    for one in sets:
        name = one.rule["name"]
        rule = rules.get(name) or api.post("/api/rules", one.rule)
        if rule["status"] != "active":
            change = {"status": "active", "revision": rule["revision"]}
            rule = api.post(f"/api/rules/{rule['id']}/status", change)
        template = templates.get(one.template["name"]) or api.post("/api/templates", one.template)
        if template["published_version"] is None:
            revision = {"revision": template["revision"]}
            template = api.post(f"/api/templates/{template['id']}/publish", revision)
        workflow = workflows.get(one.workflow["name"])
        fresh = workflow is None
        if workflow is None:
            body = {**one.workflow, "definition": with_ids(one.workflow["definition"], rule["id"], template["id"])}
            workflow = api.post("/api/workflows", body)
        if workflow["published_version"] is None:
            api.post(f"/api/workflows/{workflow['id']}/publish", {"revision": workflow["revision"]})
        elif workflow["status"] == "paused":
            api.post(f"/api/workflows/{workflow['id']}/resume", {"revision": workflow["revision"]})
        say(f"  {'made' if fresh else 'kept'}  {name}: {rule['sentence'] or rule['text']}")


def with_ids(definition: dict[str, Any], rule_id: int, template_id: int) -> dict[str, Any]:
    """A workflow's definition with the numbers of its rule and template in place of their names."""
    trigger = {key: value for key, value in definition["trigger"].items() if key != "rule"}
    steps = [
        {**{key: value for key, value in step.items() if key != "template"}, "template_id": template_id}
        if step["kind"] == "send"
        else step
        for step in definition["steps"]
    ]
    return {**definition, "trigger": {**trigger, "rule_id": rule_id}, "steps": steps}


def new_write_key(api: Api) -> tuple[int, str]:
    """(id, secret) of a write key for this run; keys that earlier runs left are revoked."""
    for key in api.get("/api/keys")["items"]:
        if key["name"] == KEY_NAME:
            api.delete(f"/api/keys/{key['id']}")
    key = api.post("/api/keys", {"name": KEY_NAME, "kind": "write"})
    return key["id"], key["secret"]


def _by_name(api: Api, noun: str) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in api.get(f"/api/{noun}")["items"]}
