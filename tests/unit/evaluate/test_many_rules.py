"""A change of one rule among many: what did not change is not compiled again, and nothing else behaves otherwise."""

from __future__ import annotations

from antiphon.evaluate.running import Before, Running
from antiphon.rules.kernel import plans
from antiphon.rules.text import parse
from antiphon.store.program import RuleRow
from factories import api_calls
from pipeline import Pipeline

NOW = 1_790_000_000_000


def _row(rule_id, text, version=1, tree=None):
    return RuleRow(rule_id, f"r{rule_id}", "user", "active", version, version, tree or parse(text, "user"))


def _running(rows, before):
    running = Running(rows, [], NOW, (), before)
    keys = running.program.metric_keys
    running.lower({kind: {key: n for n, key in enumerate(sorted(some), 1)} for kind, some in keys.items()}, ())
    return running


def test_only_what_changed_is_compiled():
    """The same tree keeps its piece, another tree under the same id and version gets another."""
    before = Before("UTC")
    rows = [_row(n, f"count of e{n} in the last 1 hour >= 5") for n in range(1, 6)]
    old = _running(rows, before)
    rows[2] = _row(3, "count of e3 ever >= 5")
    new = _running(rows, before)
    same = [n for n in new.program.pieces if new.program.pieces[n] is old.program.pieces[n]]
    assert same == [1, 2, 4, 5]
    assert old.kernel.readings is new.kernel.readings


def test_tables_put_together_from_kept_parts_are_those_of_a_new_start():
    """Groups within groups, readings of traits and calendar windows stand where they would without a past."""
    texts = [
        'all of (plan = "free"; any of (count of a ever >= 1; count of b this month >= 2))',
        "count of a this month >= 80% of limit",
        "at least 2 of (seats >= 5; count of c in the last 1 day = 0; count of a ever >= 3)",
    ]
    before = Before("Europe/Paris")
    rows = [_row(n, text) for n, text in enumerate(texts, 1)]
    _running([rows[1]], before)
    _running([rows[1], rows[2]], before)
    kept, fresh = _running(rows, before), _running(rows, Before("Europe/Paris"))
    ours, theirs = kept.kernel.tables.rules, fresh.kernel.tables.rules
    assert ours.start.tolist() == theirs.start.tolist()
    columns = [n for n in range(ours.nodes.shape[1]) if n not in (7, 10)]  # but for the rows of frames and readings
    assert ours.nodes[:, columns].tolist() == theirs.nodes[:, columns].tolist()
    assert len(kept.kernel.readings) == len(fresh.kernel.readings)


def test_state_survives_the_changes_of_other_rules(store, clock):
    """A count goes on while other rules come, change and go, and each of these starts from the whole past."""
    pipeline = Pipeline(store, clock)
    kept = pipeline.rule("count of api_call in the last 1 day >= 5", "kept")
    pipeline.hear(*api_calls(2, 400, user_id="u1"))
    other = pipeline.rule("count of api_call where status = 400 ever >= 2", "other")
    pipeline.settle()
    assert pipeline.members(other) == {"u1"}
    pipeline.change_rule(other, text="count of api_call where status = 400 ever >= 4")
    pipeline.hear(*api_calls(1, 400, user_id="u1"))
    assert pipeline.members(other) == set()
    pipeline.change_rule(other, status="archived", filled_version=0)
    pipeline.hear(*api_calls(1, 400, user_id="u1"))
    pipeline.change_rule(other, status="active")
    pipeline.settle()
    assert (pipeline.members(kept), pipeline.members(other)) == (set(), {"u1"})
    pipeline.hear(*api_calls(1, 200, user_id="u1"))
    assert pipeline.members(kept) == {"u1"}


def test_plans_are_met_anew_when_there_are_too_many(store, clock, monkeypatch):
    """Between two ticks the kernel forgets them all, and events mean what they meant."""
    monkeypatch.setattr(plans, "MOST", 3)
    pipeline = Pipeline(store, clock)
    rules = [pipeline.rule(f"count of api_call where status = {400 + n} ever >= 2", f"r{n}") for n in range(6)]
    for _ in range(2):
        for n in range(6):
            pipeline.hear(*api_calls(1, 400 + n, user_id=f"u{n}"))
    assert [pipeline.members(rule) for rule in rules] == [{f"u{n}"} for n in range(6)]
