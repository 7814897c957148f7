"""The web application: the JSON API, the server-rendered pages, and what passes by to ingest and the built page."""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp

from antiphon.web import openapi
from antiphon.web.api import CONTROLLERS
from antiphon.web.context import WebContext
from antiphon.web.dispatch import Dispatch
from antiphon.web.health import HEALTH
from antiphon.web.live import LiveTail
from antiphon.web.pages.signin import SigninController
from antiphon.web.pages.unsubscribe import UnsubscribeController
from antiphon.web.passwords import Passwords, SignInLimits
from antiphon.web.rates import EventRate
from antiphon.web.routing import build
from antiphon.web.static import StaticPage

STATIC = Path(__file__).parent / "static"
"""Where the wheel's build hook puts the built page."""


def create_app(context: WebContext, ingest: ASGIApp | None = None, static: Path = STATIC) -> ASGIApp:
    """Everything that is served over HTTP; `ingest` takes /v1/* (messages excepted) and /batch*.

    The lifespan protocol is passed to the Litestar part only: start what `ingest` needs beforehand.
    """
    return Dispatch(api=create_api(context), ingest=ingest, page=StaticPage(static))


def create_api(context: WebContext) -> Litestar:
    """The Litestar part."""
    state = {
        "context": context,
        "passwords": Passwords(),
        "limits": SignInLimits(context.clock),
        "live": LiveTail(context),
        "rate": EventRate(context.store, context.clock),
    }
    return build([*CONTROLLERS, *HEALTH, SigninController, UnsubscribeController, openapi.serve], State(state))
