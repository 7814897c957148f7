"""Headers that every answer to a browser carries."""

from __future__ import annotations

SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; frame-src 'self' blob:; worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page: scripts of ours only, no request to anyone else; Mantine sets styles inline."""

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Answers that are no documents."""

MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""A mail's HTML in its frame: it runs nothing, loads nothing, and belongs to no origin."""


def form_policy(style_hash: str) -> str:
    """A server-rendered page with one inline style sheet, known by its hash (`sha256-...`)."""
    return f"default-src 'none'; style-src '{style_hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
