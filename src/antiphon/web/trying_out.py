"""Trying an email out: rendered for a real user just as a delivery would."""

from __future__ import annotations

from typing import Any

from litestar.concurrency import sync_to_thread

from antiphon.deliver.stage import context as template_context
from antiphon.errors import InvalidInput, NotFound
from antiphon.model.template import TemplateContent
from antiphon.store.outbox import QueuedMessage
from antiphon.store.people import get_profile, resolve_user
from antiphon.templates.content import Rendered, RenderRequest
from antiphon.templates.links import sign_unsubscribe
from antiphon.web.context import WebContext

NOBODY = "test@example.com"
"""Whose unsubscribe link a preview carries."""


async def render_sample(
    context: WebContext, content: TemplateContent, user_id: str | None, variables: dict[str, Any]
) -> Rendered:
    """Render as a delivery to the user would; InvalidInput says what is wrong with the content, and in which line."""
    message = await sync_to_thread(_sample, context, user_id, variables)
    workspace = context.workspace()
    token = sign_unsubscribe(workspace.secret, message_id=None, address=message.recipient or NOBODY)
    unsubscribe = f"{workspace.public_url}/unsubscribe/{token}"
    request = RenderRequest(
        content=content,
        context=template_context(message, workspace, unsubscribe),
        now=context.clock(),
    )
    result = await context.renderer.render(request)
    if not isinstance(result, Rendered):
        raise InvalidInput(result.message, where=result.where, line=result.line)
    return result


def _sample(context: WebContext, user_id: str | None, variables: dict[str, Any]) -> QueuedMessage:
    """A message as the outbox would hold it, for a user or for nobody in particular."""
    now = context.clock()
    message = QueuedMessage(
        id=0,
        idempotency_key="",
        lane="transactional",
        user_id=user_id or "",
        recipient=None,
        template_id=0,
        template_version=None,
        workflow_id=None,
        enrollment_id=None,
        variables=variables,
        attempts=0,
        created_at=now,
        caused_at=None,
    )
    if user_id is None:
        return message
    with context.store.state.read() as conn:
        known = resolve_user(conn, user_id)
        profile = get_profile(conn, "user", known) if known is not None else None
        if profile is None:
            raise NotFound(f"There is no user {user_id}.", field="user_id")
        company = get_profile(conn, "company", profile.company_id) if profile.company_id else None
    message.user_id, message.traits = profile.id, profile.traits
    message.recipient = email if isinstance(email := profile.traits.get("email"), str) else None
    message.company = {"id": profile.company_id, **(company.traits if company else {})}
    return message
