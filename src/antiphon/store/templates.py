"""Templates and their versions: every save is a version, one of them is what is sent."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from antiphon.errors import NotFound
from antiphon.model.message import Channel
from antiphon.model.template import TemplateContent
from antiphon.store.revisions import at_revision, name_taken
from antiphon.store.rows import to_struct
from antiphon.store.tables import template_versions, templates


class Template(msgspec.Struct, kw_only=True, frozen=True):
    """A template with its latest content; times in ms since the epoch."""

    id: int
    name: str
    channel: Channel
    topic: str
    published_version: int | None
    latest_version: int
    revision: int
    content: TemplateContent
    created_at: int
    updated_at: int
    archived: bool


class Version(msgspec.Struct, kw_only=True, frozen=True):
    """When a version was saved."""

    version: int
    created_at: int


def list_templates(conn: Connection) -> list[Template]:
    """All templates by name, with their latest content."""
    return [_template(row) for row in conn.execute(_latest().order_by(templates.c.name)).mappings()]


def get_template(conn: Connection, template_id: int) -> Template:
    """One template; NotFound, also when it was deleted."""
    row = conn.execute(_latest().where(templates.c.id == template_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no template {template_id}.")
    return _template(row)


def find_template(conn: Connection, name: str) -> Template | None:
    """The template with this name."""
    row = conn.execute(_latest().where(templates.c.name == name)).mappings().one_or_none()
    return None if row is None else _template(row)


def list_versions(conn: Connection, template_id: int) -> list[Version]:
    """The versions of a template, the newest first."""
    v = template_versions
    query = select(v.c.version, v.c.created_at).where(v.c.template_id == template_id).order_by(v.c.version.desc())
    return [Version(version=row.version, created_at=row.created_at) for row in conn.execute(query)]


def get_content(conn: Connection, template_id: int, version: int) -> TemplateContent:
    """The content of one version; NotFound."""
    v = template_versions
    query = select(v.c.content).where(v.c.template_id == template_id, v.c.version == version)
    content = conn.execute(query).scalar_one_or_none()
    if content is None:
        raise NotFound(f"Template {template_id} has no version {version}.")
    return msgspec.convert(content, TemplateContent)


def create_template(
    conn: Connection, *, name: str, channel: Channel, topic: str, content: TemplateContent, now: int
) -> Template:
    """Add an unpublished template at version 1; Conflict when the name is taken."""
    values = {
        "name": name,
        "channel": channel,
        "topic": topic,
        "published_version": None,
        "revision": 1,
        "created_at": now,
        "updated_at": now,
        "archived": False,
    }
    try:
        with conn.begin_nested():
            key: int = conn.execute(insert(templates).values(values).returning(templates.c.id)).scalar_one()
    except IntegrityError as error:
        raise name_taken("an email", name) from error
    _add_version(conn, key, 1, content, now)
    return get_template(conn, key)


def save_template(
    conn: Connection, template_id: int, *, revision: int, name: str, topic: str, content: TemplateContent, now: int
) -> Template:
    """Save a template read at `revision`; changed content becomes the next version, unpublished."""
    stored = at_revision(get_template(conn, template_id), revision)
    if content != stored.content:
        _add_version(conn, template_id, stored.latest_version + 1, content, now)
    changes = {"name": name, "topic": topic, "revision": revision + 1, "updated_at": now}
    try:
        with conn.begin_nested():
            conn.execute(update(templates).where(templates.c.id == template_id).values(changes))
    except IntegrityError as error:
        raise name_taken("an email", name) from error
    return get_template(conn, template_id)


def publish_template(conn: Connection, template_id: int, *, revision: int, now: int) -> Template:
    """Make the latest version the one that is sent."""
    stored = at_revision(get_template(conn, template_id), revision)
    changes = {"published_version": stored.latest_version, "revision": revision + 1, "updated_at": now}
    conn.execute(update(templates).where(templates.c.id == template_id).values(changes))
    return get_template(conn, template_id)


def archive_template(conn: Connection, template_id: int, now: int) -> None:
    """Take a template out of every list; its versions stay for the messages that were sent with them.

    The name is freed for another one.
    """
    stored = get_template(conn, template_id)
    changes = {"archived": True, "name": f"{stored.name} (deleted {template_id})", "updated_at": now}
    conn.execute(update(templates).where(templates.c.id == template_id).values(changes))


def _latest() -> Any:
    v = template_versions
    inner = v.alias()
    newest = (
        select(func.max(inner.c.version))
        .where(inner.c.template_id == templates.c.id)
        .correlate(templates)
        .scalar_subquery()
    )
    on = (v.c.template_id == templates.c.id) & (v.c.version == newest)
    columns = select(templates, v.c.version.label("latest_version"), v.c.content)
    return columns.select_from(templates.join(v, on)).where(templates.c.archived.is_(False))


def _template(row: RowMapping) -> Template:
    return to_struct(row, Template)


def _add_version(conn: Connection, template_id: int, version: int, content: TemplateContent, now: int) -> None:
    row = {"template_id": template_id, "version": version, "content": msgspec.to_builtins(content), "created_at": now}
    conn.execute(insert(template_versions).values(row))
