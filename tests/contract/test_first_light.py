"""The whole way, with other people's software at both ends: a Segment client in front, an SMTP server behind."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from segment.analytics.client import Client

from antiphon.store import log
from antiphon.store.engine import StoreSettings, open_store
from antiphon.store.history import HistoryReader
from faults.api import FIVE_ERRORS, Api, make_rules, make_template, make_workflow
from faults.harness import Product
from faults.processes import wait_until

NODE = Path(__file__).parent / "node"
SETTLE_S = 30.0


class Mailbox:
    """What an aiosmtpd server was given."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append((envelope.rcpt_tos, envelope.content))
        return "250 taken"


@pytest.fixture
def mailbox(free_port: Callable[[], int]) -> Iterator[tuple[Mailbox, int]]:
    found = Mailbox()
    controller = Controller(found, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield found, controller.port
    finally:
        controller.stop()


@pytest.fixture
def product(
    mailbox: tuple[Mailbox, int], dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Product]:
    settings = {"provider": "smtp", "smtp_host": "127.0.0.1", "smtp_port": str(mailbox[1]), "min_free_ratio": "0"}
    if dialect == "postgres":
        settings["database_url"] = request.getfixturevalue("empty_postgres")
    settings["sender"] = "Acme <hello@acme.example>"
    with Product(tmp_path / "data", settings) as found:
        api = Api(found)
        [rule] = make_rules(api, [("Five errors", FIVE_ERRORS)])
        make_workflow(
            api, "Coach", {"kind": "enters", "rule_id": rule}, make_template(api, "Coach", "Hi {{ user.name }}")
        )
        yield found


def _with_python(product: Product) -> int:
    failures: list[Exception] = []
    client = Client(
        product.write_key,
        host=f"http://127.0.0.1:{product.port}",
        on_error=lambda error, _items: failures.append(error),
        upload_interval=0.05,
        max_retries=0,
    )
    client.identify("ann", {"name": "Ann", "email": "ann@example.com"})
    client.identify("bob", {"name": "Bob", "email": "bob@example.com"})
    for user, errors in (("ann", 5), ("bob", 4)):
        for _ in range(errors):
            client.track(user, "api_call", {"method": "POST", "path": "/v1/charges/42", "status": 400})
    client.flush()
    client.join()
    assert failures == []
    return 2 + 5 + 4


def _with_node(product: Product) -> int:
    subprocess.run(["npm", "ci", "--silent", "--no-audit"], cwd=NODE, check=True, stdin=subprocess.DEVNULL)
    done = subprocess.run(
        ["node", "first_light.mjs", f"http://127.0.0.1:{product.port}", product.write_key],
        cwd=NODE,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["errors"] == []
    return int(told["sent"])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("client", [_with_python, pytest.param(_with_node, marks=pytest.mark.node)])
def test_the_fifth_400_mails_through_a_real_smtp_server(
    client: Callable[[Product], int], product: Product, mailbox: tuple[Mailbox, int], dialect: str, request: Any
) -> None:
    """Five errors mail once, four do not; every event the client sent is in history once, with nothing sent twice."""
    sent = client(product)
    box, _ = mailbox
    wait_until(lambda: box.mails, SETTLE_S, "the mail")
    url = request.getfixturevalue("empty_postgres") if dialect == "postgres" else ""
    store = open_store(StoreSettings(data=product.data, database_url=url))
    reader = HistoryReader(store)

    def own() -> list[str]:
        return [row.event.id for row in reader.newest(limit=1000) if row.event.source != "antiphon"]

    wait_until(lambda: len(own()) >= sent, SETTLE_S, "history to hold every event")
    counted = Counter(own())
    assert len(counted) == sent
    assert set(counted.values()) == {1}
    with store.log.read() as conn:
        in_log = sum(1 for s in log.read(conn, 0, 10_000) for e in s.events if e.source != "antiphon")
    store.close()
    assert in_log == sent, "the client sent something again"
    [(recipients, raw)] = box.mails
    mail = message_from_bytes(raw, policy=policy.default)
    assert (recipients, mail["Subject"]) == (["ann@example.com"], "Hi Ann")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
