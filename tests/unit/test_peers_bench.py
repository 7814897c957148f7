"""The comparison with peers can find fault: its oracle and its verdict, with what went wrong planted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark's modules, which are programs and not a package."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "bench"), *sys.path])
    import _peers_play  # noqa: PLC0415
    import _peers_trace  # noqa: PLC0415

    return _peers_trace, _peers_play


def _answered(bench: Any) -> tuple[Any, dict[str, list[float]], list[Any]]:
    """A trace, when each error was made, and messages as they should be: a tenth of a second after the error."""
    traces, plays = bench
    trace = traces.make(100, 10, 1, 5, 0)
    errors_at: dict[str, list[float]] = {}
    for call in trace.calls:
        if call.status == 400:
            errors_at.setdefault(call.user, []).append(call.at)
    notices = [plays.Notice(user, errors_at[user][index] + 0.1) for user, index in traces.due(trace).items()]
    return trace, errors_at, notices


def test_the_oracle_tells_groups_apart(bench: Any) -> None:
    """All of the groups that are to be told are, at their fifth error within a day, and nobody of the others."""
    trace, _, notices = _answered(bench)
    told = {trace.groups[notice.user] for notice in notices}
    assert told == {"new_burst", "new_spread", "history", "edge_in", "reset"}
    assert len(notices) == sum(group in told for group in trace.groups.values())
    due = bench[0].due(trace)
    assert {index for user, index in due.items() if trace.groups[user] == "edge_in"} == {3}  # one lies in the past
    assert {index for user, index in due.items() if trace.groups[user] != "edge_in"} == {4}


def test_what_is_right_is_found_right(bench: Any) -> None:
    """Messages for exactly those who are due, a tenth of a second later."""
    found = bench[1].verdict(*_answered(bench))
    assert [found[key] for key in ("missed", "false", "duplicates", "in_step", "early")] == [0, 0, 0, 0, 0]
    assert found["p50_ms"] == found["p99_ms"] == 100


@pytest.mark.parametrize(
    ("user", "key"),
    [("four-burst-0", "false"), ("edge-out-0", "false"), ("in-step-0", "in_step"), ("somebody else", "false")],
)
def test_an_undue_message_is_found(bench: Any, user: str, key: str) -> None:
    """Controls, people beyond the window's edge, and names that nobody has."""
    trace, errors_at, notices = _answered(bench)
    found = bench[1].verdict(trace, errors_at, [*notices, bench[1].Notice(user, 99)])
    assert {k: found[k] for k in ("missed", "false", "duplicates", "in_step")} == {
        "missed": 0, "false": 0, "duplicates": 0, "in_step": 0, key: 1,
    }  # fmt: skip


def test_missed_doubled_and_early_messages_are_found(bench: Any) -> None:
    """One left out, one said twice, one said before the fifth error."""
    trace, errors_at, notices = _answered(bench)
    early = notices[1]._replace(at=notices[1].at - 0.2)
    found = bench[1].verdict(trace, errors_at, [early, *notices[2:], notices[2]])
    assert [found[key] for key in ("missed", "false", "duplicates", "early")] == [1, 1, 1, 1]
