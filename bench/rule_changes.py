"""What a change of one rule costs when there are many: `python bench/rule_changes.py [--rules 10,100,1000,10000] [--changes 20]`.

In one process without HTTP. `web` is what the API does to make a rule that is switched on: parse it, refuse rings, save it. `worker` is
what evaluation does until the rule is filled, with `--users` people to judge by it. `edit` and `off` are the worker's part of a changed
meaning and of switching a rule off, `start` its first tick. CPU time in ms, medians over the changes.
"""

from __future__ import annotations

import argparse
import gc
import logging
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stage import Evaluator
from antiphon.rules.render import render
from antiphon.rules.text import parse
from antiphon.rules.tree import encode
from antiphon.runtime.computed_traits import ComputedTraits
from antiphon.store.engine import Store, StoreSettings, open_store
from antiphon.store.history import HistoryReader
from antiphon.store.migrate import upgrade
from antiphon.store.rules import Rule, create_rule, save_rule, set_rule_status
from evaluate_inprocess import NOW, prepare


class Changes:
    """A store with many rules, and what is done to them."""

    def __init__(self, store: Store, evaluator: Evaluator, computed: ComputedTraits) -> None:
        self._store, self._evaluator, self._computed = store, evaluator, computed
        self._now = NOW

    def make(self, number: int) -> Rule:
        """What the API does."""
        rule = parse(f'count of api_call where route = "/v3/new{number}" in the last 24 hours >= 5', "user")
        text, tree = render(rule), encode(rule)
        self._now += 1
        with self._store.state.write() as conn:
            self._computed.check_rule(conn, None, f"New {number}", "user", tree)
            return create_rule(
                conn, name=f"New {number}", description="", subject_kind="user", text=text, tree=tree,
                status="active", now=self._now,
            )  # fmt: skip

    def edit(self, rule: Rule) -> Rule:
        """Change its meaning."""
        changed = parse(rule.text.replace(">= 5", ">= 6"), "user")
        self._now += 1
        with self._store.state.write() as conn:
            return save_rule(
                conn, rule.id, revision=rule.revision, name=rule.name, description="", text=render(changed),
                tree=encode(changed), now=self._now,
            )  # fmt: skip

    def off(self, rule: Rule) -> None:
        """Switch it off."""
        self._now += 1
        with self._store.state.write() as conn:
            set_rule_status(conn, rule.id, revision=rule.revision, status="archived", now=self._now)

    def settle(self) -> None:
        """Let evaluation take it up."""
        self._evaluator.tick()
        while self._evaluator.tick().more:
            pass


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU time of a piece of work."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1_000


def measure(rules: int, users: int, changes: int) -> str:
    """One row."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data=Path(folder)))
        upgrade(store)
        prepare(store, rules, users, 0)
        reader, clock = HistoryReader(store), lambda: NOW + users // 100
        evaluator = Evaluator(store, clock, EvaluateSettings(), lambda _: None, lambda _: "UTC", reader, lambda _: None)
        todo = Changes(store, evaluator, ComputedTraits(store, reader, clock))
        start = cpu_ms(evaluator.tick)
        todo.settle()
        web, worker, edit, off = ([] for _ in range(4))
        for number in range(changes):
            made: list[Rule] = []
            web.append(cpu_ms(lambda n=number, m=made: m.append(todo.make(n))))
            worker.append(cpu_ms(todo.settle))
            edited = todo.edit(made[0])
            edit.append(cpu_ms(todo.settle))
            todo.off(edited)
            off.append(cpu_ms(todo.settle))
        store.close()
    middle = " ".join(f"{statistics.median(column):9.1f}" for column in (web, worker, edit, off))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{rules:6} {start:9.1f} {middle} {memory:8}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="10,100,1000,10000")
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=20)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    gc.disable()  # as in the worker
    print(" rules     start       web    worker      edit       off  peak MB")
    for rules in map(int, arguments.rules.split(",")):
        print(measure(rules, arguments.users, arguments.changes), flush=True)


if __name__ == "__main__":
    main()
