"""The stages behind the log, driven tick by tick under a clock of the test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import insert, select, update

from antiphon.act.settings import ActSettings
from antiphon.act.stage import Actor
from antiphon.evaluate.fill import everybody
from antiphon.evaluate.record import KINDS
from antiphon.evaluate.settings import EvaluateSettings
from antiphon.evaluate.stage import Evaluator
from antiphon.model.event import Event
from antiphon.model.signal import Signal
from antiphon.model.subject import SubjectKind
from antiphon.rules.formula import encode as encode_formula
from antiphon.rules.formula_text import parse_formula
from antiphon.rules.state import state_hash
from antiphon.rules.text import parse
from antiphon.rules.tree import encode
from antiphon.store import computed_traits, log, signals, tables
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader
from antiphon.store.program import RULES_CHANGED
from antiphon.store.signals import count_up
from factories import ManualClock


class Pipeline:
    """A store with an evaluator and an actor on it."""

    def __init__(self, store: Store, clock: ManualClock, settings: EvaluateSettings | None = None) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings or EvaluateSettings()
        self.restart()

    def restart(self) -> None:
        """New objects on the same store, as after a crash: nothing is carried over in memory."""
        woken: list[str] = []
        past = HistoryReader(self.store)
        self.evaluator = Evaluator(self.store, self.clock, self.settings, woken.append, lambda _: "UTC", past, no_guard)
        self.actor = Actor(self.store.state, self.clock, ActSettings(), woken.append, no_guard)
        self.woken = woken

    def rule(self, text: str, name: str = "", kind: str = "user", status: str = "active") -> int:
        """Save a rule and switch it on."""
        now = self.clock()
        row = {
            "name": name or text, "subject_kind": kind, "status": status, "version": 1, "revision": 1, "text": text,
            "tree": encode(parse(text, kind)), "filled_version": 0, "created_at": now, "updated_at": now,
        }  # fmt: skip
        with self.store.state.write() as conn:
            count_up(conn, {RULES_CHANGED: 1})
            return conn.execute(insert(tables.rules).values(row).returning(tables.rules.c.id)).scalar_one()

    def change_rule(self, rule_id: int, **changes: Any) -> None:
        """Save changes of a rule as the page does; a new `text` is a new version."""
        r = tables.rules.c
        if "text" in changes:
            changes["tree"] = encode(parse(changes["text"]))
            changes["version"] = r.version + 1
        with self.store.state.write() as conn:
            count_up(conn, {RULES_CHANGED: 1})
            conn.execute(update(tables.rules).where(r.id == rule_id).values(revision=r.revision + 1, **changes))

    def computed(self, name: str, text: str, kind: SubjectKind = "user") -> int:
        """Save a computed trait."""
        formula = encode_formula(parse_formula(text, kind))
        with self.store.state.write() as conn:
            made = computed_traits.create_computed_trait(
                conn, subject_kind=kind, name=name, description="", text=text, formula=formula, now=self.clock()
            )
        return made.id

    def change_computed(self, trait_id: int, text: str) -> None:
        """Save another formula of a computed trait, as the page does."""
        with self.store.state.write() as conn:
            stored = computed_traits.get_computed_trait(conn, trait_id)
            computed_traits.save_computed_trait(
                conn,
                trait_id,
                revision=stored.revision,
                description="",
                text=text,
                formula=encode_formula(parse_formula(text, stored.subject_kind)),
                now=self.clock(),
            )

    def traits(self, subject_id: str, kind: SubjectKind = "user") -> dict[str, Any]:
        """What a profile shows."""
        p = tables.profiles.c
        with self.store.state.read() as conn:
            return conn.execute(select(p.traits).where(p.kind == kind, p.id == subject_id)).scalar_one()

    def workflow(self, definition: dict[str, Any], workflow_id: int = 1, version: int = 1) -> None:
        """Publish a version of a workflow."""
        now = self.clock()
        row = {
            "id": workflow_id, "name": f"workflow {workflow_id}", "status": "active", "published_version": version,
            "revision": version, "created_at": now, "updated_at": now,
        }  # fmt: skip
        with self.store.state.write() as conn:
            if version == 1:
                conn.execute(insert(tables.workflows).values(row))
            else:
                w = tables.workflows
                conn.execute(update(w).where(w.c.id == workflow_id).values(published_version=version, revision=version))
            values = {"workflow_id": workflow_id, "version": version, "definition": definition, "created_at": now}
            conn.execute(insert(tables.workflow_versions).values(values))

    def hear(self, *events: Event) -> None:
        """Append events to the log and run until nothing is left to do."""
        with self.store.log.write() as conn:
            log.append_events(conn, events, self.clock())
        self.settle()

    def settle(self) -> None:
        """Tick both stages until nothing waits."""
        for _ in range(100):
            evaluated, acted = self.evaluator.tick(), self.actor.tick()
            if not (evaluated.more or acted.more or evaluated.events or evaluated.transitions or acted.worked):
                return
        raise AssertionError("the stages do not come to rest")

    def until_filled(self) -> None:
        """Tick until every active rule is filled; history is read by a thread of its own."""
        self._until(
            lambda: all(
                row["filled_version"] == row["version"] for row in self.rows(tables.rules) if row["status"] == "active"
            )
        )

    def until_failed(self) -> dict[str, Any]:
        """Tick until a filling says that the past cannot be read; its row of fills."""
        self._until(lambda: any(row["error"] for row in self.rows(tables.fills)))
        return self.rows(tables.fills)[0]

    def _until(self, done: Callable[[], bool]) -> None:
        for _ in range(5_000):
            self.settle()
            if done():
                return
            time.sleep(0.002)
        raise AssertionError(f"it never comes to that: {self.rows(tables.fills)}")

    def advance(self, ms: int) -> None:
        """Let time pass, and the timers do their work."""
        self.clock.advance(ms)
        self.settle()

    def members(self, rule_id: int) -> set[str]:
        """Who is in a rule's segment."""
        m = tables.memberships.c
        with self.store.state.read() as conn:
            return set(conn.execute(select(m.subject_id).where(m.rule_id == rule_id, m.member)).scalars())

    def signals(self) -> list[Signal]:
        """Every signal so far."""
        with self.store.state.read() as conn:
            return signals.read_signals(conn, 0, 10_000)

    def stored_from(self) -> int:
        """The log offset from which on a start replays."""
        with self.store.state.read() as conn:
            return signals.cursor(conn, signals.STORED)

    def moves(self) -> list[tuple[str, str, int]]:
        """(entered or left, subject, episode) of every signal that is not quiet."""
        return [(s.kind, s.subject_id, s.episode) for s in self.signals() if not s.quiet and s.kind != "event"]

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """All rows of a table."""
        with self.store.state.read() as conn:
            return [dict(row) for row in conn.execute(select(table)).mappings()]

    def hashes(self) -> dict[tuple[str, str], Sequence[Any]]:
        """What is kept of everybody: the hash of their state, and how the rules judge them."""
        self.evaluator.tick()
        self.evaluator.flush()
        found: dict[tuple[str, str], Sequence[Any]] = {}
        residents = self.evaluator.residents
        with self.store.state.read() as conn:
            for key in [key for kind in KINDS for key in everybody(conn, residents, kind)]:
                slot = residents.find(conn, key)
                judged = residents.judgements(slot)
                states = [
                    residents.state(slot, "company" if key.kind == "company" else "user"),
                    residents.part_state(slot),
                ]
                parts = [state_hash(state) for state in states if state is not None]
                moves = {rule: (member, at) for rule, (member, _, at) in judged.items() if member or at}
                found[key.kind, key.id] = (parts, moves, residents.extra(slot).company)
        return found


def no_guard(_conn: Any) -> None:
    """A lease that is never lost."""


def send_workflow(rule_id: int, *, template_id: int = 1, **entry: Any) -> dict[str, Any]:
    """A workflow that sends an email to everybody who enters a rule's segment."""
    return {
        "schema": 1,
        "trigger": {"kind": "enters", "rule_id": rule_id},
        "entry": entry,
        "steps": [{"id": "mail", "kind": "send", "template_id": template_id}],
    }
