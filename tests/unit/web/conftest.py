"""A whole web application on a real store, with the parts that other packages own played by small stand-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from antiphon.errors import InvalidInput, NotFound, RuleSyntaxError
from antiphon.model.backtest import BacktestJob
from antiphon.model.message import SendResult
from antiphon.model.workspace import Workspace
from antiphon.runtime.computed_traits import ComputedTraits
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader
from antiphon.store.tables import profiles
from antiphon.store.tokens import add_token, new_secret
from antiphon.templates.content import Rendered, RenderError
from antiphon.web.app import create_app
from antiphon.web.bootstrap import bootstrap
from antiphon.web.context import (
    ChannelInfo,
    DemoState,
    Explained,
    ExplainedCondition,
    Preview,
    PreviewCondition,
    PreviewSubject,
    RuleFaces,
    WebContext,
)
from antiphon.web.settings import WebSettings
from factories import NOW

ORIGIN = "http://testserver"
SECRET = "a secret of the tests"


class Rules:
    """Rules whose text is `met` or `broken`; the tree holds the text."""

    def parse(self, text, kind):
        if "broken" in text:
            raise RuleSyntaxError("Expected a condition here.", position=0, line=1, column=1, expected=["count"])
        return RuleFaces(
            text=text.strip(), tree={"kind": kind, "text": text.strip()}, sentence=f"Who is {text.strip()}"
        )

    def from_tree(self, tree, kind):
        if not isinstance(tree.get("text"), str):
            raise InvalidInput("This is no rule: it has no `text`.")
        return self.parse(tree["text"], kind)

    def selector_error(self, text):
        return "expected a name" if "broken" in text else None

    def preview(self, tree, kind):
        conditions = [PreviewCondition(path="0", text=tree["text"], count=2)]
        sample = [PreviewSubject(id="ada", reasons=["5 errors"]), PreviewSubject(id="ghost", reasons=["6 errors"])]
        return Preview(total=2, of=3, conditions=conditions, sample=sample, as_of=NOW)

    def explain(self, rule, subject_id):
        condition = ExplainedCondition(
            path="0",
            depth=0,
            text=rule.text,
            value="5",
            needed="at least 5",
            met=True,
            since=NOW,
            recheck_at=None,
            words="It is 5; it is at least 5: yes.",
        )
        return Explained(met=True, recheck_at=None, as_of=NOW, conditions=[condition])


class Seen:
    """Two events, a property with two values, a trait, a segment."""

    def events(self):
        return ["api_call", "order placed"]

    def properties(self, event):
        return ["status"]

    def values(self, event, name):
        return [200, 400]

    def traits(self, kind):
        return ["plan"]

    def trait_values(self, kind, name):
        return ["free"]

    def segments(self, kind):
        return ["Power users"]


class Backtests:
    """A backtest that runs until it is cancelled."""

    def __init__(self):
        self.job = None

    async def start(self, file):
        self.file, self.job = file, BacktestJob(id="b1", status="running", done=1, total=2)
        return self.job

    def get(self, job_id):
        if self.job is None or job_id != self.job.id:
            raise NotFound("There is no such backtest.")
        return self.job

    async def cancel(self, job_id):
        self.get(job_id).status = "cancelled"
        return self.job


class Computed(ComputedTraits):
    """The real ones, who do not look into the trees of the rules above."""

    def check_rule(self, conn, rule_id, name, kind, rule):
        pass


@dataclass
class Events:
    """History as a list, newest first."""

    stored: list[Any] = field(default_factory=list)

    def newest(self, *, limit, before_offset, name, user_id, search):
        found = [s for s in self.stored if name is None or s.event.name == name]
        return [s for s in found if before_offset is None or s.offset < before_offset][:limit]

    def timeline(self, kind, subject_id, *, limit, before_offset):
        own = "user_id" if kind == "user" else "company_id"
        return [s for s in self.stored if getattr(s.event, own) == subject_id][:limit]

    def count(self, kind, subject_id):
        return len(self.timeline(kind, subject_id, limit=1_000, before_offset=None))


class Renderer:
    """Puts the user's name where the name belongs."""

    async def render(self, request):
        if "{%" in request.content.body:
            return RenderError(message="Unknown tag.", where="body", line=3)
        html = request.content.body.replace("{{ user.name }}", str(request.context["user"].get("name", "")))
        return Rendered(
            subject=request.content.subject, preview_text="", html=html, text=html, warnings=[], size_bytes=len(html),
            took_ms=1.0,
        )  # fmt: skip


