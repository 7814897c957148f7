"""What the page asks of rules: text, tree and sentence of one rule, who matches, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import duckdb
import msgspec

from antiphon.errors import InvalidInput, NotFound
from antiphon.evaluate.computed import specs
from antiphon.evaluate.explain import Explanation, explain
from antiphon.evaluate.flips import Move, last_flips
from antiphon.model.clock import Clock
from antiphon.model.event import Event
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules import aggregates, tree
from antiphon.rules.engines import duckdb_sql
from antiphon.rules.explain import ConditionReport
from antiphon.rules.history import LeafColumns, Members, members
from antiphon.rules.history_rows import event_rows, history_tables, rows_by_name
from antiphon.rules.live import RuleSpec, compile_program
from antiphon.rules.render import render
from antiphon.rules.sentence import clause, measured, sentence, shown, trait, wanted
from antiphon.rules.text import parse, parse_selector
from antiphon.rules.tree import segments as tree_segments
from antiphon.rules.validate import validate
from antiphon.runtime.events import Events
from antiphon.store import program as store
from antiphon.store.computed_traits import list_computed_traits
from antiphon.store.engine import Connection, Store
from antiphon.store.history import HistoryReader
from antiphon.store.moves import moves_of
from antiphon.store.program import RuleRow
from antiphon.store.rules import Rule, find_rule
from antiphon.store.settings import read_workspace
from antiphon.web.context import Explained, ExplainedCondition, Preview, PreviewCondition, PreviewSubject, RuleFaces

SAMPLE = 8
MOST_FACES = 20_000
"""Trees whose text and sentence are remembered, so that a list of rules does not make them anew."""

MOST_PAST = 20_000
"""Events of a subject that are replayed to tell since when a condition holds; with more it is not told."""


class RuleEngine:
    """See `web.context.RuleEngine`."""

    def __init__(self, store_: Store, reader: HistoryReader, events: Events, clock: Clock) -> None:
        """Read from these; nothing is written."""
        self._store = store_
        self._reader = reader
        self._events = events
        self._clock = clock
        self._known: dict[tuple[SubjectKind, bytes], RuleFaces] = {}

    def parse(self, text: str, kind: SubjectKind) -> RuleFaces:
        """Text to tree; RuleSyntaxError."""
        return self._faces(parse(text, kind), kind)

    def from_tree(self, tree: dict[str, Any], kind: SubjectKind) -> RuleFaces:
        """Tree to text; InvalidInput."""
        key = (kind, msgspec.json.encode(tree))
        known = self._known.get(key)
        if known is None:
            decoded = _decode(tree)
            validate(decoded, kind)
            if len(self._known) >= MOST_FACES:
                self._known.clear()
            known = self._known[key] = self._faces(decoded, kind)
        return known

    def selector_error(self, text: str) -> str | None:
        """What is wrong with an event selector's text; None when it parses."""
        try:
            parse_selector(text)
        except InvalidInput as error:
            return error.message
        return None

    def preview(self, tree: dict[str, Any], kind: SubjectKind) -> Preview:
        """Who matches now, over history and what the log holds beyond it."""
        rule = _decode(tree)
        now = self._clock()
        with self._store.state.read() as conn:
            zone = read_workspace(conn).time_zone
            segments = segment_trees(conn, tree_segments(rule))
        bare, rows = history_tables(), rows_by_name(kind)
        found = members(
            rule, kind, bare.events, bare.profiles, bare.identities,
            now=now, time_zone=zone, segments=segments, by_subject=rows,
        )  # fmt: skip
        with self._reader.connect(people=True) as db:
            db.execute(f"CREATE TEMP VIEW {rows.get_name()} AS {_rows_query(kind)}")
            counted = _row(db, _counts(found))
        people = counted["sample"] or []
        return Preview(
            total=counted["total"],
            of=counted["subjects"],
            conditions=[
                PreviewCondition(path=leaf.path, text=render(leaf.node), count=counted[leaf.truth])
                for leaf in found.leaves
            ],
            sample=[
                PreviewSubject(id=person["subject_id"], reasons=[_reason(leaf, person) for leaf in found.leaves])
                for person in people
            ],
            as_of=now,
        )

    def explain(self, rule: Rule, subject_id: str) -> Explained:
        """Each condition for one subject, as it stands now; NotFound when there is no such subject."""
        now = self._clock()
        key = SubjectKey(rule.subject_kind, subject_id)
        kept = rule.status == "active" and rule.filled_version == rule.version
        with self._store.state.read() as conn:
            zone = read_workspace(conn).time_zone
            row = RuleRow(
                rule.id, rule.name, rule.subject_kind, rule.status, rule.version, rule.filled_version, rule.tree
            )
            rules = store.active_rules(conn, decode=str)  # their names are asked for, not their trees

            def since(offset: int) -> Iterator[tuple[int, Event]]:
                return self._events.since(rule.subject_kind, subject_id, offset)

            found = explain(conn, row, rules, key, zone, since, now, kept=kept)
        if found is None:
            raise NotFound(f"There is no {rule.subject_kind} {subject_id!r}.")
        whole = found.conditions[0]
        flips = self._since(rule, key, found, zone, now)
        return Explained(
            met=whole.truth,
            recheck_at=whole.recheck_at,
            as_of=now,
            conditions=[
                _condition(report, node, flips.get(report.path))
                for report, (_, node) in zip(found.conditions, tree.walk(_decode(rule.tree)), strict=True)
            ],
        )

    def _since(self, rule: Rule, key: SubjectKey, found: Explanation, zone: str, now: int) -> dict[str, int]:
        """By path, since when each condition has had its truth; left out where that cannot be known.

        It cannot when the subject's past is too long, when it, replayed, does not come to the truth of now, or when the
        rule reads computed traits, which the replay has not.
        """
        past = self._events.past_of(rule.subject_kind, key.id, most=MOST_PAST)
        flips = None
        if past is not None:
            node = _decode(rule.tree)
            spec = RuleSpec(id=rule.id, version=rule.version, subject_kind=rule.subject_kind, tree=node, name=rule.name)
            with self._store.state.read() as conn:
                traits = specs(list_computed_traits(conn))
                moves = moves_of(conn, rule.subject_kind, key.id, list(tree.segments(node)))
            program = compile_program([spec], [], time_zone=zone, computed=traits)
            if not program.reads_computed(rule.id):
                flips = last_flips(
                    program, rule.id, key, past, [Move(move.at, move.rule, move.inside) for move in moves], now
                )
        truths = {report.path: report.truth for report in found.conditions}
        since = {path: known.since for path, known in (flips or {}).items() if known.truth is truths.get(path)}
        if found.stored is not None and found.stored.episode and found.stored.member is truths[""]:
            since[""] = found.stored.since  # of the whole rule it is stored
        return since

    @staticmethod
    def _faces(rule: tree.Tree, kind: SubjectKind) -> RuleFaces:
        return RuleFaces(text=render(rule), tree=tree.encode(rule), sentence=sentence(rule, kind))


