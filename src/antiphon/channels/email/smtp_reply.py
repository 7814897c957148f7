"""What an SMTP server's reply means for the message, the address and the lane (RFC 5321, RFC 3463)."""

from __future__ import annotations

import re
from typing import Literal

from antiphon.model.message import SendResult

MAX_DETAIL = 500

Phase = Literal["session", "mail", "rcpt", "data", "dot"]
"""session: up to authentication, nothing about this message yet. dot: after the whole message was handed over."""

BAD_MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""No such mailbox, no such domain, bad address syntax, moved away, domain that takes no mail (null MX)."""

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_UNKNOWN_USER = re.compile(
    r"no such (?:user|mailbox|recipient|address|person)|(?:unknown|invalid|nonexistent|non-existent) "
    r"(?:user|mailbox|recipient|address|local.part)|(?:user|mailbox|recipient|address|account) "
    r"(?:is )?(?:unknown|not found|invalid|(?:does not|doesn'?t) exist)|no mailbox (?:here )?by that name",
    re.IGNORECASE,
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_SERVICE_CLOSING = 421


def classify(phase: Phase, code: int, text: str) -> SendResult:
    """Judge a reply that is not the one hoped for, or 2xx to the final dot.

    A plain 550 at RCPT suppresses only when its text says that there is no such user: many servers answer policy
    with a plain 550, and suppressing then would silence a good address for good. A refused session (bad password,
    5xx greeting) says nothing about the message: it is kept, and the lane waits.
    """
    shown = detail(text)
    said = f"{code} {shown}"
    if phase == "dot" and 200 <= code < 300:  # noqa: PLR2004
        return SendResult(outcome="sent", code=code, detail=said, provider_id=_queue_id(shown))
    if not (400 <= code < 600):  # noqa: PLR2004
        return garbage(phase, said)
    match = _ENHANCED.match(text)
    enhanced = match[1] if match else ""
    policy = enhanced.startswith("5.7.")
    if phase == "session":
        return SendResult(outcome="deferred", code=code, detail=said, pause_lane=code >= 500)  # noqa: PLR2004
    if code < 500:  # noqa: PLR2004 - 421 too: the server goes away, the message is still ours
        return SendResult(outcome="deferred", code=code, detail=said, retry_after=None)
    mailbox = phase in {"rcpt", "data", "dot"}
    unknown = phase == "rcpt" and code in {550, 551, 553} and not enhanced and bool(_UNKNOWN_USER.search(text))
    return SendResult(
        outcome="failed",
        code=code,
        detail=said,
        suppress=(mailbox and enhanced in BAD_MAILBOX) or unknown,
        # the sender is the same for the whole lane: what is refused at MAIL is refused for everybody
        pause_lane=policy or phase == "mail",
    )


def garbage(phase: Phase, said: str) -> SendResult:
    """A reply that is no SMTP: harmless before the message was handed over, afterwards nobody knows."""
    outcome: Literal["uncertain", "deferred"] = "uncertain" if phase == "dot" else "deferred"
    return SendResult(outcome=outcome, detail=detail(f"The server's reply cannot be understood: {said}"))


def lost(phase: Phase, reason: str) -> SendResult:
    """The connection broke or a reply did not come in time."""
    if phase == "dot":
        said = f"The message was handed over, then: {reason}"
        return SendResult(outcome="uncertain", detail=detail(said))
    return SendResult(outcome="deferred", detail=detail(reason))


def closes(code: int) -> bool:
    """Whether the server ends the connection after this reply."""
    return code == _SERVICE_CLOSING


def detail(text: str) -> str:
    """One printable line of at most `MAX_DETAIL` characters."""
    return " ".join(_CONTROLS.sub(" ", text.encode("utf-8", "replace").decode()).split())[:MAX_DETAIL]


def _queue_id(text: str) -> str | None:
    """The id under which most servers say they queued it, for a person who reads their logs."""
    match = re.search(r"queued as ([\w.-]+)", text)
    return match[1] if match else None