@dataclass
class Demo:
    """Demo traffic that only remembers whether it runs."""

    available: bool = True
    started_at: int | None = None

    async def state(self):
        return DemoState(available=self.available, started_at=self.started_at)

    async def start(self):
        self.started_at = NOW
        return await self.state()

    async def stop(self):
        self.started_at = None
        return await self.state()


class Listener:
    """Nobody is woken, everybody looks."""

    async def wait(self, timeout):  # noqa: ASYNC109 - the signature of the real one
        return True

    def close(self):
        pass


@dataclass
class Wake:
    """Remembers who was woken."""

    topics: list[str] = field(default_factory=list)

    def notify(self, topic):
        self.topics.append(topic)

    def listen(self, topic):
        return Listener()

    def close(self):
        pass


@dataclass
class TestMail:
    """Remembers test mails."""

    __test__ = False
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, rendered, recipient):
        if "@" not in recipient:
            raise InvalidInput(f"{recipient} is no address.")
        self.sent.append((recipient, rendered.subject))
        return SendResult(outcome="sent", detail="ok")


@pytest.fixture
def context(sqlite_store: Store, clock) -> WebContext:
    """What the web is given."""
    return WebContext(
        store=sqlite_store,
        clock=clock,
        settings=WebSettings(public_url=ORIGIN),
        workspace=lambda: Workspace(
            name="Acme & Sons", time_zone="UTC", sender="Acme <hi@acme.test>", public_url=ORIGIN, secret=SECRET
        ),
        channel=ChannelInfo(),
        events=Events(),
        rules=Rules(),
        seen=Seen(),
        backtests=Backtests(),
        computed=Computed(sqlite_store, HistoryReader(sqlite_store), clock),
        renderer=Renderer(),
        test_send=TestMail(),
        demo=Demo(),
        wake=Wake(),
        registry=CollectorRegistry(),
    )


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A built page."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "assets" / "app-1a2b3c.js").write_text("let x = 1;" * 500)
    (folder / "favicon.svg").write_text("<svg/>")
    return folder


async def ingest(scope, receive, send):
    """Ingest answers everything."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ingest " + scope["path"].encode()})


@pytest.fixture
def app(context: WebContext, static: Path) -> Any:
    """The whole application."""
    return create_app(context, ingest, static)


@pytest.fixture
async def anyone(app) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=ORIGIN) as c:
        yield c


@pytest.fixture
def key(context: WebContext):
    """Makes a key of a kind."""

    def make(kind: str) -> str:
        secret = new_secret(kind)
        with context.store.state.write() as conn:
            add_token(conn, kind, secret, name=f"{kind} of the test", now=context.clock())
        return secret

    return make


@pytest.fixture
async def admin(app, key) -> AsyncIterator[httpx.AsyncClient]:
    """A client with an admin token."""
    headers = {"authorization": f"Bearer {key('admin')}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        yield client


@pytest.fixture
async def owner(app, context) -> AsyncIterator[httpx.AsyncClient]:
    """The owner's browser, signed in by the first link."""
    with context.store.state.write() as conn:
        link = bootstrap(conn, context.clock, admin_token="", write_key="").link
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN}) as client:
        answer = await client.get("/signin", params={"token": link})
        assert answer.status_code == 303
        yield client


@pytest.fixture
def person(context: WebContext):
    """Puts a profile into the store."""

    def make(subject_id: str, kind: str = "user", *, company_id: str | None = None, seen: int = NOW, **traits):
        search = " ".join([subject_id, str(traits.get("name", "")), str(traits.get("email", ""))]).lower()
        row = {
            "kind": kind, "id": subject_id, "traits": traits, "search": search, "company_id": company_id,
            "first_seen": seen, "last_seen": seen,
        }  # fmt: skip
        with context.store.state.write() as conn:
            conn.execute(profiles.insert().values(row))

    return make


def json(answer: httpx.Response) -> Any:
    """The body of an answer."""
    return msgspec.json.decode(answer.content)
