"""`antiphon demo` against a server: the real example programs, real HTTP, and an orderly end."""

import os
import threading

import pytest
from click.testing import CliRunner

from antiphon.cli.demo import demo, run_demo
from antiphon.errors import AntiphonError, ConfigError, Unauthorized, Unavailable


def test_a_run(server, api):
    """Sign-ups and calls arrive with the run's own key; the first mail is told; nothing stays behind."""
    said = []
    stop = threading.Event()

    def watch():
        with server.lock:
            server.lock.wait_for(lambda: sum(e.get("event") == "api_call" for e in server.events) >= 3, 60)
        api.mails.append({"id": 5, "subject": "You are live", "recipient": "ada@cedar.example.com"})

    def say(line):
        said.append(line)
        if "first mail" in line:
            stop.set()

    watching = threading.Thread(target=watch)
    watching.start()
    run_demo(server.url, "aat_test", customers=20, say=say, stop=stop)
    watching.join()
    assert {event["type"] for event in server.events} == {"identify", "group", "track"}
    identify = next(event for event in server.events if event["type"] == "identify")
    assert {"name", "email", "plan", "role", "team_size", "signed_up"} <= set(identify["traits"])
    call = next(event for event in server.events if event["type"] == "track")
    assert call["event"] == "api_call"
    assert call["context"]["groupId"].startswith("org_")
    assert call["properties"]["route"].startswith("/v1/")
    assert any("'You are live' to ada@cedar.example.com" in line for line in said)
    assert api.things["keys"] == []


def test_it_ends_by_itself(server, api):
    """With a limit of time the run ends without Ctrl-C."""
    run_demo(server.url, "aat_test", seconds=0.1, customers=0, say=lambda _: None)
    assert api.things["keys"] == []


def test_real_mail_is_refused(server, api):
    """Simulated customers must not cause real mail, unless somebody insists."""
    api.sandbox = False
    with pytest.raises(ConfigError, match="real mail"):
        run_demo(server.url, "aat_test", say=lambda _: None)
    assert api.calls == []


def test_a_wrong_token_and_no_server(server):
    """Both say what to do."""
    with pytest.raises(Unauthorized, match="Give an admin token"):
        run_demo(server.url, "aat_wrong", say=lambda _: None)
    with pytest.raises(Unavailable, match="antiphon serve"):
        run_demo("http://127.0.0.1:9", "aat_test", say=lambda _: None)
    with pytest.raises(ConfigError, match="URL"):
        run_demo("localhost:8000", "aat_test", say=lambda _: None)


def test_a_program_that_dies_is_an_error(server, api, monkeypatch, tmp_path):
    """When the example API does not start, the run says so and leaves no key."""
    (tmp_path / "demo_api").mkdir()
    (tmp_path / "demo_api" / "__main__.py").write_text("raise SystemExit(3)")
    real = __import__("antiphon.cli.demo_content", fromlist=["shipped"]).shipped
    monkeypatch.setattr(
        "antiphon.cli.demo_content.shipped", lambda name: tmp_path if name == "examples" else real(name)
    )
    with pytest.raises(AntiphonError, match="did not start"):
        run_demo(server.url, "aat_test", say=lambda _: None)
    assert api.things["keys"] == []


def test_the_command_needs_a_token(tmp_path, monkeypatch):
    """Without a token and without the server's data folder, the message says what to give."""
    monkeypatch.delenv("ANTIPHON_ADMIN_TOKEN", raising=False)
    result = CliRunner().invoke(demo, ["--data", str(tmp_path)])
    assert isinstance(result.exception, ConfigError)
    assert "--data FOLDER" in result.exception.message
    assert os.fspath(tmp_path) in result.exception.message


def test_the_command_finds_the_local_token(server, tmp_path, monkeypatch):
    """The token that `serve` leaves in its data folder is enough."""
    monkeypatch.delenv("ANTIPHON_ADMIN_TOKEN", raising=False)
    (tmp_path / "local-admin-token").write_text("aat_test\n")
    arguments = ["--url", server.url, "--data", str(tmp_path), "--for", "0.1", "--customers", "0"]
    result = CliRunner().invoke(demo, arguments)
    assert result.exit_code == 0, result.output
    assert "Stuck on 400s: A sentence." in result.output