def segment_trees(conn: Connection, names: Iterable[str]) -> dict[str, tree.Tree]:
    """The rules in force of these names, and those that they refer to, by name."""
    found: dict[str, tree.Tree] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        row = None if name in found else find_rule(conn, name)
        if row is not None and row.status == "active":
            found[name] = _decode(row.tree)
            todo += tree.segments(found[name])
    return found


@lru_cache(maxsize=2)
def _rows_query(kind: SubjectKind) -> str:
    """The query of the view of events by subject, which is the same for all rules."""
    return duckdb_sql(event_rows(history_tables(), kind))


def _counts(found: Members) -> str:
    """The query of one row: how many subjects there are, match, and meet each condition; and the first few who match."""
    judged, matched = duckdb_sql(found.rows), "FILTER (WHERE matched)"
    counts = ["count(*) AS subjects", f"count(*) {matched} AS total"]
    counts += [f"count(*) FILTER (WHERE {leaf.truth}) AS {leaf.truth}" for leaf in found.leaves]
    first = f"arg_min(judged, subject_id, {SAMPLE}) {matched} AS sample"
    return f"SELECT {', '.join(counts)}, {first} FROM ({judged}) AS judged"  # noqa: S608 - our own names


def _row(db: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    found = db.execute(query)
    names = [column[0] for column in found.description or ()]
    return dict(zip(names, found.fetchone() or (), strict=True))


def _decode(value: dict[str, Any]) -> tree.Tree:
    return tree.decode(value)


def _reason(leaf: LeafColumns, row: dict[str, Any]) -> str:
    value = row[leaf.value]
    if isinstance(leaf.node, tree.TraitCondition) and isinstance(value, str):
        value = json.loads(value)
    return f"{_subject_of(leaf.node)} is {_shown(leaf.node, value)}"


def _condition(report: ConditionReport, node: tree.Condition, since: int | None) -> ExplainedCondition:
    return ExplainedCondition(
        path=report.path,
        depth=0 if not report.path else report.path.count(".") + 1,
        text=report.text,
        value=None if isinstance(node, tree.GROUPS) else _shown(node, report.value),
        needed=None if isinstance(node, tree.GROUPS) else wanted(node, report.rhs),
        met=report.truth,
        since=since,
        recheck_at=report.recheck_at,
        words=report.words,
    )


def _subject_of(node: tree.Condition) -> str:
    """What a condition looks at, in words."""
    match node:
        case tree.Measure():
            return measured(node)
        case tree.TraitCondition():
            return trait(node)
        case _:
            return clause(node)


def _shown(node: tree.Condition, value: Any) -> str:
    gives = aggregates.by_key()[node.aggregate.kind].gives if isinstance(node, tree.Measure) else "number"
    return shown(value, gives)
