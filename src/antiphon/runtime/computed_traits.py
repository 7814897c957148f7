"""What the page asks of computed traits: text, JSON and sentence of a formula, its values now, and who reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import ibis

from antiphon.model.clock import Clock
from antiphon.model.subject import SubjectKind
from antiphon.rules import formula as f
from antiphon.rules import tree
from antiphon.rules.computed import check_cycles, segment_node, trait_node
from antiphon.rules.formula_check import validate_formula
from antiphon.rules.formula_history import computed_values
from antiphon.rules.formula_sentence import formula_sentence
from antiphon.rules.formula_text import parse_formula, render_formula
from antiphon.rules.history_rows import history_tables
from antiphon.runtime.rule_engine import segment_trees
from antiphon.store import program
from antiphon.store.computed_traits import list_computed_traits
from antiphon.store.engine import Connection, Store
from antiphon.store.history import HistoryReader
from antiphon.store.rules import find_rule
from antiphon.store.settings import read_workspace
from antiphon.web.context import CommonValue, ComputedPreview, ComputedSample, RuleFaces

SAMPLE = 8
COMMON = 5


class ComputedTraits:
    """See `web.context.ComputedTraits`."""

    def __init__(self, store: Store, reader: HistoryReader, clock: Clock) -> None:
        """Read from these; nothing is written."""
        self._store, self._reader, self._clock = store, reader, clock

    def parse(self, text: str, kind: SubjectKind) -> RuleFaces:
        """Text to formula; RuleSyntaxError."""
        return _faces(parse_formula(text, kind), kind)

    def from_json(self, formula: dict[str, Any], kind: SubjectKind) -> RuleFaces:
        """Formula to text; InvalidInput."""
        decoded = f.decode(formula)
        validate_formula(decoded, kind)
        return _faces(decoded, kind)

    def check_trait(self, conn: Connection, name: str, kind: SubjectKind, formula: dict[str, Any]) -> None:
        """Refuse a computed trait that would lead back to itself; InvalidInput names the cycle."""
        computed = _formulas(conn)
        computed[kind, name] = lambda: f.decode(formula)
        check_cycles(trait_node(kind, name), computed, lambda segment: _rule(conn, segment))

    def check_rule(self, conn: Connection, rule_id: int | None, name: str, kind: SubjectKind, rule: Any) -> None:
        """Refuse a rule that would lead back to itself through computed traits or segments; InvalidInput."""
        decoded = tree.decode(rule)
        if any(tree.segments(decoded)) or any(f.rule_traits(decoded)):  # most rules read neither

            def found(segment: str) -> tuple[SubjectKind, tree.Tree] | None:
                return (kind, decoded) if segment == name else _rule(conn, segment, without=rule_id)

            check_cycles(segment_node(name), _formulas(conn), found)

    def readers(self, conn: Connection, name: str, kind: SubjectKind) -> list[str]:
        """The rules that are switched on, and the computed traits, that read a computed trait."""
        key = (kind, name)
        found = [
            f"the rule “{row.name}”"
            for row in program.active_rules(conn)
            if key in f.trait_keys(f.rule_traits(tree.decode(row.tree)), row.subject_kind)
        ]
        found += [
            f"the computed trait “{trait.name}”"
            for trait in list_computed_traits(conn)
            if (trait.subject_kind, trait.name) != key
            and key in f.trait_keys(f.traits(f.decode(trait.formula)), trait.subject_kind)
        ]
        return found

    def preview(self, formula: dict[str, Any], kind: SubjectKind) -> ComputedPreview:
        """The values now, over history and what the log holds beyond it."""
        now, decoded = self._clock(), f.decode(formula)
        with self._store.state.read() as conn:
            zone = read_workspace(conn).time_zone
            segments = segment_trees(conn, f.segments(decoded))
        found = computed_values(decoded, kind, history_tables(), now=now, time_zone=zone, segments=segments)
        with self._reader.connect(people=True) as db:
            db.execute(f"CREATE TEMP TABLE computed AS {ibis.to_sql(found.rows, dialect='duckdb')}")
            of, known = db.execute("SELECT count(*), count(value) FROM computed").fetchone() or (0, 0)
            spread, common = (None, None, None), []
            if found.gives in ("number", "date"):
                middle = "median(value)" if found.gives == "number" else "quantile_disc(value, 0.5)"
                query = f"SELECT min(value), {middle}, max(value) FROM computed"  # noqa: S608 - our own words
                spread = db.execute(query).fetchone() or spread
            else:
                common = db.execute(
                    "SELECT value, count(*) AS times FROM computed WHERE value IS NOT NULL "  # noqa: S608 - a number of ours
                    f"GROUP BY value ORDER BY times DESC, value LIMIT {COMMON}"
                ).fetchall()
            sample = db.execute(
                "SELECT subject_id, value FROM computed WHERE value IS NOT NULL "  # noqa: S608 - a number of ours
                f"ORDER BY subject_id LIMIT {SAMPLE}"
            ).fetchall()

        def shown(value: Any) -> Any:
            return json.loads(value) if found.gives == "value" and isinstance(value, str) else value

        return ComputedPreview(
            gives=found.gives,
            of=of,
            known=known,
            least=spread[0],
            median=spread[1],
            most=spread[2],
            common=[CommonValue(value=shown(value), count=times) for value, times in common],
            sample=[ComputedSample(id=subject, value=shown(value)) for subject, value in sample],
            as_of=now,
        )


def _faces(formula: f.Formula, kind: SubjectKind) -> RuleFaces:
    return RuleFaces(text=render_formula(formula), tree=f.encode(formula), sentence=formula_sentence(formula, kind))


def _formulas(conn: Connection) -> dict[tuple[SubjectKind, str], Callable[[], f.Formula]]:
    """All computed traits, as `check_cycles` takes them."""
    return {(trait.subject_kind, trait.name): partial(f.decode, trait.formula) for trait in list_computed_traits(conn)}


def _rule(conn: Connection, name: str, without: int | None = None) -> tuple[SubjectKind, tree.Tree] | None:
    """A rule by its name, but for one."""
    found = find_rule(conn, name)
    return None if found is None or found.id == without else (found.subject_kind, tree.decode(found.tree))
